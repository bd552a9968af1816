//! Headers of MPEG audio frames (ISO/IEC 11172-3 §2.4.1.3, 13818-3 §2.4.1).

/// What the four bytes before one frame say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// Length of the whole frame, its header included.
    pub(crate) bytes: usize,
    /// I, II or III.
    pub(crate) layer: u8,
    /// Hz.
    pub(crate) rate: u32,
    /// 1 or 2.
    pub(crate) channels: u8,
    /// Samples per channel.
    pub(crate) samples: u32,
    /// kbit/s.
    pub(crate) kbps: u16,
    is_mpeg1: bool,
}

const MPEG1: u8 = 3;
const MPEG2: u8 = 2;

/// kbit/s by the header's index, for MPEG-1 layers I, II, III and the later layers I, II and III.
const KBPS: [[u16; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

impl FrameHeader {
    /// Bytes of a header.
    pub(crate) const BYTES: usize = 4;

    /// Reads a header; `None` where the bytes are none, or of free format, which has no length.
    pub(crate) fn parse(head: &[u8]) -> Option<Self> {
        let &[0xFF, b1, b2, b3, ..] = head else { return None };
        let (version, layer) = (b1 >> 3 & 3, 4 - (b1 >> 1 & 3));
        if b1 & 0xE0 != 0xE0 || version == 1 || layer == 4 {
            return None;
        }
        let is_mpeg1 = version == MPEG1;
        let table = match (is_mpeg1, layer) {
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
        let samples = match (layer, is_mpeg1) {
            (1, _) => 384,
            (3, false) => 576,
            _ => 1152,
        };
        let padding = u32::from(b2 >> 1 & 1);
        let bits = u32::from(kbps) * 1000;
        // Layer I counts in slots of four bytes.
        let bytes = if layer == 1 { (12 * bits / rate + padding) * 4 } else { samples / 8 * bits / rate + padding };
        let channels = if b3 >> 6 == 3 { 1 } else { 2 };
        Some(Self { bytes: usize::try_from(bytes).ok()?, layer, rate, channels, samples, kbps, is_mpeg1 })
    }

    /// Bytes of the side information behind the header of a layer III frame.
    pub(crate) fn side_info_bytes(&self) -> usize {
        match (self.is_mpeg1, self.channels) {
            (true, 2) => 32,
            (false, 1) => 9,
            _ => 17,
        }
    }

    /// Bytes of a layer III frame's data that stand before it (`main_data_begin`); `None` where the frame is cut.
    pub(crate) fn reservoir(&self, frame: &[u8]) -> Option<usize> {
        // A checksum stands between the header and the side information.
        let start = if frame.get(1)? & 1 == 1 { Self::BYTES } else { Self::BYTES + 2 };
        let (high, low) = (usize::from(*frame.get(start)?), usize::from(*frame.get(start + 1)?));
        Some(if self.is_mpeg1 { high << 1 | low >> 7 } else { high })
    }

    /// Whether a frame of this kind can follow one of the other kind in an mp3 that players take for one.
    pub(crate) fn continues(&self, other: &Self) -> bool {
        (self.layer, self.rate, self.channels, self.is_mpeg1)
            == (other.layer, other.rate, other.channels, other.is_mpeg1)
    }
}

/// Takes the first frame off `bytes`; `None` where no whole frame begins there.
pub(crate) fn first_frame<'a>(bytes: &mut &'a [u8]) -> Option<(FrameHeader, &'a [u8])> {
    let header = FrameHeader::parse(bytes)?;
    let (frame, rest) = bytes.split_at_checked(header.bytes)?;
    *bytes = rest;
    Some((header, frame))
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
            ([0xFF, 0xFF, 0x90, 0x00], Some(312)), // MPEG-1 layer I, 288 kbit/s, 44.1 kHz
            ([0xFF, 0xFB, 0x00, 0x00], None),      // free format
            ([0xFF, 0xFB, 0x9C, 0x00], None),      // reserved sample rate
            ([0xFF, 0xEB, 0x90, 0x00], None),      // reserved version
        ] {
            assert_eq!(FrameHeader::parse(&header).map(|frame| frame.bytes), bytes, "{header:X?}");
        }
    }

    #[test]
    fn a_header_tells_what_a_decoder_must_know() {
        let stereo = FrameHeader::parse(&[0xFF, 0xFB, 0x90, 0x40]).expect("MPEG-1 layer III");
        assert_eq!(
            (stereo.layer, stereo.rate, stereo.channels, stereo.samples, stereo.kbps),
            (3, 44_100, 2, 1152, 128)
        );
        assert_eq!(stereo.side_info_bytes(), 32);
        let mono = FrameHeader::parse(&[0xFF, 0xF3, 0x80, 0xC0]).expect("MPEG-2 layer III");
        assert_eq!((mono.rate, mono.channels, mono.samples, mono.side_info_bytes()), (22_050, 1, 576, 9));
        assert!(!mono.continues(&stereo));
        assert!(FrameHeader { kbps: 320, bytes: 1044, ..stereo }.continues(&stereo));
    }

    #[test]
    fn frames_are_taken_one_by_one() {
        let mut two = [0; 2 * 417 + 3];
        for start in [0, 417] {
            two[start..start + 3].copy_from_slice(&[0xFF, 0xFB, 0x90]);
        }
        let mut rest = &two[..];
        let lengths: Vec<usize> = std::iter::from_fn(|| first_frame(&mut rest)).map(|(_, frame)| frame.len()).collect();
        assert_eq!((lengths, rest.len()), (vec![417, 417], 3));
    }
}
