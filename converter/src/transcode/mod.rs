//! The engine: a filter from a video on standard input to an mp3 on standard output.
//!
//! ```text
//! sniff ─▶ filter (mp4) ─▶ decode ─▶ cut, mix, resample ─▶ segment ─▶ encode ─▶ tag ─▶ verify
//!                             └─ the frames of an mp3 ─▶ copy ─────────────────────┘
//! ```
//!
//! The service runs it with `--control`, confined and under supervision; without that it is a plain command.

mod convert;
mod copy;
mod decode;
mod encode;
pub(crate) mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod help;
mod input;
mod limits;
mod loudness;
mod mix;
mod mp4;
mod output;
mod pcm;
mod resample;
mod scratch;
mod sound;
mod structure;
mod supervisor;
mod tag;
mod verify;

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

pub use self::help::FILTER;
use self::{convert::Request, supervisor::Channel};
use crate::{
    control::{Refusal, RefusalKind, Start, Verdict},
    engine::find_ffmpeg,
    options::{Options, RawOptions},
};

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
    /// The ffmpeg that decodes what the engine does not.
    #[arg(long, default_value = "ffmpeg")]
    pub ffmpeg: PathBuf,
    /// Standard error is one end of a socket to the service that started this, which says on it what to do.
    #[arg(long, hide = true)]
    control: bool,
}

/// Runs the engine. With `--control` a refusal is a verdict, and only a defect is a failure.
#[expect(clippy::needless_pass_by_value, reason = "a program's arguments are its entry's to keep")]
pub fn main(args: Args) -> ExitCode {
    if args.control { supervised() } else { alone(&args) }
}

fn supervised() -> ExitCode {
    let Ok((channel, start, scratch)) = Channel::open() else { return ExitCode::FAILURE };
    let Start { options, duration_max_ms, ffmpeg } = start;
    let (duration_max, workers) = (Duration::from_millis(duration_max_ms), workers());
    let request = Request { options, duration_max, ffmpeg, scratch, workers };
    if limit(request.duration_max, false).is_err() {
        return ExitCode::FAILURE;
    }
    let Ok(supervisor) = channel.listen().map(Arc::new) else { return ExitCode::FAILURE };
    let verdict = match convert::convert(request, Some(&supervisor)) {
        Ok(report) => Verdict::Converted(report),
        Err(refusal) => Verdict::Refused(refusal),
    };
    if supervisor.judge(verdict).is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn limit(duration_max: Duration, writes_files: bool) -> io::Result<()> {
    limits::apply(duration_max, workers() as u64, writes_files)
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn alone(args: &Args) -> ExitCode {
    if let Err(cause) = limit(args.duration_max, true) {
        let _ = writeln!(io::stderr(), "converter: cannot limit this process: {cause}");
        return ExitCode::FAILURE;
    }
    let options = match args.options.check() {
        Ok(options) => options,
        Err(wrong) => {
            let _ = writeln!(io::stderr(), "converter: {wrong}");
            return ExitCode::from(WRONG_USAGE);
        }
    };
    let said = match request(args, options).and_then(|request| convert::convert(request, None)) {
        Ok(report) if report.head.is_none() => return ExitCode::SUCCESS,
        Ok(_) => {
            "note: the length tag is missing, since this output cannot be changed any more; write to a file".into()
        }
        Err(refusal) => refusal.to_string(),
    };
    let is_note = said.starts_with("note: ");
    // There is nobody left to tell where this fails.
    let _ = writeln!(io::stderr(), "converter: {said}");
    if is_note { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn request(args: &Args, options: Options) -> Result<Request, Refusal> {
    // Made beforehand, since nothing can be opened later.
    let scratch = options.normalize.map(|_| tempfile::tempfile()).transpose();
    let scratch =
        scratch.map_err(|cause| Refusal::new(RefusalKind::Internal, format!("no temporary file: {cause}")))?;
    Ok(Request {
        options,
        duration_max: args.duration_max,
        ffmpeg: find_ffmpeg(&args.ffmpeg),
        scratch,
        workers: workers(),
    })
}
