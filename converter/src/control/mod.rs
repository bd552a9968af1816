//! The control channel between the service and the engine: lines of JSON over a Unix socket.
//!
//! Neither side trusts the other to speak well: a line is at most [`LINE_BYTES_MAX`] long, and whatever does not parse
//! ends the conversion. The engine's last line is its [`Verdict`].

mod report;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::report::{Completeness, Decoder, Head, Report, UnbelievableReport};
use crate::options::Options;

/// Longest line in bytes, newline included.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// Longest detail of a refusal that is passed on.
const DETAIL_CHARS_MAX: usize = 500;

/// What the service tells the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToEngine {
    /// The first line: what to convert to.
    Start(Start),
    /// The upload is complete and had this many bytes. Without it the end of the input is a broken upload.
    End { bytes: u64 },
}

/// What to convert to, and with what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    pub options: Options,
    /// Longest audio that is converted.
    pub duration_max_ms: u64,
    /// An absolute path: the engine has an empty environment.
    pub ffmpeg: PathBuf,
}

/// What the engine tells the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromEngine {
    /// Parts of the cage that this kernel does not have; never without one.
    Uncaged(Vec<Guard>),
    /// A pass has done so much audio, of as much as the container declares where it does.
    Progress {
        #[serde(default, skip_serializing_if = "Pass::is_encode")]
        pass: Pass,
        done_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        total_ms: Option<u64>,
    },
    /// The last line.
    Verdict(Verdict),
}

/// How often the engine goes through the audio, and what for, in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
    /// All of it is decoded and measured; only where it is to be normalized.
    Measure,
    #[default]
    Encode,
}

impl Pass {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    fn is_encode(&self) -> bool {
        *self == Self::Encode
    }
}

/// The parts of the engine's cage that a kernel may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Files are opened only where libraries lie (Landlock, Linux 5.13).
    Filesystem,
    /// No TCP (Landlock, Linux 6.7), also where system calls are not held back.
    Network,
    /// Signals and abstract Unix sockets stay inside (Landlock, Linux 6.12).
    Scopes,
    /// Only the system calls that are needed (seccomp).
    SystemCalls,
}

impl Guard {
    /// How many there are.
    pub const COUNT: usize = 4;
}

/// How a conversion ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Converted(Report),
    Refused(Refusal),
}

/// Why the engine made no mp3; `detail` is safe to show the caller. Shown as it is, it names the service's setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}{}", setting.map(|setting| format!(" ({})", setting.variable())).unwrap_or_default())]
pub struct Refusal {
    pub kind: RefusalKind,
    pub detail: String,
    /// What could be set otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<Setting>,
}

impl Refusal {
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), setting: None }
    }

    /// The same, with the setting that led to it.
    #[must_use]
    pub fn by(self, setting: Setting) -> Self {
        Self { setting: Some(setting), ..self }
    }

    /// For the command line, where the setting is a flag.
    pub fn with_flag(&self) -> String {
        let flag = self.setting.map(|setting| format!(" ({})", setting.flag()));
        format!("{}{}", self.detail, flag.unwrap_or_default())
    }

    /// The same with a detail that is short and has no control characters, whoever wrote it.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.detail = self.detail.chars().filter(|c| !c.is_control()).take(DETAIL_CHARS_MAX).collect();
        self
    }
}

/// Settings of the engine: of the service they are variables, of the command line flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    DurationMax,
    Ffmpeg,
}

impl Setting {
    fn variable(self) -> &'static str {
        match self {
            Self::DurationMax => "DURATION_MAX",
            Self::Ffmpeg => "FFMPEG",
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::DurationMax => "--duration-max",
            Self::Ffmpeg => "--ffmpeg",
        }
    }
}

/// The kinds of refusal; the service has the table to problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// No byte came.
    Empty,
    /// No container that is known.
    UnknownContainer,
    /// A list of other media, which is never followed.
    Playlist,
    /// A known container without an audio track.
    NoAudio,
    /// An audio codec that nothing here decodes.
    UnsupportedCodec,
    /// The container declares more than came.
    Truncated,
    /// The bytes contradict themselves.
    Damaged,
    /// Longer than the duration limit.
    TooLong,
    /// `start` lies behind the audio's end.
    EmptyRange,
    /// The engine reached one of its own limits.
    Limits,
    /// ffmpeg is needed and missing, or the engine has a defect.
    Internal,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_is_not_known_is_not_told() {
        for (pass, total_ms, json) in [
            (Pass::Encode, None, r#"{"progress":{"done_ms":7}}"#),
            (Pass::Measure, Some(9), r#"{"progress":{"pass":"measure","done_ms":7,"total_ms":9}}"#),
        ] {
            let progress = FromEngine::Progress { pass, done_ms: 7, total_ms };
            assert_eq!(serde_json::to_string(&progress).expect("progress is JSON"), json);
            assert_eq!(serde_json::from_str::<FromEngine>(json).expect("the same progress"), progress);
        }
    }
}
