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
        // Behind the mp3 it would make the file as long as the engine likes. Base64 may pad by two bytes.
        let head_end = |head: &Head| head.offset.checked_add(head.bytes.len() as u64 / 4 * 3);
        let is_within = |head| head_end(head).is_some_and(|end| end <= written.saturating_add(2));
        for (holds, what) in [
            (self.head.as_ref().is_none_or(is_within), "head"),
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
        let head = |offset| Some(Head { offset, bytes: "AAAAAAAA".into() });
        assert!(check(Report { head: head(4994), ..report() }));
        assert!(!check(Report { head: head(4997), ..report() }));
        assert!(!check(Report { head: head(u64::MAX), ..report() }));
        assert!(!check(Report { sample_rate: 0, ..report() }));
        assert!(!check(Report { channels: 0, ..report() }));
        assert!(!check(Report { duration_ms: u64::MAX, ..report() }));
        assert!(!check(Report { samples: u64::MAX, ..report() }));
        assert!(!check(Report { duration_ms: 62_000, samples: 44_100 * 62, ..report() }));
        assert!(!check(Report { source: "x".repeat(65), ..report() }));
        assert!(!check(Report { source: "mp4\n".into(), ..report() }));
    }
}
