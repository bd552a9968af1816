//! Where the list of replicas comes from.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::AsyncReadExt as _,
    time::{MissedTickBehavior, interval, timeout},
};

use super::Replicas;

/// How often a file or a name is looked at.
const REFRESH: Duration = Duration::from_secs(1);
/// Largest list that is read; a thousand addresses have some 50 KiB. It bounds what a wrong file costs.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Longest wait for a name server; then the last list stays.
const RESOLVE_MAX: Duration = Duration::from_secs(5);
/// Most bad lines of a file that the log names; whoever mends these sees the others.
const BAD_LINES_TOLD_MAX: usize = 5;

/// What `CONVERTERS` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Addresses, `host:port` each.
    List(Vec<String>),
    /// A file with such a list, read again every second.
    File(PathBuf),
    /// A name that is resolved again every second.
    Dns { name: String, port: u16 },
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        if let Some(name) = text.strip_prefix("dns:") {
            let (name, port) = name.rsplit_once(':').ok_or("dns:NAME:PORT needs a port")?;
            let port = port.parse().map_err(|_| format!("{port:?} is no port"))?;
            return Ok(Self::Dns { name: name.to_owned(), port });
        }
        let addresses = addresses(text);
        match addresses.iter().find(|address| !is_address(address)) {
            Some(bad) => Err(format!("{bad:?} is not host:port")),
            None if addresses.is_empty() => Err("name at least one converter, as host:port".to_owned()),
            None => Ok(Self::List(addresses)),
        }
    }
}

fn addresses(text: &str) -> Vec<String> {
    text.split(|c: char| c == ',' || c.is_whitespace()).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// What a source says now.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    addresses: Vec<String>,
    /// What is wrong with the source.
    wrong: Option<String>,
}

impl Read {
    fn nothing(wrong: String) -> Self {
        Self { addresses: Vec::new(), wrong: Some(wrong) }
    }

    fn listed(addresses: Vec<String>) -> Self {
        Self { addresses, wrong: None }
    }
}

/// Reads the list once. Where nothing can be read the last list stays; what is wrong is logged when it changes.
pub(crate) async fn refresh(source: &Source, replicas: &Replicas) {
    let Read { addresses, wrong } = read(source).await;
    if replicas.outage.has_changed(wrong.as_deref()) {
        if let Some(cause) = wrong {
            tracing::warn!(cause, "converters_missing");
        } else {
            tracing::info!("converters_back");
        }
    }
    replicas.set(addresses);
}

async fn read(source: &Source) -> Read {
    match source {
        Source::List(addresses) => Read::listed(addresses.clone()),
        // Read each time: a file that is written twice in one tick of the clock keeps its time of change.
        Source::File(path) => match read_text(path).await {
            Ok(text) => lines(&text, path),
            Err(cause) => Read::nothing(format!("cannot read {}: {cause} (CONVERTERS)", path.display())),
        },
        Source::Dns { name, port } => {
            match timeout(RESOLVE_MAX, tokio::net::lookup_host((name.as_str(), *port))).await {
                Ok(Ok(found)) => {
                    let found: BTreeSet<_> = found.map(|address| address.to_string()).collect();
                    Read::listed(found.into_iter().collect())
                }
                Ok(Err(cause)) => Read::nothing(format!("{name} does not resolve: {cause} (CONVERTERS)")),
                Err(_) => Read::nothing(format!("{name} does not resolve within {RESOLVE_MAX:?} (CONVERTERS)")),
            }
        }
    }
}

async fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = tokio::fs::File::open(path).await?;
    if file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).await? as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

/// The addresses of a file; the rest of it is left out and told by the numbers of its lines. Their text is not: it may
/// be the wrong file.
fn lines(text: &str, path: &Path) -> Read {
    let (mut listed, mut bad) = (Vec::new(), Vec::new());
    for (line, number) in text.lines().zip(1..) {
        let (good, other): (Vec<_>, Vec<_>) = addresses(line).into_iter().partition(|address| is_address(address));
        listed.extend(good);
        if !other.is_empty() && bad.len() < BAD_LINES_TOLD_MAX {
            bad.push(number.to_string());
        }
    }
    let wrong = if !bad.is_empty() {
        Some(format!("{}, line {}: not host:port (CONVERTERS)", path.display(), bad.join(", ")))
    } else if listed.is_empty() {
        Some(format!("{} names no converter (CONVERTERS)", path.display()))
    } else {
        None
    };
    Read { addresses: listed, wrong }
}

/// Keeps the list fresh until it is aborted.
pub(crate) async fn watch(source: Source, replicas: Arc<Replicas>) {
    if matches!(source, Source::List(_)) {
        return;
    }
    let mut ticks = interval(REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        refresh(&source, &replicas).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_the_setting_is_read() {
        assert_eq!("a:1, b:2".parse(), Ok(Source::List(vec!["a:1".into(), "b:2".into()])));
        assert_eq!("file:/etc/list".parse(), Ok(Source::File("/etc/list".into())));
        assert_eq!("dns:converter.ns.:8082".parse(), Ok(Source::Dns { name: "converter.ns.".into(), port: 8082 }));
        for bad in ["", "a", "a:b", ":1", "dns:a", "dns:a:b"] {
            assert!(bad.parse::<Source>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_source_is_told() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("list");
        let source = Source::File(file.clone());
        let missing = read(&source).await.wrong.expect("there is no file");
        assert!(missing.contains("cannot read") && missing.contains("CONVERTERS"), "{missing}");

        std::fs::write(&file, "a:1\ns3cret\nb:2 c:3\n:4, d:5\n").expect("the folder is ours");
        let Read { addresses, wrong } = read(&source).await;
        assert_eq!(addresses, ["a:1", "b:2", "c:3", "d:5"]);
        let wrong = wrong.expect("two lines are bad");
        assert!(wrong.contains("line 2, 4: not host:port") && !wrong.contains("s3cret"), "{wrong}");

        std::fs::write(&file, "a:1 ".repeat(300_000)).expect("the folder is ours");
        assert!(read(&source).await.wrong.expect("too long").contains("more than"));
        std::fs::write(&file, "\n").expect("the folder is ours");
        assert!(read(&source).await.wrong.expect("an empty file").contains("names no converter"));
        std::fs::write(&file, "a:1\n").expect("the folder is ours");
        assert_eq!(read(&source).await, Read::listed(vec!["a:1".into()]));

        let unknown = Source::Dns { name: "x".repeat(64), port: 8082 };
        assert!(read(&unknown).await.wrong.expect("no such name").contains("does not resolve"));
    }
}
