//! Tags at the end of a file: `APEv2` and `ID3v1`, which symphonia looks for nowhere.

use std::{fs::File, io, os::unix::fs::FileExt as _};

use super::{
    Tags,
    text::{date, decode, leading_number, line, track_number},
};

/// An `ID3v1` tag is this long, and last.
const ID3V1_BYTES: usize = 128;
/// The last bytes of an `APEv2` tag.
const APE_FOOTER_BYTES: usize = 32;
/// Longest `APEv2` tag that is read: texts have a few KiB, and pictures are not taken from it.
const APE_BYTES_MAX: u64 = 64 * 1024;
/// Items of it that are looked at.
const APE_ITEMS_MAX: usize = 256;

impl Tags {
    /// What the last bytes of a file tell; nothing where it cannot be read.
    pub(in crate::transcode) fn of_tail(file: &File) -> Self {
        read(file).unwrap_or_default()
    }

    /// The 128 bytes of an `ID3v1` tag, or of version 1.1, which has a track number.
    fn of_id3v1(tag: &[u8]) -> Option<Self> {
        let fields = tag.strip_prefix(b"TAG").filter(|fields| fields.len() == 125)?;
        let text = |range: std::ops::Range<usize>| {
            let field = &fields[range];
            decode(field.split(|&byte| byte == 0).next().unwrap_or(field))
        };
        let (zero, number) = (fields[122], fields[123]);
        Some(Self {
            title: line(&text(0..30)),
            artist: line(&text(30..60)),
            album: line(&text(60..90)),
            date: date(&text(90..94)),
            track_number: Some(number).filter(|_| zero == 0).and_then(|number| track_number(number.into())),
            picture: None,
        })
    }

    /// The items of an `APEv2` tag: a size, flags, a key and a value each.
    fn of_ape(mut items: &[u8]) -> Self {
        let mut tags = Self::default();
        for _ in 0..APE_ITEMS_MAX {
            let Some((size, rest)) = items.split_first_chunk::<4>() else { break };
            let Some((flags, rest)) = rest.split_first_chunk::<4>() else { break };
            let Some(key_bytes) = rest.iter().position(|&byte| byte == 0) else { break };
            let (key, rest) = (&rest[..key_bytes], &rest[key_bytes + 1..]);
            let size = u32::from_le_bytes(*size) as usize;
            let Some(value) = rest.get(..size) else { break };
            items = &rest[size..];
            // Bits 1 and 2 tell the kind: 0 is text, several of which are parted by zeros.
            if flags[0] & 6 != 0 {
                continue;
            }
            let text = decode(value.split(|&byte| byte == 0).next().unwrap_or(value));
            match &key.to_ascii_lowercase()[..] {
                b"title" => tags.title = tags.title.or_else(|| line(&text)),
                b"artist" => tags.artist = tags.artist.or_else(|| line(&text)),
                b"album" => tags.album = tags.album.or_else(|| line(&text)),
                b"track" => tags.track_number = tags.track_number.or_else(|| leading_number(&text)),
                b"year" => tags.date = tags.date.or_else(|| date(&text)),
                _ => {}
            }
        }
        tags
    }
}

fn read(file: &File) -> io::Result<Tags> {
    let mut end = file.metadata()?.len();
    let mut last = [0; ID3V1_BYTES];
    let mut tags = Tags::default();
    if let Some(start) = end.checked_sub(ID3V1_BYTES as u64) {
        file.read_exact_at(&mut last, start)?;
        if let Some(found) = Tags::of_id3v1(&last) {
            (tags, end) = (found, start);
        }
    }
    // Its texts are not cut after 30 bytes.
    Ok(ape(file, end)?.map_or(Tags::default(), |items| Tags::of_ape(&items)).or(tags))
}

/// The items of an `APEv2` tag that ends at `end`.
fn ape(file: &File, end: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(footer_start) = end.checked_sub(APE_FOOTER_BYTES as u64) else { return Ok(None) };
    let mut footer = [0; APE_FOOTER_BYTES];
    file.read_exact_at(&mut footer, footer_start)?;
    if !footer.starts_with(b"APETAGEX") {
        return Ok(None);
    }
    // Of the items and the footer.
    let size = u64::from(u32::from_le_bytes([footer[12], footer[13], footer[14], footer[15]]));
    let Some(start) = end.checked_sub(size).filter(|&start| start <= footer_start && size <= APE_BYTES_MAX) else {
        return Ok(None);
    };
    let mut items = vec![0; usize::try_from(footer_start - start).map_err(io::Error::other)?];
    file.read_exact_at(&mut items, start)?;
    Ok(Some(items))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn tail(bytes: &[u8]) -> Tags {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(bytes).expect("written");
        Tags::of_tail(&file)
    }

    fn id3v1(title: &[u8]) -> Vec<u8> {
        let mut tag = vec![0; 128];
        tag[..3].copy_from_slice(b"TAG");
        tag[3..3 + title.len()].copy_from_slice(title);
        tag[93..97].copy_from_slice(b"2024");
        tag[126] = 7;
        tag
    }

    fn ape(items: &[(&str, &str)]) -> Vec<u8> {
        let size = |bytes: usize| u32::try_from(bytes).expect("a short tag").to_le_bytes();
        let mut tag: Vec<u8> = Vec::new();
        for (key, value) in items {
            tag.extend([&size(value.len())[..], &[0; 4], key.as_bytes(), &[0], value.as_bytes()].concat());
        }
        let bytes = size(tag.len() + 32);
        tag.extend([&b"APETAGEX\xD0\x07\0\0"[..], &bytes, &size(items.len()), &[0; 12]].concat());
        tag
    }

    #[test]
    fn both_tags_are_read_and_the_longer_texts_win() {
        let audio = [7; 500];
        let short =
            Tags { title: Some("Tït".into()), date: Some("2024".into()), track_number: Some(7), ..Tags::default() };
        assert_eq!(tail(&[&audio[..], &id3v1(b"T\xEFt")].concat()), short);
        let ape = ape(&[("Title", "A lóng title"), ("ARTIST", "One\0Two"), ("Track", "3/12"), ("Year", "2025-01-02")]);
        let long = Tags {
            title: Some("A lóng title".into()),
            artist: Some("One".into()),
            track_number: Some(3),
            date: Some("2025-01-02".into()),
            ..Tags::default()
        };
        assert_eq!(tail(&[&audio[..], &ape].concat()), long);
        assert_eq!(tail(&[&audio[..], &ape, &id3v1(b"short")].concat()), long);
        assert_eq!(tail(&ape), long);
    }

    #[test]
    fn nothing_is_made_of_what_is_none_or_damaged() {
        assert_eq!(tail(b""), Tags::default());
        assert_eq!(tail(&[7; 500]), Tags::default());
        let whole = ape(&[("Title", "a"), ("Album", "b")]);
        for place in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[place] = value;
                let _ = tail(&bytes);
            }
        }
    }
}
