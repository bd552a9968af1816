//! The engine as the service starts it: a process of its own, so that a crash, an endless loop or a memory bomb ends in
//! one failed conversion. It has an empty environment and locks itself into `transcode::cage` before it looks at the
//! video: limits, no files but the libraries of ffmpeg, no network, few system calls.

mod channel;
mod find;
mod process;
mod start;

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::options::Options;

pub(crate) use self::find::find_program;
pub use self::{
    channel::{EndMark, Events},
    find::find_ffmpeg,
    process::{Process, is_limit},
};

/// What to convert to.
#[derive(Debug)]
pub struct Job {
    pub options: Options,
    /// Longest audio that is converted.
    pub duration_max: Duration,
    /// An absolute path: the engine has an empty environment.
    pub ffmpeg: PathBuf,
    /// An empty file for the decoded audio, which normalizing needs: the engine can make none itself.
    pub scratch: Option<File>,
}

/// Where the video comes from.
#[derive(Debug)]
pub enum Input {
    /// Written to [`Engine::input`] as it arrives.
    Stream,
    /// All of it, in a file of which nobody else moves the position.
    Spool(File),
}

/// A running engine.
///
/// Its parts are used side by side: the video goes into `input` and is ended by dropping that and writing `end`; the
/// mp3 comes out of `output`; `events` end with a verdict or the engine died.
#[derive(Debug)]
pub struct Engine {
    /// Absent where the video is a spool.
    pub input: Option<ChildStdin>,
    pub output: ChildStdout,
    pub end: EndMark,
    pub events: Events,
    /// Dropping it kills the engine.
    pub process: Process,
}

impl Engine {
    /// Starts `program transcode` in a process group of its own, with nothing of this process's environment.
    pub fn spawn(program: &Path, job: &Job, input: Input) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let stdin = match input {
            Input::Stream => Stdio::piped(),
            Input::Spool(file) => Stdio::from(file),
        };
        let mut child = Command::new(program)
            .args(["transcode", "--control"])
            .env_clear()
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            // The control channel takes the place of standard error: the one way to hand a socket over in safe Rust.
            .stderr(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process::new(child);
        start::send(&ours, job)?;
        ours.set_nonblocking(true)?;
        let output = output.ok_or_else(|| io::Error::other("the engine has no standard output"))?;
        let (end, events) = channel::open(ours)?;
        Ok(Self { input, output, end, events, process })
    }
}
