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

/// Limits this process and all that it will start, and takes from it what programs with special rights would give.
/// Called before any thread exists. Where the output is a file of the caller's, `writes_files` leaves its size alone.
pub(super) fn apply(duration_max: Duration, workers: u64, writes_files: bool) -> io::Result<()> {
    let cpu_seconds = CPU_SECONDS_BASE + duration_max.as_secs() / AUDIO_SECONDS_PER_CPU_SECOND;
    limit(Resource::As, ADDRESS_SPACE + workers * ADDRESS_SPACE_PER_WORKER)?;
    limit(Resource::Cpu, cpu_seconds)?;
    limit(Resource::Nofile, OPEN_FILES)?;
    if !writes_files {
        // Pipes and sockets are no files.
        limit(Resource::Fsize, 0)?;
    }
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0)
}

fn limit(resource: Resource, value: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })?)
}
