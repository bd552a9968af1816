//! Headers of MPEG audio frames (ISO/IEC 11172-3 §2.4.1.3, 13818-3 §2.4.1).

/// What four bytes say about one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Length of the whole frame.
    pub(crate) bytes: usize,
}

const MPEG1: u8 = 3;
const MPEG2: u8 = 2;

/// kbit/s by the header's index, for MPEG-1 layers I, II, III and the later layers I, II and III.
const KBPS: [[usize; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl FrameHeader {
    /// Reads a header; `None` where the bytes are none, or of free format, which has no length.
    pub(crate) fn parse(head: &[u8]) -> Option<Self> {
        let &[0xFF, b1, b2, _, ..] = head else { return None };
        let (version, layer) = (b1 >> 3 & 3, 4 - (b1 >> 1 & 3));
        if b1 & 0xE0 != 0xE0 || version == 1 || layer == 4 {
            return None;
        }
        let table = match (version == MPEG1, layer) {
            (true, layer) => usize::from(layer) - 1,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let kbps = *KBPS[table].get(usize::from(b2 >> 4)).filter(|&&kbps| kbps > 0)?;
        let halvings = match version {
            MPEG1 => 0,
            MPEG2 => 1,
            _ => 2,
        };
        let rate = *[44_100, 48_000, 32_000].get(usize::from(b2 >> 2 & 3))? >> halvings;
        let padding = usize::from(b2 >> 1 & 1);
        let bytes = match (layer, version) {
            (1, _) => (12_000 * kbps / rate + padding) * 4,
            (2, _) | (_, MPEG1) => 144_000 * kbps / rate + padding,
            _ => 72_000 * kbps / rate + padding,
        };
        Some(Self { bytes })
    }
}

/// Counts the frames in a stream of nothing but frames, however it is cut into pieces.
#[derive(Debug, Default)]
pub(crate) struct FrameCounter {
    frames: u64,
    /// Bytes of the current frame that are still to come.
    rest: usize,
    /// The start of a header that a piece cut.
    header: Vec<u8>,
    is_lost: bool,
}

impl FrameCounter {
    pub(crate) fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && !self.is_lost {
            if self.rest > 0 {
                let passed = self.rest.min(piece.len());
                self.rest -= passed;
                piece = &piece[passed..];
                continue;
            }
            let wanted = (4 - self.header.len()).min(piece.len());
            self.header.extend_from_slice(&piece[..wanted]);
            piece = &piece[wanted..];
            if self.header.len() == 4 {
                match FrameHeader::parse(&self.header) {
                    Some(frame) => {
                        self.frames += 1;
                        self.rest = frame.bytes.saturating_sub(4);
                    }
                    None => self.is_lost = true,
                }
                self.header.clear();
            }
        }
    }

    /// The whole frames so far; `None` where something else stood between them or the last one is cut.
    pub(crate) fn frames(&self) -> Option<u64> {
        (!self.is_lost && self.rest == 0 && self.header.is_empty()).then_some(self.frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_lengths_follow_the_tables() {
        for (header, bytes) in [
            ([0xFF, 0xFB, 0x90, 0x00], Some(417)), // MPEG-1 layer III, 128 kbit/s, 44.1 kHz
            ([0xFF, 0xFB, 0x92, 0x00], Some(418)), // the same, padded
            ([0xFF, 0xFD, 0xA4, 0x00], Some(576)), // MPEG-1 layer II, 192 kbit/s, 48 kHz
            ([0xFF, 0xF3, 0x80, 0x00], Some(208)), // MPEG-2 layer III, 64 kbit/s, 22.05 kHz
            ([0xFF, 0xFB, 0x00, 0x00], None),      // free format
            ([0xFF, 0xFB, 0x9C, 0x00], None),      // reserved sample rate
            ([0xFF, 0xEB, 0x90, 0x00], None),      // reserved version
        ] {
            assert_eq!(FrameHeader::parse(&header).map(|frame| frame.bytes), bytes, "{header:X?}");
        }
    }

    #[test]
    fn frames_are_counted_across_any_cut() {
        let mut stream = Vec::new();
        for _ in 0..3 {
            stream.extend_from_slice(&[0xFF, 0xFB, 0x90, 0x00]);
            stream.resize(stream.len() + 413, 0);
        }
        for piece_bytes in [1, 3, 400, 417, 2000] {
            let mut counter = FrameCounter::default();
            stream.chunks(piece_bytes).for_each(|piece| counter.feed(piece));
            assert_eq!(counter.frames(), Some(3), "{piece_bytes}");
            counter.feed(&[0xFF]);
            assert_eq!(counter.frames(), None);
        }
    }
}
