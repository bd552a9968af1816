//! The programs that do the same work, as command lines.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;

/// Who converts.
#[derive(Debug, Clone)]
pub(super) enum Contender {
    Ffmpeg,
    Engine(PathBuf),
}

/// What is asked of all.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    /// Variable bit rate, V2.
    V2,
    /// Constant bit rate in kbit/s.
    Constant(u16),
    /// The mp3 frames of the source, not encoded again; this is what the engine does with them where nothing is asked.
    Copy,
}

impl Contender {
    /// The conversion of the file `input` to the new file `out`, a name that ends in `.mp3`.
    pub(super) fn command(&self, input: &Path, setting: Setting, out: &Path) -> anyhow::Result<Command> {
        let mut command;
        match self {
            Self::Ffmpeg => {
                command = Command::new("ffmpeg");
                command.args(["-nostdin", "-v", "error", "-y", "-i"]).arg(input).arg("-vn");
                command.args(setting.ffmpeg()).arg(out).stdin(Stdio::null());
            }
            Self::Engine(program) => {
                command = Command::new(program);
                command.arg("transcode").args(setting.engine());
                command.stdin(File::open(input).with_context(|| format!("cannot read {}", input.display()))?);
                command.stdout(File::create(out)?);
            }
        }
        Ok(command)
    }

    /// What to build or install where it is not there.
    pub(super) fn program(&self) -> String {
        match self {
            Self::Ffmpeg => "ffmpeg".to_owned(),
            Self::Engine(program) => program.display().to_string(),
        }
    }
}

impl Setting {
    pub(super) fn engine(self) -> Vec<String> {
        match self {
            Self::V2 => ["--quality", "V2"].map(ToOwned::to_owned).into(),
            Self::Constant(rate) => vec!["--bitrate".to_owned(), rate.to_string()],
            Self::Copy => vec![],
        }
    }

    fn ffmpeg(self) -> [String; 2] {
        match self {
            Self::V2 => ["-q:a".to_owned(), "2".to_owned()],
            Self::Constant(rate) => ["-b:a".to_owned(), format!("{rate}k")],
            Self::Copy => ["-c:a".to_owned(), "copy".to_owned()],
        }
    }
}
