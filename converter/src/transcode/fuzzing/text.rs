//! What is written for people or in JSON.

use std::{fmt::Debug, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    control::{FromEngine, ToEngine, Verdict},
    options::{Options, Quality, RawOptions, parse::TAG_BYTES_MAX},
    transcode::tag::Tags,
};

/// Longest detail of a refusal that is passed on.
const DETAIL_CHARS_MAX: usize = 500;

/// Texts of a source are clean and short, and can be written again.
pub fn tags(head: &[u8]) {
    for tags in [Tags::of_head(head), Tags::of_wave_info(head)] {
        for text in [&tags.title, &tags.artist, &tags.album, &tags.date].into_iter().flatten() {
            assert!(!text.is_empty() && text.len() <= TAG_BYTES_MAX && text.trim() == text, "{text:?}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
        assert!(tags.track_number.is_none_or(|number| (1..=999).contains(&number)));
        let id3 = tags.to_id3().expect("texts fit into a tag");
        assert_eq!(id3.starts_with(b"ID3"), tags != Tags::default());
        assert_eq!(tags.clone().or(tags.clone()), tags);
    }
}

/// A line of the control channel that makes sense makes the same sense once it was written again.
pub fn control(line: &[u8]) {
    again::<ToEngine>(line);
    match again::<FromEngine>(line) {
        Some(FromEngine::Verdict(Verdict::Converted(report))) => {
            let believed = report.check(report.mp3_bytes, Duration::from_hours(1));
            assert!(believed.is_err() || report.duration_ms <= 3_601_000);
        }
        Some(FromEngine::Verdict(Verdict::Refused(refusal))) => {
            let plain = refusal.plain().detail;
            assert!(plain.chars().count() <= DETAIL_CHARS_MAX && !plain.chars().any(char::is_control), "{plain:?}");
        }
        _ => {}
    }
}

/// Options that are accepted lie within their ranges and survive their JSON. The values are in the order of the names,
/// with a zero between them.
pub fn options(values: &[u8]) {
    let mut raw = RawOptions::default();
    for (name, value) in RawOptions::names().into_iter().zip(values.split(|&byte| byte == 0)) {
        let value = String::from_utf8_lossy(value).into_owned();
        *raw.get_mut(name).expect("a known name") = Some(value).filter(|value| !value.is_empty());
    }
    let Ok(options) = raw.check() else { return };
    let Options { quality, channels, start, end, track, track_number, .. } = &options;
    let is_instant = |seconds: &f64| (0.0..=86_400.0).contains(seconds);
    assert!(start.iter().chain(end).all(is_instant) && end.is_none_or(|end| end > start.unwrap_or(0.0)));
    assert!(channels.is_none_or(|channels| matches!(channels, 1 | 2)));
    assert!(track.is_none_or(|track| (1..=64).contains(&track)));
    assert!(track_number.is_none_or(|number| (1..=999).contains(&number)));
    assert!(quality.is_none_or(|quality| quality.to_string().parse::<Quality>() == Ok(quality)));
    let json = serde_json::to_vec(&options).expect("options are JSON");
    assert_eq!(again::<Options>(&json), Some(options));
}

/// What some JSON says; it must say the same after it was written anew.
fn again<T: Serialize + DeserializeOwned + PartialEq + Debug>(json: &[u8]) -> Option<T> {
    let said = serde_json::from_slice::<T>(json).ok()?;
    let anew = serde_json::to_vec(&said).expect("it was JSON");
    assert_eq!(serde_json::from_slice::<T>(&anew).expect("its own JSON"), said);
    Some(said)
}
