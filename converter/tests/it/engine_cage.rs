//! The engine's cage: what an engine or an ffmpeg that was taken over can reach.

use std::{
    fs::File,
    io::Write as _,
    net::{TcpListener, UdpSocket},
    os::{
        fd::OwnedFd,
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use converter::{engine::Job, options::Options};
use tempfile::TempDir;

use crate::{
    engine_rig::{convert, job, program},
    service_rig,
};

/// The magic of an FLV, which goes to ffmpeg as it arrives; behind it the probe finds its orders.
const MAGIC: &[u8] = b"FLV\x01\x05\0\0\0\x09";
/// What a kernel or a container may forbid everybody.
const MAY_FAIL_OUTSIDE: [&str; 7] = [
    "set up an io_uring",
    "trace another process",
    "read another's memory",
    "load a filter into the kernel",
    "add a key",
    "clone into a namespace",
    "unshare a namespace",
];
/// What one part of the cage holds alone. A kernel without that part is told of, and only the rest is tested there.
const HELD_BY: [(&str, &[&str]); 3] = [
    (
        "Filesystem",
        &[
            "read a file",
            "read /etc/passwd",
            "list a folder",
            "read another's environment",
            "read another's memory map",
            "see another's program",
            "read /proc/self/status",
            "execute a program",
        ],
    ),
    ("Scopes", &["look for another process", "signal another process"]),
    (
        "SystemCalls",
        &[
            "change rights",
            "send by UDP",
            "set up an io_uring",
            "open another process",
            "map memory from nowhere",
            "load a filter into the kernel",
            "add a key",
            "fork a process",
            "spawn a sibling",
            "clone into a namespace",
            "unshare a namespace",
        ],
    ),
];

pub(crate) fn probe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_cage-probe"))
}

/// What must not be reached from inside.
struct Outside {
    folder: TempDir,
    /// The file `secret`, open in every program that is started.
    _inherited: OwnedFd,
    /// Stands for the service: a process of the same user.
    process: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    _abstract_socket: UnixListener,
}

impl Outside {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("secret"), "secret").expect("a secret");
        let secret = File::open(folder.path().join("secret")).expect("a secret");
        let name = SocketAddr::from_abstract_name(folder.path().as_os_str().as_encoded_bytes()).expect("a name");
        let process = Command::new("sleep").arg("600").env("SECRET", "secret").spawn().expect("a process");
        Self {
            // Unlike the original, a duplicate is not closed on exec.
            _inherited: rustix::io::dup(&secret).expect("a duplicate"),
            process,
            tcp: TcpListener::bind("127.0.0.1:0").expect("a listener"),
            udp: UdpSocket::bind("127.0.0.1:0").expect("a socket"),
            _abstract_socket: UnixListener::bind_addr(&name).expect("a listener"),
            folder,
        }
    }

    fn targets(&self) -> String {
        let (tcp, udp) = (self.tcp.local_addr().expect("an address"), self.udp.local_addr().expect("an address"));
        let folder = self.folder.path().display();
        format!("{} {folder} {tcp} {udp} {folder}", self.process.id())
    }

    /// The probe's attempts and whether they succeeded, behind what it says of the kernel.
    fn attempts(&self, place: &str) -> (String, Vec<(String, bool)>) {
        self.attempts_of(Command::new(probe()).arg(place))
    }

    fn attempts_of(&self, probe: &mut Command) -> (String, Vec<(String, bool)>) {
        let tried = probe.arg(self.targets()).output().expect("a probe");
        assert!(tried.status.success(), "{tried:?}");
        let said = String::from_utf8(tried.stdout).expect("text");
        let mut lines = said.lines().filter_map(|line| line.split_once(": "));
        let (_, missing) = lines.next().expect("a line of the kernel");
        (missing.to_owned(), lines.map(|(name, how)| (name.to_owned(), how == "succeeded")).collect())
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_held(name: &str, missing: &str) -> bool {
    !HELD_BY.iter().any(|(part, names)| missing.contains(part) && names.contains(&name))
}

#[test]
fn outside_the_cage_everything_is_reached() {
    let outside = Outside::new();
    for (name, is_reached) in outside.attempts("outside").1 {
        assert!(is_reached || MAY_FAIL_OUTSIDE.contains(&&*name), "could not {name}, so its test proves nothing");
    }
}

#[test]
fn inside_the_cage_nothing_is_reached() {
    let outside = Outside::new();
    let (missing, attempts) = outside.attempts("inside");
    assert!(attempts.len() > 20, "{attempts:?}");
    for (name, is_reached) in attempts {
        assert!(!is_reached || !is_held(&name, &missing), "could {name}");
    }
}

#[test]
fn without_landlock_the_rest_of_the_cage_holds_and_what_is_missing_is_told() {
    let outside = Outside::new();
    let (missing, attempts) = outside.attempts_of(Command::new(probe()).arg("old-kernel").arg(probe()).arg("inside"));
    assert!(["Filesystem", "Network", "Scopes"].iter().all(|part| missing.contains(part)), "{missing}");
    for (name, is_reached) in attempts {
        assert!(!is_reached || !is_held(&name, &missing), "could {name}");
    }

    let folder = TempDir::new().expect("a folder");
    let video = folder.path().join("a.mp4");
    std::fs::write(&video, service_rig::clip()).expect("a video");
    let mut engine = Command::new(probe());
    engine.arg("old-kernel").arg(program()).arg("transcode").stdin(File::open(&video).expect("a video"));
    let converted = engine.output().expect("an engine");
    assert!(converted.status.success() && !converted.stdout.is_empty(), "{converted:?}");
    let said = String::from_utf8_lossy(&converted.stderr);
    assert!(said.starts_with("converter: note: not caged") && said.contains("Filesystem"), "{said}");
}

#[tokio::test]
async fn the_engines_ffmpeg_reaches_nothing() {
    let outside = Outside::new();
    let (missing, attempts) = outside.attempts("inside");
    let (report, _) = convert(&probed(), &orders(&outside.targets())).await.converted();
    // The probe's letters, in the place of a codec's name.
    let letters = report.source.strip_prefix("flv/").expect("the container");
    assert_eq!(letters.len(), attempts.len(), "{letters}");
    for ((name, _), letter) in attempts.iter().zip(letters.chars()) {
        assert!(letter == 'd' || !is_held(name, &missing), "could {name}");
    }
}

#[test]
fn the_filters_ffmpeg_cannot_write_into_the_spool() {
    let mut filter = Command::new(program());
    filter.arg("transcode").arg("--ffmpeg").arg(probe());
    let mut filter =
        filter.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a filter");
    let video = [b"RIFF\0\0\0\0AVI LIST", &b"overwrite\n"[..], &[0; 64]].concat();
    filter.stdin.take().expect("a pipe").write_all(&video).expect("a written video");
    let ended = filter.wait_with_output().expect("an end");
    assert!(ended.status.success() && !ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn the_cage_is_for_a_process_of_one_thread() {
    let refused = Command::new(probe()).arg("threads").output().expect("a probe");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("one thread"), "{refused:?}");
}

/// A job whose ffmpeg is the probe.
pub(crate) fn probed() -> Job {
    Job { ffmpeg: probe(), ..job(Options::default()) }
}

pub(crate) fn orders(orders: &str) -> Vec<u8> {
    // So long that the container is known before the end: what is known only then is spooled.
    [MAGIC, orders.as_bytes(), b"\n", &[0; 64]].concat()
}
