//! The engine: a filter from a video on standard input to an mp3 on standard output.
//!
//! ```text
//! sniff ─▶ filter (mp4) ─▶ decode ─▶ cut, mix, resample ─▶ segment ─▶ encode ─▶ tag ─▶ verify
//!                             └─ the frames of an mp3 ─▶ copy ─────────────────────┘
//! ```
//!
//! The service runs it with `--control`, under supervision; without that it is a plain command.
//! Either way it runs in a `cage`, entered while there is one thread: what is needed by name is opened before.

pub mod cage;
mod convert;
mod copy;
mod decode;
mod encode;
pub(crate) mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod help;
mod input;
mod length_tag;
mod loudness;
mod mix;
mod mp4;
mod open;
mod output;
mod pcm;
mod resample;
mod scratch;
mod sound;
mod structure;
mod supervisor;
mod tag;
mod threads;
mod verify;
mod window;

use std::{
    fs::File,
    io::{self, IsTerminal as _, Write as _},
    os::fd::AsFd as _,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

pub use self::help::filter_help;
use rustix::fs::{FileType, fstat};

use self::{
    cage::{Limits, Needs},
    convert::{Request, internal},
    open::Spool,
    supervisor::Channel,
};
use crate::{
    control::{Guard, Refusal, Report, Start, Verdict},
    engine::find_ffmpeg,
    options::{Options, RawOptions},
};

/// Most threads that encode: with more the decoder, which is one thread, cannot keep them busy.
const WORKERS_MAX: usize = 16;
/// The exit code of a command line that makes no sense, as clap has it.
const WRONG_USAGE: u8 = 2;

/// Arguments of the engine.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub options: RawOptions,
    /// Longest audio that is converted.
    #[arg(long, default_value = "6h", value_parser = humantime::parse_duration)]
    pub duration_max: Duration,
    /// The ffmpeg that decodes what the engine does not: a program and no script.
    #[arg(long, default_value = "ffmpeg")]
    pub ffmpeg: PathBuf,
    /// Standard error is one end of a socket to the service that started this, which says on it what to do.
    #[arg(long, hide = true)]
    control: bool,
}

/// Runs the engine; `program` is the name by which it speaks to a person. With `--control` a refusal is a verdict, and
/// only a defect is a failure.
#[expect(clippy::needless_pass_by_value, reason = "a program's arguments are its entry's to keep")]
pub fn main(args: Args, program: &str) -> ExitCode {
    let closed = cage::close_inherited();
    if args.control { supervised(closed) } else { alone(&args, closed, program) }
}

fn supervised(closed: io::Result<()>) -> ExitCode {
    let Ok((channel, start, scratch)) = Channel::open() else { return ExitCode::FAILURE };
    let Start { options, duration_max_ms, ffmpeg } = start;
    let duration_max = Duration::from_millis(duration_max_ms);
    let (workers, status) = (workers(), status());
    let request = Request { options, duration_max, ffmpeg, scratch, spool: None, status, workers };
    let file_bytes = request.scratch.as_ref().map_or(0, |_| cage::scratch_bytes(duration_max));
    let caged = closed.and_then(|()| enter_cage(&request, Some(file_bytes)));
    let Ok(supervisor) = channel.listen().map(Arc::new) else { return ExitCode::FAILURE };
    let converted = match caged {
        Ok(missing) => {
            if !missing.is_empty() && supervisor.uncaged(missing).is_err() {
                return ExitCode::FAILURE;
            }
            convert::convert(request, Some(&supervisor))
        }
        Err(cause) => Err(uncageable(&cause)),
    };
    let verdict = match converted {
        Ok(report) => Verdict::Converted(report),
        Err(refusal) => Verdict::Refused(refusal),
    };
    if supervisor.judge(verdict).is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Confines this process to what `request` needs. `file_bytes` is the longest file that it may write.
fn enter_cage(request: &Request, file_bytes: Option<u64>) -> io::Result<Vec<Guard>> {
    let stdin = io::stdin();
    let video = is_file(&stdin)?.then_some(stdin.as_fd());
    cage::enter(&Needs {
        limits: Limits::of(request.duration_max, request.workers as u64, file_bytes),
        ffmpeg: &request.ffmpeg,
        files: video.into_iter().chain(request.spool.as_ref().map(Spool::as_fd)).collect(),
    })
}

fn uncageable(cause: &io::Error) -> Refusal {
    internal("this process cannot be caged", cause)
}

fn is_file(stdin: &io::Stdin) -> io::Result<bool> {
    Ok(FileType::from_raw_mode(fstat(stdin)?.st_mode).is_file())
}

fn status() -> Option<File> {
    File::open("/proc/self/status").ok()
}

/// Asked outside the cage, where the system tells what a container may use.
fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX)
}

fn alone(args: &Args, closed: io::Result<()>, program: &str) -> ExitCode {
    // There is nobody left to tell where this fails.
    let say = |said: &str| drop(writeln!(io::stderr(), "{program}: {said}"));
    let options = match args.options.check() {
        Ok(options) => options,
        Err(wrong) => {
            say(&wrong.to_string());
            return ExitCode::from(WRONG_USAGE);
        }
    };
    if io::stdin().is_terminal() || io::stdout().is_terminal() {
        say(&format!("this is a filter from a video to an mp3: {program} transcode < in.mp4 > out.mp3; see --help"));
        return ExitCode::from(WRONG_USAGE);
    }
    let closed = closed.map_err(|cause| uncageable(&cause));
    match closed.and_then(|()| request(args, options)).and_then(|request| convert_caged(request, say)) {
        Ok(report) => {
            if report.head.is_some() {
                say("note: the length tag is missing, since this output cannot be changed any more; write to a file");
            }
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            say(&refusal.with_flag());
            ExitCode::FAILURE
        }
    }
}

fn convert_caged(request: Request, say: impl Fn(&str)) -> Result<Report, Refusal> {
    // The output may be a file of any size: that is left to the caller's own limit.
    let missing = enter_cage(&request, None).map_err(|cause| uncageable(&cause))?;
    if !missing.is_empty() {
        say(&format!("note: not caged in full, since this kernel lacks {missing:?}"));
    }
    convert::convert(request, None)
}

fn request(args: &Args, options: Options) -> Result<Request, Refusal> {
    // Made beforehand, since nothing can be opened later; whether a pipe needs its spool is seen only by its bytes.
    let is_piped = !is_file(&io::stdin()).map_err(|cause| internal("no standard input", &cause))?;
    let no_file = |cause: io::Error| internal("no temporary file", &cause);
    Ok(Request {
        scratch: options.normalize.map(|_| tempfile::tempfile()).transpose().map_err(no_file)?,
        spool: is_piped.then(Spool::create).transpose().map_err(no_file)?,
        options,
        duration_max: args.duration_max,
        ffmpeg: find_ffmpeg(&args.ffmpeg),
        status: status(),
        workers: workers(),
    })
}
