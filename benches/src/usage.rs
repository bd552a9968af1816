//! What processes and their children use, from `/proc` (proc(5)).

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::Context as _;

use crate::{memory, stats::float};

/// `USER_HZ`: the unit of CPU times in `/proc`, 100 in a second on every architecture that tapedeck is built for.
const TICKS_PER_S: f64 = 100.0;
/// Between two looks at memory: engines live for a tenth of a second or longer, and looking costs CPU time.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// CPU seconds of processes that run and of all their children that have ended: of a converter those of its engines, too.
pub(crate) fn cpu_s(pids: &[u32]) -> anyhow::Result<f64> {
    let mut sum = 0;
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("a service has ended")?;
        sum += ticks(&text).context("/proc/PID/stat is not as expected")?;
    }
    Ok(seconds(sum))
}

/// Seconds that all CPUs worked, and seconds that passed on all of them, since the machine started.
pub(crate) fn machine_s() -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat")?;
    let (worked, passed) = ticks_of_machine(&text).context("/proc/stat is not as expected")?;
    Ok((seconds(worked), seconds(passed)))
}

fn seconds(ticks: u64) -> f64 {
    float(ticks) / TICKS_PER_S
}

/// utime, stime, cutime and cstime: fields 14 to 17. The name in field 2 may hold anything, also brackets.
fn ticks(text: &str) -> Option<u64> {
    let (_, after_name) = text.rsplit_once(')')?;
    let fields: Option<Vec<u64>> = after_name.split_whitespace().skip(11).take(4).map(|it| it.parse().ok()).collect();
    fields.filter(|fields| fields.len() == 4).map(|fields| fields.iter().sum())
}

/// user, nice, system, idle, iowait, irq, softirq, steal; the guests' time is in user's.
fn ticks_of_machine(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Option<Vec<u64>> = line.split_whitespace().take(8).map(|it| it.parse().ok()).collect();
    let fields = fields.filter(|fields| fields.len() == 8)?;
    let passed: u64 = fields.iter().sum();
    Some((passed - fields[3] - fields[4], passed))
}

/// Looks at the resident memory of processes and all their descendants until it is asked.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl MemoryWatch {
    pub(crate) fn start(pids: Vec<u32>) -> Self {
        let (peak, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (highest, stopping) = (Arc::clone(&peak), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                highest.fetch_max(resident_bytes(&pids), Ordering::Relaxed);
                thread::park_timeout(LOOK_EVERY);
            }
        });
        Self { peak, stop, thread }
    }

    /// The largest sum in bytes that was seen; a page that several processes share counts for each.
    pub(crate) fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        let _ = self.thread.join();
        self.peak.load(Ordering::Relaxed)
    }
}

fn resident_bytes(pids: &[u32]) -> u64 {
    let mut all = vec![];
    for pid in pids {
        memory::tree(*pid, &mut all);
    }
    all.into_iter().filter_map(resident_kib).sum::<u64>() * 1024
}

fn resident_kib(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let text = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 4 0 9 1 1";
        assert_eq!(ticks(text), Some(110));
        assert_eq!(ticks("7 (a) S 1 7"), None);
    }

    #[test]
    fn waiting_for_a_disk_is_not_work() {
        let text = "cpu  10 20 30 400 50 1 2 3 0 0\ncpu0 5 10 15 200 25 1 1 1 0 0\n";
        assert_eq!(ticks_of_machine(text), Some((66, 516)));
    }

    #[test]
    fn memory_of_this_process_is_seen() {
        let pids = [std::process::id()];
        assert!(resident_bytes(&pids) > 1 << 20);
        assert!(cpu_s(&pids).expect("this process runs") >= 0.0);
        let (worked, passed) = machine_s().expect("this machine");
        assert!(worked > 0.0 && worked <= passed);
    }
}
