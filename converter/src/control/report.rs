//! What the engine tells of a finished mp3.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Longest `source` of a report that is believed.
const SOURCE_BYTES_MAX: usize = 64;

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

impl Report {
    /// Holds a report against what was written and what can be: an engine that was taken over tells anything.
    pub fn check(&self, written: u64, duration_max: Duration) -> Result<(), UnbelievableReport> {
        let ms = self.samples.checked_mul(1000).and_then(|ms| ms.checked_div(u64::from(self.sample_rate)));
        // The engine stops with the block that passes the limit.
        let ms_max = u64::try_from(duration_max.as_millis()).unwrap_or(u64::MAX).saturating_add(1000);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c);
        for (holds, what) in [
            (self.head.as_ref().is_none_or(|head| head.is_within(written)), "head"),
            (self.mp3_bytes == written, "mp3_bytes"),
            ((8_000..=48_000).contains(&self.sample_rate), "sample_rate"),
            (matches!(self.channels, 1 | 2), "channels"),
            (ms == Some(self.duration_ms) && self.duration_ms <= ms_max, "duration_ms"),
            (self.source.len() <= SOURCE_BYTES_MAX && self.source.chars().all(is_plain), "source"),
        ] {
            if !holds {
                return Err(UnbelievableReport(what));
            }
        }
        Ok(())
    }
}

/// The engine told something that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine's {0} cannot be")]
pub struct UnbelievableReport(&'static str);

/// Bytes to write over the mp3's start once everything is known: the Xing/LAME tag frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    pub offset: u64,
    /// Base64, standard alphabet with padding.
    pub bytes: String,
}

impl Head {
    /// Whether it lies within an mp3 of `mp3_bytes`: behind that it would make the file as long as the engine likes.
    fn is_within(&self, mp3_bytes: u64) -> bool {
        // Four characters are three bytes; each `=` at the end is one byte less (RFC 4648 §4).
        let padding = self.bytes.bytes().rev().take_while(|&byte| byte == b'=').count() as u64;
        let bytes = (self.bytes.len() as u64 / 4 * 3).checked_sub(padding);
        bytes.and_then(|bytes| self.offset.checked_add(bytes)).is_some_and(|end| end <= mp3_bytes)
    }

    /// Where the bytes belong, and the bytes.
    #[cfg(feature = "server")]
    pub fn decode(&self) -> Result<(u64, Vec<u8>), UnbelievableReport> {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let bytes = BASE64_STANDARD.decode(&self.bytes).map_err(|_| UnbelievableReport("head"))?;
        Ok((self.offset, bytes))
    }
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
    /// Nobody: the frames of an mp3 were copied.
    Copied,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            duration_ms: 1000,
            samples: 44_100,
            frames: 40,
            sample_rate: 44_100,
            channels: 2,
            mp3_bytes: 5000,
            video_bytes: 9000,
            completeness: Completeness::Complete,
            decoder: Decoder::Symphonia,
            source: "mp4/aac".into(),
            head: None,
            peak_memory_bytes: 0,
        }
    }

    #[test]
    fn only_a_report_that_can_be_is_believed() {
        let check = |report: Report| report.check(5000, Duration::from_mins(1)).is_ok();
        assert!(check(report()));
        assert!(!check(Report { mp3_bytes: 4999, ..report() }));
        for (bytes, decoded) in [("AAAAAAAA", 6), ("AAAAAAA=", 5), ("AAAAAA==", 4)] {
            let head = |offset| Some(Head { offset, bytes: bytes.into() });
            assert!(check(Report { head: head(5000 - decoded), ..report() }), "{bytes}");
            assert!(!check(Report { head: head(5001 - decoded), ..report() }), "{bytes}");
            assert!(!check(Report { head: head(u64::MAX), ..report() }), "{bytes}");
        }
        assert!(!check(Report { head: Some(Head { offset: 0, bytes: "====".into() }), ..report() }));
        assert!(!check(Report { sample_rate: 0, ..report() }));
        assert!(!check(Report { channels: 0, ..report() }));
        assert!(!check(Report { duration_ms: u64::MAX, ..report() }));
        assert!(!check(Report { samples: u64::MAX, ..report() }));
        assert!(!check(Report { duration_ms: 62_000, samples: 44_100 * 62, ..report() }));
        assert!(!check(Report { source: "x".repeat(65), ..report() }));
        assert!(!check(Report { source: "mp4\n".into(), ..report() }));
    }
}
