//! The streams of an Ogg in the order of the file.

use super::page::Page;

/// Serial numbers of the streams that begin in a file's first bytes, in the order of the file; none of another file.
pub(in crate::transcode) fn serials(mut head: &[u8]) -> Vec<u32> {
    let mut serials = Vec::new();
    // All streams begin before any goes on (RFC 3533 §4).
    while let Some(page) = Page::parse(head).filter(|page| page.begins) {
        serials.push(page.serial);
        head = head.get(page.header_bytes + page.body_bytes..).unwrap_or_default();
    }
    serials
}

#[cfg(test)]
mod tests {
    use super::{super::page::tests::page, *};

    #[test]
    fn streams_are_told_in_the_order_of_the_file() {
        let begin: Vec<u8> =
            [9, 3, 5].into_iter().flat_map(|serial| page(true, false, serial, 0, b"\x01vorbis")).collect();
        let head = [begin, page(false, false, 9, 1, b"..."), page(true, false, 8, 0, b"chained")].concat();
        assert_eq!(serials(&head), [9, 3, 5]);
        for cut in 0..head.len() {
            assert!([9, 3, 5].starts_with(&serials(&head[..cut])), "{cut}");
        }
        assert!(serials(b"RIFF").is_empty());
    }
}
