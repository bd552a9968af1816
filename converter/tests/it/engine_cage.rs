//! The engine's cage: what an engine or an ffmpeg that was taken over can reach, and what ends it.

use std::{
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use bytes::Bytes;
use converter::{control::RefusalKind, engine::Job, options::Options};
use tempfile::TempDir;

use crate::{
    engine_rig::{convert, job, program},
    service::{self, Rig},
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
            "clone into a namespace",
            "unshare a namespace",
        ],
    ),
];

fn probe() -> PathBuf {
    let probe = program().with_file_name("examples").join("cage-probe");
    assert!(probe.exists(), "`cargo test --example cage-probe --no-run` builds {}", probe.display());
    probe
}

/// What must not be reached from inside.
struct Outside {
    folder: TempDir,
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
        let name = SocketAddr::from_abstract_name(folder.path().as_os_str().as_encoded_bytes()).expect("a name");
        let process = Command::new("sleep").arg("600").env("SECRET", "secret").spawn().expect("a process");
        Self {
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
        let tried = Command::new(probe()).args([place, &self.targets()]).output().expect("a probe");
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
fn the_cage_is_for_a_process_of_one_thread() {
    let refused = Command::new(probe()).arg("threads").output().expect("a probe");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("one thread"), "{refused:?}");
}

#[test]
fn an_engine_ends_at_its_own_limits() {
    for (bomb, signal) in [("eat", "SIGABRT"), ("spin", "SIGXCPU"), ("write", "SIGXFSZ")] {
        let ended = Command::new(probe()).arg(bomb).stderr(Stdio::null()).status().expect("a probe");
        assert!(ended.to_string().contains(signal), "{bomb}: {ended}");
    }
}

#[tokio::test]
async fn a_memory_bomb_in_ffmpeg_ends_at_the_limit() {
    convert(&probed(), &orders("eat")).await.refused_as(&[RefusalKind::Limits], "a memory bomb");
}

#[tokio::test]
async fn an_endless_ffmpeg_ends_at_the_limit_and_the_service_lives_on() {
    let folder = TempDir::new().expect("a folder");
    // A limit of the caller's holds for the cage too, and this one is short enough to wait for.
    let engine = script(folder.path(), &format!("ulimit -t 3; exec '{}' \"$@\"", program().display()));
    let [engine, ffmpeg] = [format!("--engine={}", engine.display()), format!("--ffmpeg={}", probe().display())];
    let rig = Rig::start(&[&engine, &ffmpeg]).await;
    for bomb in ["spin", "eat"] {
        let permit = rig.permit(&service::request(None)).await;
        let refusal = service::refused(rig.send(permit, Bytes::from(orders(bomb)).into()).await);
        assert_eq!((refusal.status, &*refusal.kind), (422, "/problems/engine-limits"), "{bomb}: {refusal}");
    }
    let permit = rig.permit(&service::request(None)).await;
    rig.send(permit, service::clip().into()).await.expect("the service lives on");
}

#[tokio::test]
async fn an_engine_that_dies_by_a_limit_is_the_videos_fault_and_by_another_signal_is_not() {
    for (signal, status, kind) in [
        ("XCPU", 422, "/problems/engine-limits"),
        ("XFSZ", 422, "/problems/engine-limits"),
        ("ABRT", 422, "/problems/engine-limits"),
        ("SEGV", 500, "/problems/engine-crashed"),
        ("SYS", 500, "/problems/engine-crashed"),
        ("KILL", 500, "/problems/engine-crashed"),
    ] {
        let folder = TempDir::new().expect("a folder");
        let engine = script(folder.path(), &format!("read -r start <&2; ulimit -c 0; kill -s {signal} $$"));
        let rig = Rig::start(&[&format!("--engine={}", engine.display())]).await;
        let permit = rig.permit(&service::request(None)).await;
        let refusal = service::refused(rig.send(permit, service::clip().into()).await);
        assert_eq!((refusal.status, &*refusal.kind), (status, kind), "{signal}: {refusal}");
    }
}

/// A job whose ffmpeg is the probe.
fn probed() -> Job {
    Job { ffmpeg: probe(), ..job(Options::default()) }
}

fn orders(orders: &str) -> Vec<u8> {
    // So long that the container is known before the end: what is known only then is spooled.
    [MAGIC, orders.as_bytes(), b"\n", &[0; 64]].concat()
}

/// A program, written by another process: one that this test writes may still be open in a child of another test.
fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("script");
    let text = format!("#!/bin/sh\n{text}\n");
    let written: ExitStatus = Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$2\" && chmod +x \"$2\"", "sh", &text])
        .arg(&path)
        .status()
        .expect("a shell");
    assert!(written.success(), "{written}");
    path
}
