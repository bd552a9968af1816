//! The control channel between the service and the engine: lines of JSON over a Unix socket.
//!
//! Neither side trusts the other to speak well: a line is at most [`LINE_BYTES_MAX`] long, and whatever does not parse
//! ends the conversion. The engine's last line is its [`Verdict`].

use serde::{Deserialize, Serialize};

/// Longest line in bytes, newline included.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// What the service tells the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToEngine {
    /// The upload is complete and had this many bytes. Without it the end of the input is a broken upload.
    End { bytes: u64 },
}

/// What the engine tells the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromEngine {
    /// So much audio is encoded.
    Progress { encoded_ms: u64 },
    /// The last line.
    Verdict(Verdict),
}

/// How a conversion ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Converted(Report),
    Refused(Refusal),
}

/// A finished mp3, as the engine counted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Length of the audio without encoder delay and padding.
    pub duration_ms: u64,
    /// Samples per channel behind `duration_ms`.
    pub samples: u64,
    /// Audio frames in the mp3, the tag frame not counted.
    pub frames: u64,
    /// Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Bytes written to standard output.
    pub mp3_bytes: u64,
    /// Bytes of the video that were read.
    pub video_bytes: u64,
    pub completeness: Completeness,
    pub decoder: Decoder,
    /// The sniffed container and the codec, e.g. `mp4/aac`.
    pub source: String,
    /// The bytes that were known last and where they belong; absent where the engine patched its output itself.
    pub head: Option<Head>,
    /// The engine's own `VmHWM` (not ffmpeg's).
    pub peak_memory_bytes: u64,
}

/// Bytes to write over the mp3's start once everything is known: the Xing/LAME tag frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub offset: u64,
    /// Base64, standard alphabet with padding.
    pub bytes: String,
}

/// Whether the container says how long it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// The container declares its size, and all of it came.
    Complete,
    /// Nothing in the container tells a whole file from a cut one.
    Unknown,
}

/// Who decoded the audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoder {
    Symphonia,
    Ffmpeg,
}

/// Why the engine made no mp3; `detail` is safe to show the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub kind: RefusalKind,
    pub detail: String,
}

impl Refusal {
    pub fn new(kind: RefusalKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
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
