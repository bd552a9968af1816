//! Containers by their magic.
//!
//! Both sides use it on the first bytes, without any decoder: the service decides whether a video can be converted
//! while it arrives, the engine which demuxer reads it. A file's name and declared media type are never believed.

mod mp4;
mod mpeg;
mod text;

use crate::control::{Refusal, RefusalKind};

/// Most bytes that are looked at; the answer for so many is never [`Sniffed::NeedMore`].
pub const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Fewer bytes are only judged where there will be no more.
const HEAD_BYTES_MIN: usize = 16;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sniffed {
    /// Too few bytes to tell.
    NeedMore,
    /// Can be converted while it arrives.
    Stream(Container),
    /// Must be there as a whole before it is converted, since its parts do not come in the order of their use.
    Spool(Container),
    /// A list of other media, which is never followed.
    Playlist,
    /// Nothing that is known here.
    Unknown,
    /// No byte at all.
    Empty,
}

impl Sniffed {
    /// Why there is nothing to convert, where that is certain.
    pub fn refusal(self) -> Option<Refusal> {
        let (kind, detail) = match self {
            Self::Playlist => {
                (RefusalKind::Playlist, "this is a playlist, which only names other files; send the video itself")
            }
            Self::Empty => (RefusalKind::Empty, "the video is empty: not one byte came"),
            Self::Unknown => (
                RefusalKind::UnknownContainer,
                "this is no video or audio file that is known here; send e.g. mp4, mov, mkv, webm, avi, ts, mpg, flv, wmv, \
                 ogg, m4a, flac or wav",
            ),
            Self::NeedMore | Self::Stream(_) | Self::Spool(_) => return None,
        };
        Some(Refusal::new(kind, detail))
    }
}

/// The known containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// MP4, `QuickTime` and 3GP.
    Mp4,
    /// Matroska and `WebM`.
    Matroska,
    Avi,
    Wav,
    Ogg,
    Flac,
    /// MPEG audio of any layer.
    Mp3,
    Adts,
    MpegTs,
    MpegPs,
    Flv,
    Asf,
    Amr,
    Ac3,
    Eac3,
    Caf,
    Aiff,
}

impl Container {
    /// A short name for reports and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Matroska => "mkv",
            Self::Avi => "avi",
            Self::Wav => "wav",
            Self::Ogg => "ogg",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Adts => "adts",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpegps",
            Self::Flv => "flv",
            Self::Asf => "asf",
            Self::Amr => "amr",
            Self::Ac3 => "ac3",
            Self::Eac3 => "eac3",
            Self::Caf => "caf",
            Self::Aiff => "aiff",
        }
    }

    /// ffmpeg's name of the demuxer, as `-f` wants it.
    pub fn ffmpeg_format(self) -> &'static str {
        match self {
            Self::Mp4 => "mov",
            Self::Matroska => "matroska",
            Self::Adts => "aac",
            Self::MpegPs => "mpeg",
            other => other.name(),
        }
    }
}

/// Judges the first bytes of a video; `at_end` says that there are no more.
pub fn sniff(head: &[u8], at_end: bool) -> Sniffed {
    let head = &head[..head.len().min(HEAD_BYTES_MAX)];
    let can_grow = !at_end && head.len() < HEAD_BYTES_MAX;
    if head.is_empty() {
        return if at_end { Sniffed::Empty } else { Sniffed::NeedMore };
    }
    if head.len() < HEAD_BYTES_MIN && can_grow {
        return Sniffed::NeedMore;
    }
    by_magic(head)
        .or_else(|| mp4::sniff(head, can_grow))
        .or_else(|| mpeg::sniff(head, can_grow))
        .unwrap_or_else(|| text::sniff(head, can_grow))
}

fn by_magic(head: &[u8]) -> Option<Sniffed> {
    const ASF_HEADER: [u8; 8] = [0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11];
    let form = head.get(8..12).unwrap_or_default();
    Some(match head {
        [0x1A, 0x45, 0xDF, 0xA3, ..] => Sniffed::Stream(Container::Matroska),
        // The index that AVI needs comes last.
        [b'R', b'I', b'F', b'F', ..] if form == b"AVI " => Sniffed::Spool(Container::Avi),
        [b'R', b'I' | b'F', b'F' | b'6', b'F' | b'4', ..] if form == b"WAVE" => Sniffed::Stream(Container::Wav),
        [b'O', b'g', b'g', b'S', ..] => Sniffed::Stream(Container::Ogg),
        [b'f', b'L', b'a', b'C', ..] => Sniffed::Stream(Container::Flac),
        [b'F', b'L', b'V', 1, ..] => Sniffed::Stream(Container::Flv),
        [b'#', b'!', b'A', b'M', b'R', ..] => Sniffed::Stream(Container::Amr),
        [b'c', b'a', b'f', b'f', 0, ..] => Sniffed::Spool(Container::Caf),
        [b'F', b'O', b'R', b'M', ..] if matches!(form, b"AIFF" | b"AIFC") => Sniffed::Spool(Container::Aiff),
        [0, 0, 1, 0xBA, ..] => Sniffed::Stream(Container::MpegPs),
        // Above 10 the bit stream identification means E-AC-3 (ETSI TS 102 366 §E.1).
        [0x0B, 0x77, _, _, _, bsid, ..] if bsid >> 3 > 10 => Sniffed::Stream(Container::Eac3),
        [0x0B, 0x77, ..] => Sniffed::Stream(Container::Ac3),
        _ if head.starts_with(&ASF_HEADER) => Sniffed::Stream(Container::Asf),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magics_are_known() {
        for (head, expected) in [
            (&b"\x1A\x45\xDF\xA3............"[..], Sniffed::Stream(Container::Matroska)),
            (b"RIFF....AVI LIST....", Sniffed::Spool(Container::Avi)),
            (b"RIFF....WAVEfmt ....", Sniffed::Stream(Container::Wav)),
            (b"RF64....WAVEds64....", Sniffed::Stream(Container::Wav)),
            (b"OggS............", Sniffed::Stream(Container::Ogg)),
            (b"fLaC............", Sniffed::Stream(Container::Flac)),
            (b"FLV\x01............", Sniffed::Stream(Container::Flv)),
            (b"#!AMR\n..........", Sniffed::Stream(Container::Amr)),
            (b"\x00\x00\x01\xBA............", Sniffed::Stream(Container::MpegPs)),
            (b"\x0B\x77....\x00\x00........", Sniffed::Stream(Container::Ac3)),
            (b"FORM....AIFF....", Sniffed::Spool(Container::Aiff)),
        ] {
            assert_eq!(sniff(head, false), expected, "{head:?}");
        }
    }

    #[test]
    fn little_is_judged_only_at_the_end() {
        assert_eq!(sniff(b"", false), Sniffed::NeedMore);
        assert_eq!(sniff(b"", true), Sniffed::Empty);
        assert_eq!(sniff(b"Ogg", false), Sniffed::NeedMore);
        assert_eq!(sniff(b"Ogg", true), Sniffed::Unknown);
    }

    #[test]
    fn a_full_head_always_gets_an_answer() {
        for filling in [0u8, b'G', 0xFF, b'a'] {
            assert_ne!(sniff(&vec![filling; HEAD_BYTES_MAX], false), Sniffed::NeedMore);
        }
    }
}
