//! The head of what ffmpeg writes: a WAVE file of 32-bit floats that never says how long it is.

use std::io::{self, Read};

/// Chunks before the samples.
const CHUNKS_MAX: usize = 16;
/// Longest chunk before the samples.
const CHUNK_BYTES_MAX: u32 = 64 * 1024;

/// Reads up to the first sample and answers sample rate and channels; `None` where the stream ends before.
pub(super) fn read_head(from: &mut impl Read) -> io::Result<Option<(u32, u8)>> {
    let nonsense = || io::Error::new(io::ErrorKind::InvalidData, "ffmpeg wrote no WAVE file");
    let Some(riff) = read_exactly::<12>(from)? else { return Ok(None) };
    if &riff[..4] != b"RIFF" || &riff[8..] != b"WAVE" {
        return Err(nonsense());
    }
    let mut format = None;
    for _ in 0..CHUNKS_MAX {
        let Some(header) = read_exactly::<8>(from)? else { return Ok(None) };
        let bytes = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
        match &header[..4] {
            b"data" => return format.map(Some).ok_or_else(nonsense),
            _ if bytes > CHUNK_BYTES_MAX => return Err(nonsense()),
            kind => {
                let mut body = Vec::new();
                from.take(u64::from(bytes + bytes % 2)).read_to_end(&mut body)?;
                if kind == b"fmt " {
                    format = parse(&body);
                }
            }
        }
    }
    Err(nonsense())
}

fn parse(format: &[u8]) -> Option<(u32, u8)> {
    let &[_, _, channels, 0, r0, r1, r2, r3, _, _, _, _, _, _, 32, 0, ..] = format else { return None };
    matches!(channels, 1 | 2).then_some((u32::from_le_bytes([r0, r1, r2, r3]), channels))
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
    fn the_format_is_read_past_other_chunks() {
        let mut head = b"RIFF\xFF\xFF\xFF\xFFWAVELIST\x03\0\0\0abc\0fmt \x12\0\0\0\x03\0\x02\0\x80\xBB\0\0".to_vec();
        head.extend_from_slice(b"\0\0\0\0\x08\0\x20\0\0\0data\xFF\xFF\xFF\xFF....");
        let mut rest = &head[..];
        assert_eq!(read_head(&mut rest).expect("a head"), Some((48_000, 2)));
        assert_eq!(rest, b"....");
        assert_eq!(read_head(&mut &head[..20]).expect("too short"), None);
        assert!(read_head(&mut &b"nothing like a wave"[..]).is_err());
    }
}
