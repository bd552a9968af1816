//! Tags in a file's first bytes that symphonia does not pass on: the `INFO` of a WAVE file and the title of a Matroska
//! file.

use super::{
    Tags,
    text::{date, decode, leading_number, line},
};
use crate::transcode::structure::ebml::number;

/// Elements of a Matroska file (RFC 9559 §5.1).
const SEGMENT: u64 = 0x1853_8067;
const INFO: u64 = 0x1549_A966;
const TITLE: u64 = 0x7BA9;
/// The Cluster: the media begins.
const CLUSTER: u64 = 0x1F43_B675;

impl Tags {
    /// What the first bytes of a WAVE or Matroska file tell, as far as they go; of any other file nothing.
    pub(in crate::transcode) fn of_head(head: &[u8]) -> Self {
        match head {
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', rest @ ..]
            | [b'R', b'F', b'6', b'4', _, _, _, _, b'W', b'A', b'V', b'E', rest @ ..] => of_wave(rest),
            [0x1A, 0x45, 0xDF, 0xA3, ..] => {
                let title = matroska_title(head).and_then(|title| line(&decode(title)));
                Self { title, ..Self::default() }
            }
            _ => Self::default(),
        }
    }

    /// The body of a RIFF `LIST` chunk of the kind `INFO`, with or without that word.
    pub(in crate::transcode) fn of_wave_info(body: &[u8]) -> Self {
        let mut tags = Self::default();
        for (id, value) in chunks(body.strip_prefix(b"INFO").unwrap_or(body)) {
            let text = decode(value.split(|&byte| byte == 0).next().unwrap_or(value));
            match id {
                b"INAM" => tags.title = tags.title.or_else(|| line(&text)),
                b"IART" => tags.artist = tags.artist.or_else(|| line(&text)),
                b"IPRD" => tags.album = tags.album.or_else(|| line(&text)),
                b"IPRT" | b"ITRK" => tags.track_number = tags.track_number.or_else(|| leading_number(&text)),
                b"ICRD" => tags.date = tags.date.or_else(|| date(&text)),
                _ => {}
            }
        }
        tags
    }
}

fn of_wave(bytes: &[u8]) -> Tags {
    let mut before_samples = chunks(bytes).take_while(|&(id, _)| id != b"data");
    let info = before_samples.find(|(id, body)| *id == b"LIST" && body.starts_with(b"INFO"));
    info.map_or_else(Tags::default, |(_, body)| Tags::of_wave_info(body))
}

/// The chunks of a RIFF file; the last one may be cut.
fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (id, rest) = bytes.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let size = u32::from_le_bytes(*size) as usize;
        let body = &rest[..size.min(rest.len())];
        bytes = rest.get(size.saturating_add(size % 2)..).unwrap_or_default();
        Some((id, body))
    })
}

fn matroska_title(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (id, id_bytes) = number(bytes, 4, false)?;
        let (size, size_bytes) = number(bytes.get(id_bytes..)?, 8, true)?;
        let body = bytes.get(id_bytes + size_bytes..)?;
        let size = usize::try_from(size).ok()?;
        bytes = match id {
            // These are entered, whatever their size.
            SEGMENT | INFO => body,
            TITLE => return body.get(..size),
            CLUSTER => return None,
            _ => body.get(size..)?,
        };
    }
}
