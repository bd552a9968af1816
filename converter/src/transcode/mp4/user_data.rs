//! Texts about the movie that `QuickTime` keeps in `udta` and under `mdta` keys (`QuickTime` File Format, "User Data
//! Atoms" and "Metadata"). What iTunes writes is left to the demuxer.

use std::ops::Range;

use super::boxes::{children, descend, find, u16_at, u32_at};

/// Texts that are taken, and bytes of each: far more than a tag has.
const TEXTS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 4096;
/// What Apple's programs put before a key.
const APPLE: &str = "com.apple.quicktime.";
/// Language codes below this one are Macintosh's, whose texts are not Unicode.
const LANGUAGE_ISO_MIN: u16 = 0x400;

/// What a text is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Title,
    Artist,
    Album,
    Track,
    Date,
}

/// The texts of a whole `moov` box, whose body is `moov`: keys before user data.
pub(super) fn read(bytes: &[u8], moov: Range<usize>) -> Vec<(Subject, String)> {
    let udta = find(bytes, moov.clone(), *b"udta");
    let metas = [find(bytes, moov, *b"meta"), udta.clone().and_then(|udta| find(bytes, udta, *b"meta"))];
    let keyed = metas.into_iter().flatten().filter_map(|meta| keyed(bytes, meta)).flatten();
    let named = udta.into_iter().flat_map(|udta| named(bytes, udta));
    keyed.chain(named).take(TEXTS_MAX).collect()
}

/// Boxes like `©nam`, each of strings with a length and a language, of which the first is taken.
fn named(bytes: &[u8], udta: Range<usize>) -> impl Iterator<Item = (Subject, String)> {
    children(bytes, udta).filter_map(|found| {
        let subject = match &found.kind {
            b"\xA9nam" => Subject::Title,
            b"\xA9ART" => Subject::Artist,
            b"\xA9alb" => Subject::Album,
            b"\xA9trk" => Subject::Track,
            b"\xA9day" => Subject::Date,
            _ => return None,
        };
        let start = found.body.start;
        let (length, language) = (u16_at(bytes, start)?, u16_at(bytes, start + 2)?);
        let text = bytes.get(start + 4..found.body.end)?.get(..usize::from(length))?;
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        match std::str::from_utf8(text) {
            Ok(text) => Some((subject, text.to_owned())),
            Err(_) if language < LANGUAGE_ISO_MIN => None,
            Err(_) => Some((subject, String::from_utf8_lossy(text).into_owned())),
        }
    })
}

/// The values of `ilst` by the names in `keys`; `None` where the metadata is of another kind.
fn keyed(bytes: &[u8], meta: Range<usize>) -> Option<impl Iterator<Item = (Subject, String)>> {
    // QuickTime's box has no version and flags, ISO's has.
    let is_plain = bytes.get(meta.start + 4..meta.start + 8) == Some(b"hdlr");
    let meta = meta.start + if is_plain { 0 } else { 4 }..meta.end;
    let keys = find(bytes, meta.clone(), *b"keys")?;
    let subjects: Vec<Option<Subject>> = children(bytes, keys.start + 8..keys.end)
        .take(TEXTS_MAX)
        .map(|key| bytes.get(key.body).and_then(|name| std::str::from_utf8(name).ok()).and_then(subject))
        .collect();
    let ilst = find(bytes, meta, *b"ilst")?;
    Some(children(bytes, ilst).take(TEXTS_MAX).filter_map(move |item| {
        // Its name is the place of its key, from 1.
        let place = usize::try_from(u32::from_be_bytes(item.kind)).ok()?.checked_sub(1)?;
        let subject = (*subjects.get(place)?)?;
        let data = descend(bytes, item.body, &[*b"data"])?;
        // Type 1 is UTF-8; a language and country follow.
        let text = (u32_at(bytes, data.start) == Some(1)).then(|| bytes.get(data.start + 8..data.end)).flatten()?;
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        Some((subject, String::from_utf8_lossy(text).into_owned()))
    }))
}

fn subject(key: &str) -> Option<Subject> {
    Some(match key.strip_prefix(APPLE).unwrap_or(key) {
        "title" | "displayname" => Subject::Title,
        "artist" | "author" => Subject::Artist,
        "album" => Subject::Album,
        "track" => Subject::Track,
        "date" | "creationdate" | "year" => Subject::Date,
        _ => return None,
    })
}
