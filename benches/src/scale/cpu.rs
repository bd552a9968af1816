//! CPU time of processes and of the whole machine, from `/proc` (proc(5)).

use std::fs;

use anyhow::Context as _;

/// `USER_HZ`: the unit of these files, 100 in a second on every architecture that tapedeck is built for.
const TICKS_PER_S: f64 = 100.0;

/// CPU seconds of a process and of all its children that have ended: of a converter also those of its engines.
pub(super) fn of_process(pid: u32) -> anyhow::Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context("a converter has ended")?;
    ticks_of_process(&text).map(seconds).context("/proc/PID/stat is not as expected")
}

/// Seconds that all CPUs worked, and seconds that passed on all of them, since the machine started.
pub(super) fn of_machine() -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/stat")?;
    let (worked, passed) = ticks_of_machine(&text).context("/proc/stat is not as expected")?;
    Ok((seconds(worked), seconds(passed)))
}

#[expect(clippy::cast_precision_loss, reason = "2^53 ticks are millions of years")]
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / TICKS_PER_S
}

/// utime, stime, cutime and cstime: fields 14 to 17. The name in field 2 may hold anything, also brackets.
fn ticks_of_process(text: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name() {
        let text = "7 (a) b) c) S 1 7 7 0 -1 4194560 100 200 0 0 11 22 33 44 20 0 4 0 9 1 1";
        assert_eq!(ticks_of_process(text), Some(110));
        assert_eq!(ticks_of_process("7 (a) S 1 7"), None);
    }

    #[test]
    fn waiting_for_a_disk_is_not_work() {
        let text = "cpu  10 20 30 400 50 1 2 3 0 0\ncpu0 5 10 15 200 25 1 1 1 0 0\n";
        assert_eq!(ticks_of_machine(text), Some((66, 516)));
    }

    #[test]
    fn this_process_has_used_some_time() {
        assert!(of_process(std::process::id()).expect("this process") >= 0.0);
        let (worked, passed) = of_machine().expect("this machine");
        assert!(worked > 0.0 && worked <= passed);
    }
}
