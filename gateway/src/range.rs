//! `Range` of a download (RFC 9110 §14).

use std::ops::RangeInclusive;

/// What part of a file is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: no range, one that is malformed, or several; a server may ignore those.
    All,
    Bytes(RangeInclusive<u64>),
    /// No byte of the file: 416.
    Outside,
}

/// Reads the header against a file of `bytes` bytes, at least one.
pub(crate) fn part(header: Option<&str>, bytes: u64) -> Part {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Part::All };
    let Some((first, last)) = spec.split_once('-') else { return Part::All };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let end = bytes.saturating_sub(1);
    match (first, last) {
        ("", suffix) => match number(suffix) {
            Some(0) => Part::Outside,
            Some(suffix) => Part::Bytes(bytes.saturating_sub(suffix)..=end),
            None => Part::All,
        },
        (first, "") => match number(first) {
            Some(first) if first > end => Part::Outside,
            Some(first) => Part::Bytes(first..=end),
            None => Part::All,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => Part::All,
            (Some(first), Some(_)) if first > end => Part::Outside,
            (Some(first), Some(last)) => Part::Bytes(first..=last.min(end)),
            _ => Part::All,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_single_range_is_read() {
        for (header, expected) in [
            ("bytes=0-0", Part::Bytes(0..=0)),
            ("bytes=0-", Part::Bytes(0..=99)),
            ("bytes=90-1000", Part::Bytes(90..=99)),
            ("bytes=-10", Part::Bytes(90..=99)),
            ("bytes=-1000", Part::Bytes(0..=99)),
            ("bytes=99-99", Part::Bytes(99..=99)),
            ("bytes=100-", Part::Outside),
            ("bytes=100-200", Part::Outside),
            ("bytes=-0", Part::Outside),
        ] {
            assert_eq!(part(Some(header), 100), expected, "{header}");
        }
    }

    #[test]
    fn anything_else_means_the_whole_file() {
        for header in ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2"] {
            assert_eq!(part(Some(header), 100), Part::All, "{header}");
        }
        assert_eq!(part(None, 100), Part::All);
    }
}
