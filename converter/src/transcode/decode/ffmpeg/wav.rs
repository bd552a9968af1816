//! The head of what ffmpeg writes: a WAVE file of 32-bit floats that never says how long it is.

use std::io::{self, Read};

/// Chunks before the samples.
const CHUNKS_MAX: usize = 64;
/// Longest chunk before the samples.
const CHUNK_BYTES_MAX: u32 = 64 * 1024;
/// Longest tag that is let pass, unread.
const TAG_BYTES_MAX: u32 = 64 * 1024 * 1024;
/// Most channels that are mixed.
const CHANNELS_MAX: u16 = 64;
/// Format tags: floats, and a format whose details stand behind its usual fields.
const FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xFFFE;

/// What stands before the samples.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Hz.
    pub(super) rate: u32,
    pub(super) channels: u16,
    /// Where the channels belong, a bit for each; 0 where it is not said.
    pub(super) mask: u32,
    /// The body of the `LIST` chunk with the tags; empty without one.
    pub(super) info: Vec<u8>,
}

/// Reads up to the first sample; `None` where the stream ends before.
pub(super) fn read_head(from: &mut impl Read) -> io::Result<Option<Head>> {
    let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "ffmpeg wrote no WAVE file");
    let Some(riff) = read_exactly::<12>(from)? else { return Ok(None) };
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(nonsense());
    }
    let (mut format, mut tags) = (None, Vec::new());
    for _ in 0..CHUNKS_MAX {
        let Some(header) = read_exactly::<8>(from)? else { return Ok(None) };
        let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        match &header[..4] {
            b"data" => return format.map(|head| Some(Head { info: tags, ..head })).ok_or_else(nonsense),
            // More tags than ffmpeg could go back over: no size, and the tags as if they were chunks of their own.
            b"LIST" if bytes == u32::MAX => drop(read_exactly::<4>(from)?),
            [b'I', ..] if (CHUNK_BYTES_MAX + 1..TAG_BYTES_MAX).contains(&bytes) => {
                io::copy(&mut from.take(u64::from(bytes + bytes % 2)), &mut io::sink())?;
            }
            _ if bytes > CHUNK_BYTES_MAX => return Err(nonsense()),
            kind => {
                let mut body = Vec::new();
                from.take(u64::from(bytes + bytes % 2)).read_to_end(&mut body)?;
                match kind {
                    b"fmt " => format = parse(&body),
                    b"LIST" => tags = body,
                    [b'I', ..] => {
                        tags.extend_from_slice(&header);
                        tags.extend_from_slice(&body);
                    }
                    _ => {}
                }
            }
        }
    }
    Err(nonsense())
}

fn parse(format: &[u8]) -> Option<Head> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(*format.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*format.get(at..)?.first_chunk()?));
    let (tag, channels, rate, bits) = (u16_at(0)?, u16_at(2)?, u32_at(4)?, u16_at(14)?);
    let mask = match tag {
        FLOAT => 0,
        EXTENSIBLE => u32_at(20)?,
        _ => return None,
    };
    let is_sound = bits == 32 && rate > 0 && (1..=CHANNELS_MAX).contains(&channels);
    is_sound.then_some(Head { rate, channels, mask, info: Vec::new() })
}

fn read_exactly<const N: usize>(from: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut bytes = [0; N];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(Some(bytes)),
        Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_and_tags_are_read_past_other_chunks() {
        let mut head = b"RIFF\xFF\xFF\xFF\xFFWAVELIST\x03\0\0\0abc\0fmt \x12\0\0\0\x03\0\x02\0\x80\xBB\0\0".to_vec();
        head.extend_from_slice(b"\0\0\0\0\x08\0\x20\0\0\0data\xFF\xFF\xFF\xFF....");
        let mut rest = &head[..];
        let found = read_head(&mut rest).expect("a head");
        assert_eq!(found, Some(Head { rate: 48_000, channels: 2, mask: 0, info: b"abc\0".to_vec() }));
        assert_eq!(rest, b"....");
        assert_eq!(read_head(&mut &head[..20]).expect("too short"), None);
        assert!(read_head(&mut &b"nothing like a wave"[..]).is_err());
    }

    #[test]
    fn tags_without_an_end_are_read_too() {
        let format = b"fmt \x10\0\0\0\x03\0\x01\0\x80\xBB\0\0\0\0\0\0\x04\0\x20\0";
        let long = [&b"ICMT\x02\0\x01\0"[..], &vec![b'x'; 65_538]].concat();
        let list = [&b"LIST\xFF\xFF\xFF\xFFINFOINAM\x02\0\0\0T\0"[..], &long].concat();
        let wave = [&b"RIFF\xFF\xFF\xFF\xFFWAVE"[..], format, &list, b"data\xFF\xFF\xFF\xFF...."].concat();
        let mut rest = &wave[..];
        let found = read_head(&mut rest).expect("a head").expect("whole");
        assert_eq!((found.info, rest), (b"INAM\x02\0\0\0T\0".to_vec(), &b"...."[..]));
    }

    #[test]
    fn more_channels_come_with_a_mask() {
        let mut format = vec![0; 40];
        format[..8].copy_from_slice(b"\xFE\xFF\x06\0\x44\xAC\0\0");
        format[14] = 32;
        format[20] = 0x3F;
        assert_eq!(parse(&format), Some(Head { rate: 44_100, channels: 6, mask: 0x3F, info: Vec::new() }));
        assert_eq!(parse(&format[..20]), None);
        format[14] = 16;
        assert_eq!(parse(&format), None);
    }
}
