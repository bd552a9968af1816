//! `tapedeck transcode` that is stopped in the middle.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{cli::Tapedeck, transcode::names};

/// Longest until an engine has written something, on a machine that compiles at the same time.
const START_MAX: Duration = Duration::from_secs(30);

/// Hours of silence that take no room.
fn long_wav(path: &Path) {
    const DATA_BYTES: u32 = 4 * 3600 * 44_100 * 4;
    let mut head = b"RIFF".to_vec();
    head.extend((36 + DATA_BYTES).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0data");
    head.extend(DATA_BYTES.to_le_bytes());
    let mut file = File::create(path).expect("a file");
    file.write_all(&head).expect("a header");
    file.set_len(u64::from(DATA_BYTES) + head.len() as u64).expect("a sparse file");
}

/// The conversion, as `program` starts it.
fn behind(tapedeck: &Tapedeck, program: &str, arguments: &[&str]) -> Command {
    let plain = tapedeck.command(&["transcode", "a.wav", "b.mp3"]);
    let mut command = tapedeck.command_of(program);
    command.args(arguments).arg(plain.get_program()).args(plain.get_args());
    command
}

/// Starts a conversion that takes its time and waits until there is some of its mp3.
async fn started(home: &Path, mut command: Command) -> Child {
    let running = command.spawn().expect("the program starts");
    let has_written = || {
        let entries = fs::read_dir(home).expect("a folder").flatten();
        let mut partial = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tapedeck-"));
        partial.any(|entry| entry.metadata().is_ok_and(|about| about.len() > 0))
    };
    let (give_up, mut ticks) = (Instant::now() + START_MAX, tokio::time::interval(Duration::from_millis(10)));
    while !has_written() {
        assert!(Instant::now() < give_up, "nothing is written");
        ticks.tick().await;
    }
    running
}

#[tokio::test]
async fn whatever_stops_it_leaves_nothing_behind() {
    let tapedeck = Tapedeck::new();
    let home = tapedeck.home();
    long_wav(&home.join("a.wav"));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        // The tests themselves may run under nohup, and what they start would ignore a SIGHUP.
        let mut running = started(home, behind(&tapedeck, "env", &["--default-signal"])).await;

        kill_process(Pid::from_child(&running), signal).expect("a running process");
        let ended = running.wait().expect("an end");

        assert_eq!(ended.code(), Some(130), "{signal:?}");
        assert_eq!(names(home), ["a.wav"], "{signal:?}");
    }
}

#[tokio::test]
async fn under_nohup_a_terminal_that_goes_away_stops_nothing() {
    const HANGUP: u64 = 1;
    let tapedeck = Tapedeck::new();
    long_wav(&tapedeck.home().join("a.wav"));
    let mut running = started(tapedeck.home(), behind(&tapedeck, "nohup", &[])).await;

    let status = fs::read_to_string(format!("/proc/{}/status", running.id())).expect("a running process");
    kill_process(Pid::from_child(&running), Signal::TERM).expect("a running process");
    running.wait().expect("an end");

    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("signals").trim();
    assert_eq!(u64::from_str_radix(ignored, 16).expect("a number") & HANGUP, HANGUP, "{status}");
}
