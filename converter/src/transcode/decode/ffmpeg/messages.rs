//! What ffmpeg says on its standard error: read to its end, mined for a few facts, never shown to callers.

use std::{
    io::{BufRead as _, BufReader, Read},
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
};

use rustix::process::Signal;

use super::super::no_such_track;
use crate::{
    control::{Refusal, RefusalKind},
    engine::is_limit,
};

/// Longest line that is looked at; the rest of it counts as another one.
const LINE_BYTES_MAX: u64 = 1024;
/// Longest name of a codec.
const CODEC_BYTES_MAX: usize = 32;

/// The demuxers of containers that tell how long they are, as ffmpeg calls them when they speak.
const DEMUXERS: [&str; 6] = ["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "ogg", "wav", "aiff"];

/// The facts.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// The codec of the chosen stream.
    codec: Option<String>,
    audio_tracks: usize,
    has_no_audio: bool,
    has_no_codec: bool,
    is_out_of_memory: bool,
    /// Errors that ffmpeg told of the audio.
    pub(super) errors: u64,
}

/// Reads all messages, on a thread of its own, and passes the codec's name on as soon as it is read. `audio_index`
/// tells which audio stream is the chosen one.
pub(super) fn collect(
    stderr: impl Read + Send + 'static,
    audio_index: usize,
) -> std::io::Result<(JoinHandle<Messages>, Receiver<String>)> {
    let (tell, codec) = sync_channel(1);
    let thread = thread::Builder::new().name("ffmpeg-messages".to_owned()).spawn(move || {
        let (mut messages, mut audio_index) = (Messages::default(), Some(audio_index));
        let (mut lines, mut line) = (BufReader::new(stderr), Vec::new());
        let mut is_whole = true;
        loop {
            line.clear();
            match (&mut lines).take(LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                // What follows of a long line may look like anything; nothing that is wanted is long.
                Ok(1..) if !is_whole => {}
                Ok(1..) => messages.read(&String::from_utf8_lossy(&line), audio_index),
                _ => return messages,
            }
            is_whole = line.ends_with(b"\n");
            if let Some(codec) = audio_index.and(messages.codec.as_ref()) {
                audio_index = None;
                // Nobody may want to know any more.
                let _ = tell.try_send(codec.clone());
            }
        }
    });
    Ok((thread?, codec))
}

impl Messages {
    fn read(&mut self, line: &str, wanted: Option<usize>) {
        // Tags stand in these lines too, behind their names; what begins with a stream is ffmpeg's own.
        let text = line.strip_prefix("[info]").unwrap_or(line).trim_start();
        let stream = text.strip_prefix("Stream #0:").filter(|_| wanted.is_some());
        if let Some((_, description)) = stream.and_then(|stream| stream.split_once(": Audio: ")) {
            if wanted == Some(self.audio_tracks) {
                let name = description.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_');
                self.codec = Some(name.take(CODEC_BYTES_MAX).collect());
            }
            self.audio_tracks += 1;
        }
        self.has_no_audio |= line.contains("matches no streams");
        self.has_no_codec |=
            ["Decoder (codec", "Decoder not found", "no decoder found"].iter().any(|s| line.contains(s));
        self.is_out_of_memory |= line.contains("Cannot allocate memory");
        self.errors += u64::from(self.is_error(line));
    }

    /// Whether a line is an error of ffmpeg itself, of the demuxer or of the audio's decoder. Those of the picture's, which
    /// is looked at before it is left out, say nothing of the audio.
    fn is_error(&self, line: &str) -> bool {
        let Some((speaker, _)) = line.split_once("[error]") else { return false };
        let Some((name, _)) = speaker.strip_prefix('[').and_then(|name| name.split_once(" @ ")) else {
            return speaker.is_empty();
        };
        // Since 7.0 it speaks of its inputs, their streams and their decoders, too.
        if name.starts_with("aist#") {
            return true;
        }
        let name = name.strip_prefix("dec:").or(name.strip_prefix("in#0/")).unwrap_or(name);
        let is_decoder = self.codec.as_ref().is_some_and(|codec| name.starts_with(&**codec));
        is_decoder || DEMUXERS.contains(&name)
    }

    /// Why there was not a single sample.
    pub(super) fn refusal(&self, track: Option<u16>) -> Refusal {
        if self.has_no_audio {
            no_such_track(self.audio_tracks, track)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_audio_is_an_error() {
        for (line, is_error) in [
            ("[error] Error while decoding stream #0:1: Invalid data found when processing input", true),
            ("[matroska,webm @ 0x55ed] [error] 0x00 at pos 29420 (0x72ec) invalid as first byte", true),
            ("[mp3float @ 0x55ed] [error] Header missing", true),
            ("[dec:mp3float @ 0x55ed] [error] Error submitting packet to decoder: Invalid data found", true),
            ("[aist#0:1/mp3 @ 0x55ed] [error] Decoding error: Invalid data found", true),
            ("[in#0/avi @ 0x55ed] [error] Error during demuxing: Invalid data found", true),
            ("[dec:h264 @ 0x55ed] [error] Error submitting packet to decoder: Invalid data found", false),
            ("[h264 @ 0x55ed] [error] missing picture in access unit with size 4", false),
            ("[mp3float @ 0x55ed] [warning] Could not update timestamps", false),
            ("[info]     title           : [error] of a title", false),
        ] {
            let mut messages = Messages { codec: Some("mp3".to_owned()), ..Messages::default() };
            messages.read(line, None);
            assert_eq!(messages.errors, u64::from(is_error), "{line}");
        }
    }
}
