//! How many connections the process can hold.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Connections of one worker thread where the system sets no lower limit.
const CONNECTIONS_MAX: u64 = 25_000;
/// Fewest that are of any use.
const CONNECTIONS_MIN: u64 = 32;
/// Servers that may share a process, and as much again for files, stores and engines.
const SHARES: u64 = 8;

/// Raises the soft limit of open files to the hard one, and answers how many connections each of `workers` threads
/// of one server may hold: fewer than the limit, so that clients who stay cannot use up the files of the process.
pub(crate) fn connections_max(workers: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(cause) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%cause, "the limit of open files stays as it is");
        limit = getrlimit(Resource::Nofile);
    }
    let share = limit.current.unwrap_or(u64::MAX) / SHARES / workers.max(1) as u64;
    usize::try_from(share.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX)).unwrap_or(usize::MAX)
}
