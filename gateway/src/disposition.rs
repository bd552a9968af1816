//! `Content-Disposition` of a download (RFC 6266, RFC 8187).

use std::fmt::Write as _;

/// Longest ending that is taken for a file type, without the dot.
const ENDING_CHARS_MAX: usize = 5;

/// The video's name with the ending `.mp3` instead of its own.
pub(crate) fn mp3_name(video: &str) -> String {
    let is_ending = |ending: &str| {
        (1..=ENDING_CHARS_MAX).contains(&ending.len()) && ending.chars().all(|c| c.is_ascii_alphanumeric())
    };
    match video.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && is_ending(ending) => format!("{stem}.mp3"),
        _ => format!("{video}.mp3"),
    }
}

/// `filename` for old clients in ASCII, `filename*` for all others in UTF-8.
pub(crate) fn header(kind: &str, name: &str) -> String {
    // Quotes, backslashes and percent signs are read differently by different clients.
    let ascii: String = name
        .chars()
        .map(|c| if (c.is_ascii_graphic() || c == ' ') && !"\"\\%".contains(c) { c } else { '_' })
        .collect();
    let mut value = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        // attr-char of RFC 8187 §3.2.1.
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            value.push(char::from(byte));
        } else {
            let _ = write!(value, "%{byte:02X}");
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_videos_ending_is_replaced() {
        for (video, mp3) in [
            ("movie.mp4", "movie.mp3"),
            ("a.b.webm", "a.b.mp3"),
            ("video", "video.mp3"),
            (".mp4", ".mp4.mp3"),
            ("v1.2 final cut", "v1.2 final cut.mp3"),
        ] {
            assert_eq!(mp3_name(video), mp3);
        }
    }

    #[test]
    fn any_name_is_carried_and_none_breaks_out() {
        assert_eq!(header("attachment", "a.mp3"), "attachment; filename=\"a.mp3\"; filename*=UTF-8''a.mp3");
        assert_eq!(
            header("inline", "naïve \"€\".mp3"),
            "inline; filename=\"na_ve ___.mp3\"; filename*=UTF-8''na%C3%AFve%20%22%E2%82%AC%22.mp3"
        );
        assert!(!header("attachment", "a\r\nSet-Cookie: b").contains(['\r', '\n']));
    }
}
