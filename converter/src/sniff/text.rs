//! Text: playlists are told apart so that the caller learns what to send instead.

use super::Sniffed;

/// How playlists begin, in lower case: HLS, ffconcat, PLS, DASH, SMIL, ASX, XSPF, SDP, and whatever a script is.
const PLAYLISTS: [&[u8]; 12] = [
    b"#extm3u",
    b"#extinf",
    b"ffconcat",
    b"[playlist]",
    b"[reference]",
    b"<?xml",
    b"<mpd",
    b"<smil",
    b"<asx",
    b"<playlist",
    b"v=0",
    b"#!",
];
const LONGEST: usize = 11;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

pub(super) fn sniff(head: &[u8], can_grow: bool) -> Sniffed {
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head).trim_ascii_start();
    // Behind blanks there may be anything.
    if can_grow && text.len() < LONGEST {
        return Sniffed::NeedMore;
    }
    let start = text[..text.len().min(LONGEST)].to_ascii_lowercase();
    if PLAYLISTS.iter().any(|playlist| start.starts_with(playlist)) { Sniffed::Playlist } else { Sniffed::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_are_told_from_other_text() {
        for playlist in
            ["#EXTM3U\n", "\u{FEFF}#EXTM3U", "ffconcat version 1.0", " [playlist]", "<MPD>", "<?xml ?>", "#!/"]
        {
            assert_eq!(sniff(playlist.as_bytes(), false), Sniffed::Playlist, "{playlist}");
        }
        for other in ["Hello", "<!doctype html>", "{}", "\0\0\0\0", ""] {
            assert_eq!(sniff(other.as_bytes(), false), Sniffed::Unknown, "{other}");
        }
        assert_eq!(sniff(b"            ", true), Sniffed::NeedMore);
    }
}
