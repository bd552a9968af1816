//! Where the list of replicas comes from.

use std::{collections::BTreeSet, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Replicas;

/// How often a file or a name is looked at.
const REFRESH: Duration = Duration::from_secs(1);
/// Longest wait for a name server; then the last list stays.
const RESOLVE_MAX: Duration = Duration::from_secs(5);

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

/// Reads the list once.
pub(crate) async fn refresh(source: &Source, replicas: &Replicas) {
    match source {
        Source::List(addresses) => replicas.set(addresses.clone()),
        // Read each time: a file that is written twice in one tick of the clock keeps its time of change.
        Source::File(path) => match tokio::fs::read_to_string(path).await {
            Ok(text) => replicas.set(addresses(&text).into_iter().filter(|address| is_address(address)).collect()),
            Err(cause) => tracing::debug!(%cause, "converters_unreadable"),
        },
        Source::Dns { name, port } => {
            match timeout(RESOLVE_MAX, tokio::net::lookup_host((name.as_str(), *port))).await {
                Ok(Ok(found)) => {
                    let found: BTreeSet<_> = found.map(|address| address.to_string()).collect();
                    replicas.set(found.into_iter().collect());
                }
                Ok(Err(cause)) => tracing::debug!(%cause, "converters_unresolved"),
                Err(_) => tracing::debug!("converters_unresolved"),
            }
        }
    }
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
}
