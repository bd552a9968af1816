//! What ends a command before its time.

use std::{fs, future::pending};

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at Ctrl-C, at SIGTERM, and when the terminal is gone (SIGHUP).
pub(crate) async fn interrupted() {
    tokio::select! {
        () = chassis::shutdown_signal() => {}
        () = hung_up() => {}
    }
}

/// Under `nohup` never: whoever started that wants the command to go on.
async fn hung_up() {
    let kind = SignalKind::hangup();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if is_ignored(&status, kind) {
        return pending().await;
    }
    let Ok(mut hangups) = signal(kind) else { return pending().await };
    hangups.recv().await;
}

/// Whether the process of this `/proc/PID/status` ignores a signal: bit n - 1 of `SigIgn` stands for signal n.
fn is_ignored(status: &str, kind: SignalKind) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    ignored & 1 << (kind.as_raw_value() - 1) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let status = "Name:\tx\nSigBlk:\t0000000000000003\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000002\n";
        assert!(is_ignored(status, SignalKind::hangup()));
        assert!(!is_ignored(status, SignalKind::interrupt()));
        assert!(!is_ignored("", SignalKind::hangup()));
    }
}
