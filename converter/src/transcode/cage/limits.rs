//! What the engine may use at most: a hostile video ends this process, not the machine.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MIB: u64 = 1024 * 1024;
/// Address space of the engine, and of ffmpeg, which dies at 250 MiB and lives at 300.
const ADDRESS_SPACE: u64 = 512 * MIB;
/// More of it for each encoding thread.
const ADDRESS_SPACE_PER_WORKER: u64 = 80 * MIB;
/// Open files of one process.
const OPEN_FILES: u64 = 64;
/// CPU seconds that any conversion may take.
const CPU_SECONDS_BASE: u64 = 60;
/// One CPU second for so many seconds of audio: a tenth of the measured speed of the slowest path.
const AUDIO_SECONDS_PER_CPU_SECOND: u64 = 10;
/// CPU seconds between the signal that tells of the limit and the kill, which could be anybody's.
const CPU_SECONDS_GRACE: u64 = 5;
/// Bytes of decoded audio for one second: 48 kHz, two channels of floats.
const SCRATCH_BYTES_PER_SECOND: u64 = 48_000 * 2 * 4;
/// The engine stops with the block that passes the longest duration.
const SCRATCH_SLACK: u64 = 16 * MIB;

/// What this process may use, and each that it starts. Where the caller's own limits are lower, those hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub address_space_bytes: u64,
    pub cpu_seconds: u64,
    /// Bytes of any file that is written (pipes and sockets are none); the caller's limit where absent.
    pub file_bytes: Option<u64>,
}

impl Limits {
    /// The limits of a conversion of audio up to `duration_max` with so many encoding threads.
    pub fn of(duration_max: Duration, workers: u64, file_bytes: Option<u64>) -> Self {
        Self {
            address_space_bytes: ADDRESS_SPACE + workers * ADDRESS_SPACE_PER_WORKER,
            cpu_seconds: CPU_SECONDS_BASE + duration_max.as_secs() / AUDIO_SECONDS_PER_CPU_SECOND,
            file_bytes,
        }
    }

    pub(super) fn apply(&self) -> io::Result<()> {
        limit(Resource::As, self.address_space_bytes, 0)?;
        limit(Resource::Cpu, self.cpu_seconds, CPU_SECONDS_GRACE)?;
        limit(Resource::Nofile, OPEN_FILES, 0)?;
        if let Some(file_bytes) = self.file_bytes {
            limit(Resource::Fsize, file_bytes, 0)?;
        }
        limit(Resource::Core, 0, 0)
    }
}

/// Bytes of a file with all the decoded audio.
pub(in crate::transcode) fn scratch_bytes(duration_max: Duration) -> u64 {
    duration_max.as_secs().saturating_mul(SCRATCH_BYTES_PER_SECOND).saturating_add(SCRATCH_SLACK)
}

/// Sets both bounds of a resource, `grace` apart, and never above what the caller left: only root could.
fn limit(resource: Resource, value: u64, grace: u64) -> io::Result<()> {
    let left = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let maximum = value.saturating_add(grace).min(left);
    let current = if grace == 0 { maximum } else { value.min(maximum.saturating_sub(1)) };
    Ok(setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) })?)
}
