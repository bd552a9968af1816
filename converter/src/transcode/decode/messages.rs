//! What ffmpeg says on its standard error: read to its end, mined for a few facts, never shown to callers.

use std::{
    io::{BufRead as _, BufReader, Read},
    thread::{self, JoinHandle},
};

use rustix::process::Signal;

use crate::{
    control::{Refusal, RefusalKind},
    engine::is_limit,
};

/// Longest line that is looked at; the rest of it counts as another one.
const LINE_BYTES_MAX: u64 = 1024;
/// Longest name of a codec.
const CODEC_BYTES_MAX: usize = 32;

/// The facts.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The codec of the chosen stream.
    pub(super) codec: Option<String>,
    has_no_audio: bool,
    has_no_codec: bool,
    is_out_of_memory: bool,
}

/// Reads all messages, on a thread of its own. `audio_index` tells which audio stream is the chosen one.
pub(super) fn collect(stderr: impl Read + Send + 'static, audio_index: usize) -> std::io::Result<JoinHandle<Messages>> {
    thread::Builder::new().name("ffmpeg-messages".to_owned()).spawn(move || {
        let (mut messages, mut audio_seen) = (Messages::default(), 0);
        let (mut lines, mut line) = (BufReader::new(stderr), Vec::new());
        loop {
            line.clear();
            match (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(1..) => messages.read(&String::from_utf8_lossy(&line), &mut audio_seen, audio_index),
                _ => return messages,
            }
        }
    })
}

impl Messages {
    fn read(&mut self, line: &str, audio_seen: &mut usize, audio_index: usize) {
        if let Some((_, description)) = line.split_once("Audio: ") {
            if *audio_seen == audio_index {
                let name = description.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_');
                self.codec = Some(name.take(CODEC_BYTES_MAX).collect());
            }
            *audio_seen += 1;
        }
        self.has_no_audio |= line.contains("matches no streams");
        self.has_no_codec |=
            ["Decoder (codec", "Decoder not found", "no decoder found"].iter().any(|s| line.contains(s));
        self.is_out_of_memory |= line.contains("Cannot allocate memory");
    }

    /// Why there was not a single sample.
    pub(super) fn refusal(&self) -> Refusal {
        if self.has_no_audio {
            Refusal::new(RefusalKind::NoAudio, "the video has no audio track")
        } else if self.has_no_codec {
            let codec = self.codec.as_deref().unwrap_or("unknown");
            Refusal::new(RefusalKind::UnsupportedCodec, format!("no decoder is known here for this audio ({codec})"))
        } else if self.is_out_of_memory {
            limits()
        } else {
            Refusal::new(RefusalKind::Damaged, "the audio could not be decoded")
        }
    }
}

/// The decoder was ended by a signal. A kill that nobody here sent is the end of its CPU time or of the memory.
pub(super) fn killed(signal: i32) -> Refusal {
    if is_limit(signal) || signal == Signal::KILL.as_raw() {
        return limits();
    }
    Refusal::new(RefusalKind::Damaged, "the audio is damaged: ffmpeg crashed on it")
}

/// The decoder reached one of its own limits.
fn limits() -> Refusal {
    Refusal::new(RefusalKind::Limits, "the audio needs more memory or time to decode than is allowed here")
}
