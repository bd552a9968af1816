//! The engine as the service starts it: a process of its own, so that a crash, an endless loop or a memory bomb ends in
//! one failed conversion. It has limits and an empty environment; it is not confined in what it may open.

mod channel;
mod find;
mod process;

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::process::{ChildStdin, ChildStdout, Command};

use crate::options::{Options, Quality};

pub use self::{
    channel::{EndMark, Events},
    find::find_ffmpeg,
    process::Process,
};

/// What to convert to.
#[derive(Debug, Clone)]
pub struct Job {
    pub options: Options,
    /// Longest audio that is converted.
    pub duration_max: Duration,
    /// An absolute path: the engine has an empty environment.
    pub ffmpeg: PathBuf,
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
        ours.set_nonblocking(true)?;
        let stdin = match input {
            Input::Stream => Stdio::piped(),
            Input::Spool(file) => Stdio::from(file),
        };
        let mut child = Command::new(program)
            .args(arguments(job))
            .env_clear()
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            // The control channel takes the place of standard error: the one way to hand a socket over in safe Rust.
            .stderr(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let process = Process::new(child);
        let output = output.ok_or_else(|| io::Error::other("the engine has no standard output"))?;
        let (end, events) = channel::open(ours)?;
        Ok(Self { input, output, end, events, process })
    }
}

fn arguments(job: &Job) -> Vec<OsString> {
    let Options { quality, channels, start, end, title, artist } = &job.options;
    let quality = match quality {
        Quality::Variable(_) => format!("--quality={quality}"),
        Quality::Constant(_) => format!("--bitrate={quality}"),
    };
    let given = [
        Some(quality),
        channels.map(|channels| format!("--channels={channels}")),
        start.map(|start| format!("--start={start}")),
        end.map(|end| format!("--end={end}")),
        title.as_ref().map(|title| format!("--title={title}")),
        artist.as_ref().map(|artist| format!("--artist={artist}")),
        Some(format!("--duration-max={}", humantime::format_duration(job.duration_max))),
    ];
    let mut arguments: Vec<OsString> = vec!["transcode".into(), "--control".into()];
    arguments.extend(given.into_iter().flatten().map(OsString::from));
    arguments.extend(["--ffmpeg".into(), job.ffmpeg.clone().into_os_string()]);
    arguments
}
