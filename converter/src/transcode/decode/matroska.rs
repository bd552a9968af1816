//! Which audio track of a Matroska file is to be played by default. Demuxers that tell take a missing flag for a clear
//! one.

use crate::transcode::structure::ebml::number;

/// Elements of a Matroska file (RFC 9559 §5.1).
const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_AE6B;
const TRACK_ENTRY: u64 = 0xAE;
const TRACK_TYPE: u64 = 0x83;
const FLAG_DEFAULT: u64 = 0x88;
/// The Cluster: the media begins.
const CLUSTER: u64 = 0x1F43_B675;
/// The `TrackType` of audio.
const AUDIO: u64 = 2;

/// The first audio track whose default flag is set (RFC 9559 §5.1.4.1.5), counted from 0 among the audio tracks; `None`
/// where the file's first bytes tell of none.
pub(super) fn default_audio(head: &[u8]) -> Option<usize> {
    elements(tracks(head)?)
        .filter(|(id, _)| *id == TRACK_ENTRY)
        .filter(|(_, entry)| field(entry, TRACK_TYPE) == Some(AUDIO))
        .position(|(_, entry)| field(entry, FLAG_DEFAULT).unwrap_or(1) == 1)
}

/// The body of the `Tracks` element.
fn tracks(mut bytes: &[u8]) -> Option<&[u8]> {
    loop {
        let (id, body, rest) = element(bytes)?;
        bytes = match id {
            // It is entered, whatever its size.
            SEGMENT => &bytes[bytes.len() - body.len() - rest.len()..],
            TRACKS => return Some(body),
            CLUSTER => return None,
            _ => rest,
        };
    }
}

fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        let (id, body, rest) = element(bytes)?;
        bytes = rest;
        Some((id, body))
    })
}

/// The id and the body of the first element, which may be cut, and what follows.
fn element(bytes: &[u8]) -> Option<(u64, &[u8], &[u8])> {
    let (id, id_bytes) = number(bytes, 4, false)?;
    let (size, size_bytes) = number(bytes.get(id_bytes..)?, 8, true)?;
    let body = bytes.get(id_bytes + size_bytes..)?;
    let (body, rest) = body.split_at(usize::try_from(size).unwrap_or(usize::MAX).min(body.len()));
    Some((id, body, rest))
}

/// An unsigned number among the elements of an entry; one without bytes is 0 (RFC 8794 §7.2).
fn field(entry: &[u8], wanted: u64) -> Option<u64> {
    let (_, value) = elements(entry).find(|(id, _)| *id == wanted)?;
    Some(value.iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element_of(id: &[u8], body: &[u8]) -> Vec<u8> {
        let size = 0x80 | u8::try_from(body.len()).expect("a short element");
        [id, &[size], body].concat()
    }

    fn file(entries: &[&[u8]]) -> Vec<u8> {
        let entries: Vec<u8> = entries.iter().flat_map(|entry| element_of(&[0xAE], entry)).collect();
        let tracks = element_of(&[0x16, 0x54, 0xAE, 0x6B], &entries);
        let segment = [&b"\x18\x53\x80\x67\x01\xFF\xFF\xFF\xFF\xFF\xFF\xFF"[..], &tracks].concat();
        [element_of(&[0x1A, 0x45, 0xDF, 0xA3], b"...."), segment].concat()
    }

    #[test]
    fn the_first_default_audio_track_is_found_and_a_missing_flag_is_set() {
        let (video, plain) = (&b"\x83\x81\x01"[..], &b"\x83\x81\x02"[..]);
        let (clear, set) = (&b"\x88\x81\x00\x83\x81\x02"[..], &b"\x83\x81\x02\x88\x81\x01"[..]);
        assert_eq!(default_audio(&file(&[video, clear, set])), Some(1));
        assert_eq!(default_audio(&file(&[clear, clear, video, plain])), Some(2));
        assert_eq!(default_audio(&file(&[plain, set])), Some(0));
        assert_eq!(default_audio(&file(&[clear, video])), None);
        assert_eq!(default_audio(&file(&[])), None);
    }

    #[test]
    fn no_cut_is_a_crash() {
        let whole = file(&[b"\x83\x81\x02\x88\x81\x00", b"\x83\x81\x02"]);
        assert_eq!(default_audio(&whole), Some(1));
        for end in 0..whole.len() {
            let _ = default_audio(&whole[..end]);
        }
    }
}
