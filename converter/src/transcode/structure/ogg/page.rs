//! The pages of Ogg (RFC 3533 §6) and their checksums.

use crc::{Algorithm, Crc, Digest, Table};

const HEADER_BYTES: usize = 27;
/// Where the checksum stands, itself counted as zeros.
const CHECKSUM_AT: usize = 22;
const BEGIN: u8 = 2;
const END: u8 = 4;
/// The granule of a page on which no packet ends.
const NO_GRANULE: u64 = u64::MAX;

/// The CRC of RFC 3533 §6, which starts with 0 and is not turned around.
const ALGORITHM: Algorithm<u32> = Algorithm {
    width: 32,
    poly: 0x04C1_1DB7,
    init: 0,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0x89A1_897F,
    residue: 0,
};
static CHECKSUM: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&ALGORITHM);

/// What a page's header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// The first, or the last, of its stream.
    pub(super) begins: bool,
    pub(super) ends: bool,
    /// Samples up to the last packet that ends here.
    pub(super) granule: Option<u64>,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    checksum: u32,
    /// Bytes of the header with its lacing, and of what follows.
    pub(super) header_bytes: usize,
    pub(super) body_bytes: usize,
}

impl Page {
    /// `None` where this is no page, or where its header is cut.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().filter(|header| header.starts_with(b"OggS"))?;
        let number = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let granule = u64::from(number(6)) | u64::from(number(10)) << 32;
        let header_bytes = HEADER_BYTES + usize::from(header[HEADER_BYTES - 1]);
        let lacing = bytes.get(HEADER_BYTES..header_bytes)?;
        Some(Self {
            begins: header[5] & BEGIN != 0,
            ends: header[5] & END != 0,
            granule: (granule != NO_GRANULE).then_some(granule),
            serial: number(14),
            sequence: number(18),
            checksum: number(CHECKSUM_AT),
            header_bytes,
            body_bytes: lacing.iter().map(|&bytes| usize::from(bytes)).sum(),
        })
    }
}

/// The sum over one page, whose bytes may come in pieces.
#[derive(Clone)]
pub(super) struct Checksum {
    digest: Digest<'static, u32, Table<16>>,
    expected: u32,
    /// Bytes of the page that are still to come.
    left: usize,
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checksum").field("expected", &self.expected).field("left", &self.left).finish_non_exhaustive()
    }
}

impl Checksum {
    /// Of a page that begins with `bytes`; they hold all of its header, and may reach beyond its end.
    pub(super) fn of(page: &Page, bytes: &[u8]) -> Self {
        let mut digest = CHECKSUM.digest();
        digest.update(&bytes[..CHECKSUM_AT]);
        digest.update(&[0; 4]);
        digest.update(&bytes[CHECKSUM_AT + 4..page.header_bytes]);
        let mut checksum = Self { digest, expected: page.checksum, left: page.body_bytes };
        checksum.update(&bytes[page.header_bytes..]);
        checksum
    }

    /// Takes what follows.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let taken = self.left.min(bytes.len());
        self.digest.update(&bytes[..taken]);
        self.left -= taken;
    }

    /// Whether all of the page came, and as it was written.
    pub(super) fn is_met(&self) -> bool {
        self.left == 0 && self.digest.clone().finalize() == self.expected
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A page with one short packet.
    pub(in super::super) fn page(begins: bool, ends: bool, serial: u32, sequence: u32, packet: &[u8]) -> Vec<u8> {
        let mut page = b"OggS\0".to_vec();
        page.push(u8::from(begins) * BEGIN + u8::from(ends) * END);
        page.extend(if begins { 0 } else { 1000 * u64::from(sequence) }.to_le_bytes());
        page.extend(serial.to_le_bytes());
        page.extend(sequence.to_le_bytes());
        page.extend([0; 4]);
        page.extend([1, u8::try_from(packet.len()).expect("a short packet")]);
        page.extend_from_slice(packet);
        let checksum = CHECKSUM.checksum(&page);
        page[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&checksum.to_le_bytes());
        page
    }

    #[test]
    fn the_checksum_sees_every_bit_of_the_page() {
        assert_eq!(CHECKSUM.checksum(b"123456789"), ALGORITHM.check);
        let whole = [&page(false, false, 7, 3, b"packet")[..], b"OggS"].concat();
        for bit in 0..(whole.len() - 4) * 8 {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let is_met = Page::parse(&damaged).map(|page| Checksum::of(&page, &damaged).is_met());
            assert_ne!(is_met, Some(true), "{bit}");
        }
        let page = Page::parse(&whole).expect("a page");
        assert!(Checksum::of(&page, &whole).is_met());
        let mut in_pieces = Checksum::of(&page, &whole[..=page.header_bytes]);
        assert!(!in_pieces.is_met());
        whole[page.header_bytes + 1..].chunks(2).for_each(|piece| in_pieces.update(piece));
        assert!(in_pieces.is_met());
    }
}
