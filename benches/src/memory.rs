//! Peak memory of a process and its children, as the kernel counts it (`VmHWM`).

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// Between two looks: the peak is read from a process that is about to end.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Peaks in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peak {
    pub(crate) process: u64,
    /// The largest of its descendants: of a service an engine or its ffmpeg.
    pub(crate) child: u64,
}

/// Looks at a process and its descendants until it is asked for the result.
#[derive(Debug)]
pub(crate) struct Watch {
    pid: u32,
    peaks: Arc<Mutex<HashMap<u32, u64>>>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    pub(crate) fn start(pid: u32) -> Self {
        let (peaks, stop) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(AtomicBool::new(false)));
        let (seen, stopping) = (Arc::clone(&peaks), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                look(pid, &mut seen.lock().unwrap_or_else(PoisonError::into_inner));
                thread::park_timeout(LOOK_EVERY);
            }
        });
        Self { pid, peaks, stop, thread }
    }

    pub(crate) fn finish(self) -> Peak {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
        let peaks = self.peaks.lock().unwrap_or_else(PoisonError::into_inner);
        let process = peaks.get(&self.pid).copied().unwrap_or(0);
        let child = peaks.iter().filter(|(pid, _)| **pid != self.pid).map(|(_, peak)| *peak).max().unwrap_or(0);
        Peak { process, child }
    }
}

fn look(pid: u32, peaks: &mut HashMap<u32, u64>) {
    let mut pids = vec![];
    tree(pid, &mut pids);
    peaks.extend(pids.into_iter().filter_map(|pid| Some((pid, peak_of(pid)?))));
}

/// Adds a process and its descendants.
pub(crate) fn tree(pid: u32, pids: &mut Vec<u32>) {
    pids.push(pid);
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return };
    for thread in threads.flatten() {
        let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
            tree(child, pids);
        }
    }
}

fn peak_of(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib * 1024)
}
