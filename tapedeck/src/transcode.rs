//! `tapedeck transcode IN OUT`: converts a file of this machine without any service. The engine is a process of its own
//! as in the service, with the same limits.

use std::{
    cell::Cell,
    env,
    fs::{self, File},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use converter::{
    control::{FromEngine, Pass, Report, Verdict},
    engine::{Engine, Events, Input, Job, find_ffmpeg},
};
use indicatif::DecimalBytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::ChildStdout,
};

use crate::{
    error::Error,
    partial::Partial,
    progress::{Progress, length},
};

/// Bytes of the mp3 that are taken from the engine at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// What stands for standard input or output.
const PIPE: &str = "-";

#[derive(Debug, clap::Args)]
// Both structs would name their group `Args`.
#[group(id = "file")]
pub struct Args {
    /// Video to convert. Without it, or with `-`, this is a filter: standard input becomes an mp3 on standard output.
    #[arg(value_name = "IN")]
    input: Option<PathBuf>,
    /// The mp3 to write. It gets this name when it is whole.
    #[arg(value_name = "OUT")]
    output: Option<PathBuf>,
    /// Replace an mp3 that exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    pub engine: converter::transcode::Args,
}

impl Args {
    /// Whether no file is named.
    pub fn is_filter(&self) -> bool {
        [&self.input, &self.output].into_iter().flatten().all(|path| path == Path::new(PIPE))
    }

    fn paths(&self) -> Result<(&Path, &Path), Error> {
        match (&self.input, &self.output) {
            (Some(input), Some(output)) if [input, output].into_iter().all(|path| path != Path::new(PIPE)) => {
                Ok((input, output))
            }
            (Some(_), Some(_)) => Err(Error::Usage("for a pipe, use the filter: tapedeck transcode < IN > OUT".into())),
            _ => Err(Error::Usage("name the mp3 as well: tapedeck transcode IN OUT".into())),
        }
    }
}

/// Converts one file.
pub async fn run(args: Args) -> Result<(), Error> {
    let (input, output) = args.paths()?;
    let options = args.engine.options.check().map_err(|refused| Error::Usage(refused.to_string()))?;
    let video = open(input, output, args.force)?;
    let file_error = |cause| Error::file(output, cause);
    let mp3 = Partial::beside(output).map_err(file_error)?;
    // Decoded audio is large, and where there is room for an mp3 there may be more than in a folder in memory.
    let scratch = options.normalize.map(|_| tempfile::tempfile_in(mp3.folder())).transpose();
    let job = Job {
        options,
        duration_max: args.engine.duration_max,
        ffmpeg: find_ffmpeg(&args.engine.ffmpeg),
        scratch: scratch.map_err(file_error)?,
    };
    let progress = Progress::new(&input.display().to_string(), false);
    let converted = convert(&job, video, mp3.as_file(), output, &progress).await;
    let named = converted.and_then(|report| mp3.keep(args.force).map(|()| report).map_err(file_error));
    let report = named.inspect_err(|_| progress.clear())?;
    let size = DecimalBytes(report.mp3_bytes);
    progress.end(format!("{} ({}, {size})", output.display(), length(report.duration_ms)));
    Ok(())
}

/// Opens the video, and finds before any work what could not be written.
fn open(input: &Path, output: &Path, force: bool) -> Result<File, Error> {
    let about = fs::metadata(input).map_err(|cause| Error::file(input, cause))?;
    if about.is_dir() {
        return Err(Error::Usage(format!("{} is a folder, not a video", input.display())));
    }
    if !about.is_file() {
        let filter = "use the filter: tapedeck transcode < IN > OUT";
        return Err(Error::Usage(format!("{} is not a file; {filter}", input.display())));
    }
    if let Ok(existing) = fs::metadata(output) {
        if (existing.dev(), existing.ino()) == (about.dev(), about.ino()) {
            return Err(Error::Usage(format!("{} would replace itself", input.display())));
        }
        if existing.is_dir() {
            return Err(Error::Usage(format!("{} is a folder; name the mp3", output.display())));
        }
        if !existing.is_file() {
            let filter = "use the filter: tapedeck transcode < IN > OUT";
            return Err(Error::Usage(format!("{} is not a file; {filter}", output.display())));
        }
        if !force {
            return Err(Error::Usage(format!("{} exists; --force replaces it", output.display())));
        }
    }
    File::open(input).map_err(|cause| Error::file(input, cause))
}

/// Runs the engine to its verdict; then `mp3` is whole and on the disk. Dropped, it takes the engine with it.
async fn convert(job: &Job, video: File, mp3: &File, output: &Path, progress: &Progress) -> Result<Report, Error> {
    let failed = |what: &str, cause: &dyn std::error::Error| Error::Failed(format!("{what}: {cause}"));
    let file_error = |cause| Error::file(output, cause);
    let program = env::current_exe().map_err(|cause| failed("cannot find this program's own file", &cause))?;
    let video_bytes = video.metadata().map_err(|cause| failed("the video cannot be read", &cause))?.len();
    let engine = Engine::spawn(&program, job, Input::Spool(video)).map_err(|cause| failed("no engine", &cause))?;
    let Engine { output: stdout, end, events, process, .. } = engine;

    let written = Cell::new(0);
    let telling = async {
        // An engine that hung up before has said why, or died, which is noticed where it is listened to.
        let _ = end.write(video_bytes).await;
        Ok(())
    };
    let own = mp3.try_clone().map_err(file_error)?;
    let writing = async { write(stdout, own, &written).await.map_err(file_error) };
    let ((), (), report) = tokio::try_join!(telling, writing, listen(events, progress, &written))?;
    process.reap().await;
    report.check(written.get(), job.duration_max).map_err(|cause| failed("the engine failed", &cause))?;
    if let Some(head) = &report.head {
        let (offset, bytes) = head.decode().map_err(|cause| failed("the engine failed", &cause))?;
        mp3.write_all_at(&bytes, offset).map_err(file_error)?;
    }
    mp3.sync_all().map_err(file_error)?;
    Ok(report)
}

/// Writes all that the engine makes and counts it in `written`.
async fn write(mut stdout: ChildStdout, mp3: File, written: &Cell<u64>) -> std::io::Result<()> {
    let mut mp3 = tokio::fs::File::from_std(mp3);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match stdout.read(&mut piece).await? {
            0 => return mp3.flush().await,
            read => {
                mp3.write_all(&piece[..read]).await?;
                written.set(written.get() + read as u64);
            }
        }
    }
}

async fn listen(mut events: Events, progress: &Progress, written: &Cell<u64>) -> Result<Report, Error> {
    // Where there is one pass only, it is not spoken of.
    let mut last = Pass::Encode;
    loop {
        match events.next().await.map_err(|cause| Error::Failed(format!("the engine spoke badly: {cause}")))? {
            Some(FromEngine::Progress { pass, done_ms, total_ms }) => {
                if std::mem::replace(&mut last, pass) != pass {
                    progress.pass(match pass {
                        Pass::Measure => "measuring (1 of 2)",
                        Pass::Encode => "encoding (2 of 2)",
                    });
                }
                progress.audio(done_ms, total_ms, written.get());
            }
            Some(FromEngine::Uncaged(missing)) => {
                progress.remark(format!("note: not caged in full, since this kernel lacks {missing:?}"));
            }
            Some(FromEngine::Verdict(Verdict::Converted(report))) => return Ok(report),
            Some(FromEngine::Verdict(Verdict::Refused(refusal))) => return Err(Error::Unconvertible(refusal.plain())),
            None => return Err(Error::Failed("the engine ended without a verdict; the video may be damaged".into())),
        }
    }
}
