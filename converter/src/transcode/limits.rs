//! What the engine may use at most: a hostile video ends this process, not the machine.

use std::{io, time::Duration};

use rustix::process::{Resource, Rlimit, setrlimit};

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

/// Limits this process and all that it will start. Called before any thread exists.
pub(super) fn apply(duration_max: Duration, workers: u64) -> io::Result<()> {
    let cpu_seconds = CPU_SECONDS_BASE + duration_max.as_secs() / AUDIO_SECONDS_PER_CPU_SECOND;
    limit(Resource::As, ADDRESS_SPACE + workers * ADDRESS_SPACE_PER_WORKER)?;
    limit(Resource::Cpu, cpu_seconds)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    // Pipes and sockets are no files: nothing here writes one.
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}
