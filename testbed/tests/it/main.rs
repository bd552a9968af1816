//! Each kind of server: it starts, survives what tests do to it, and leaves nothing.

mod answers;
mod data;
mod lifecycle;
mod parent;
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longest that anything is waited for: a watchdog looks every second, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The script of a kind; tests run in their package's folder.
fn script(kind: &str) -> PathBuf {
    std::path::absolute(Path::new("servers").join(kind)).expect("a path")
}

/// Waits for a condition, at most [`PATIENCE`].
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} and not: {what}");
        std::thread::park_timeout(LOOK_EVERY);
    }
}

/// The processes whose command line or environment names this folder, by their command lines.
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("a plain path").as_bytes();
    let names = |text: &[u8]| text.windows(folder.len()).any(|part| part == folder);
    let mut found = vec![];
    for process in fs::read_dir("/proc").expect("/proc").flatten() {
        // What has ended meanwhile, or is another user's, is none of them.
        let Ok(command) = fs::read(process.path().join("cmdline")) else { continue };
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        if names(&command) || names(&environment) {
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}
