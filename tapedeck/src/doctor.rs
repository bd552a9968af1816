//! `tapedeck doctor`: is everything here that a system needs?

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use converter::conversion::Timestamp;
use indicatif::DecimalBytes;
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};

use crate::{console, error::Error, up::DataDir};

/// Oldest ffmpeg whose formats are tested.
const FFMPEG_MAJOR_MIN: u32 = 5;
/// A clock before this (2026-01-01) was never set; tokens and leases would be wrong.
const CLOCK_MIN: Timestamp = Timestamp(1_767_225_600_000);
/// How far the clock of the disk may be off.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);
/// Below this much free disk uploads are refused (`DISK_FREE_MIN`).
const DISK_FREE_MIN: u64 = 1 << 30;
/// Longest that a program may take to say what it is.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Check that everything is here that a system needs.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data folder to check.
    #[arg(long, env = "TAPEDECK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// The ffmpeg to check.
    #[arg(long, env = "FFMPEG", default_value = "ffmpeg", value_name = "PROGRAM")]
    ffmpeg: PathBuf,
    /// The engine to check; this program where absent.
    #[arg(long, env = "ENGINE", value_name = "PROGRAM")]
    engine: Option<PathBuf>,
}

/// What is well, or what is wrong and what to do.
type Finding = Result<String, String>;

pub async fn run(args: Args) -> Result<(), Error> {
    let data = DataDir::locate(args.data.as_deref()).map_err(|cause| Error::Failed(format!("{cause:#}")))?;
    let folder = existing(data.folder());
    let findings = [
        ("ffmpeg", ffmpeg(&args.ffmpeg).await),
        ("engine", engine(args.engine).await),
        ("data folder", writable(folder)),
        ("disk", disk(folder)),
        ("clock", clock(folder)),
    ];
    let mut wrong = 0;
    for (name, finding) in findings {
        match finding {
            Ok(what) => console::result(format!("ok    {name}: {what}")),
            Err(what) => {
                wrong += 1;
                console::result(format!("WRONG {name}: {what}"));
            }
        }
    }
    match wrong {
        0 => Ok(()),
        wrong => Err(Error::Failed(format!("{wrong} of 5 checks failed"))),
    }
}

async fn ffmpeg(program: &Path) -> Finding {
    let mut child = Command::new(program);
    child.arg("-version");
    let answer = run_to_end(child, program, Vec::new()).await?;
    let answer = String::from_utf8_lossy(&answer);
    let version = answer.split_whitespace().nth(2).unwrap_or_default();
    match major(version) {
        Some(major) if major < FFMPEG_MAJOR_MIN => {
            Err(format!("version {version} is too old; install ffmpeg {FFMPEG_MAJOR_MIN} or newer"))
        }
        Some(_) => Ok(format!("version {version}")),
        // Builds from a repository have no version, e.g. `N-118000-g1234567`.
        None => Ok(format!("{version}, a development build")),
    }
}

fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('n').split(['.', '-']).next()?.parse().ok()
}

async fn engine(program: Option<PathBuf>) -> Finding {
    let program = match program {
        Some(program) => program,
        None => std::env::current_exe()
            .map_err(|cause| format!("this program does not find itself ({cause}); set ENGINE"))?,
    };
    let mut child = Command::new(&program);
    child.arg("transcode");
    let mp3 = run_to_end(child, &program, second_of_wav()).await?;
    let is_mp3 = mp3.starts_with(b"ID3") || matches!(mp3[..], [0xff, second, ..] if second & 0xe0 == 0xe0);
    let program = program.display();
    if is_mp3 { Ok(format!("{program} converts")) } else { Err(format!("what {program} makes is no mp3")) }
}

/// One second of silence: mono, 16 bits, 8 kHz (RIFF WAVE, canonical header of 44 bytes).
fn second_of_wav() -> Vec<u8> {
    const RATE: u32 = 8000;
    const BYTES: u32 = 2 * RATE;
    let mut wav = Vec::new();
    wav.extend(b"RIFF");
    wav.extend((36 + BYTES).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend([16, 0, 0, 0, 1, 0, 1, 0]);
    wav.extend(RATE.to_le_bytes());
    wav.extend((2 * RATE).to_le_bytes());
    wav.extend([2, 0, 16, 0]);
    wav.extend(b"data");
    wav.extend(BYTES.to_le_bytes());
    wav.extend(std::iter::repeat_n(0, 2 * 8000));
    wav
}

/// Gives `input` to a program and answers with its output.
async fn run_to_end(mut child: Command, program: &Path, input: Vec<u8>) -> Result<Vec<u8>, String> {
    let program = program.display();
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let answer = async {
        let mut child = child.spawn()?;
        let stdin = child.stdin.take();
        let write = async move {
            if let Some(mut stdin) = stdin {
                // A program that wants no input closes its end; its exit code tells the rest.
                let _ = stdin.write_all(&input).await;
            }
        };
        tokio::join!(write, child.wait_with_output()).1
    };
    match timeout(ANSWER_MAX, answer).await {
        Ok(Ok(output)) if output.status.success() => Ok(output.stdout),
        Ok(Ok(output)) => Err(format!("{program} ends with {}", output.status)),
        Ok(Err(cause)) => Err(format!("{program} cannot be started: {cause}")),
        Err(_) => Err(format!("{program} does not answer within {ANSWER_MAX:?}")),
    }
}

/// The folder itself, or the nearest one above it that exists already.
fn existing(folder: &Path) -> &Path {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"))
}

fn writable(folder: &Path) -> Finding {
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|file| {
        fs::write(file.path(), b"tapedeck")?;
        file.as_file().sync_all()
    });
    match written {
        Ok(()) => Ok(format!("{} takes files", folder.display())),
        Err(cause) => Err(format!("{} takes no file: {cause}", folder.display())),
    }
}

fn disk(folder: &Path) -> Finding {
    let disk = rustix::fs::statvfs(folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let left = format!("{} free at {}", DecimalBytes(free), folder.display());
    if free > DISK_FREE_MIN { Ok(left) } else { Err(format!("only {left}; uploads need more (DISK_FREE_MIN)")) }
}

fn clock(folder: &Path) -> Finding {
    let now = Timestamp::now();
    if now < CLOCK_MIN {
        return Err("the system's clock was never set; switch on NTP".to_owned());
    }
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|file| file.as_file().metadata()?.modified());
    let written = written.map_err(|cause| format!("{}: {cause}", folder.display()))?;
    let now = SystemTime::now();
    let skew = now.duration_since(written).unwrap_or_else(|ahead| ahead.duration());
    if skew <= CLOCK_SKEW_MAX {
        return Ok("set, and the disk agrees".to_owned());
    }
    Err(format!("the disk at {} is off by {} s", folder.display(), skew.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_kinds_of_builds_are_read() {
        for (version, expected) in [
            ("5.1.9-0+deb12u1", Some(5)),
            ("n7.1", Some(7)),
            ("4.4.2", Some(4)),
            ("9-static", Some(9)),
            ("N-118000-g1234567", None),
        ] {
            assert_eq!(major(version), expected, "{version}");
        }
    }

    #[test]
    fn a_folder_that_does_not_exist_yet_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
    }
}
