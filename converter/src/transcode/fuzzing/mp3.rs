//! MPEG frames and the length tag before them.

use std::ops::{Range, RangeInclusive};

use crate::transcode::{
    decode::RATES,
    frame::{FrameHeader, first_frame},
    length_tag::{Ends, LengthTag, TrackGain, ends, is_tag},
};

/// The shortest frame has 8 kbit/s at 24 kHz, the longest 160 kbit/s of layer II at 8 kHz.
const FRAME_BYTES: RangeInclusive<usize> = 24..=2881;
/// Frames that a tag is made for.
const FRAMES_MAX: usize = 5000;
/// Offsets from the tag's name on ("Mp3 Info Tag rev 1").
const FRAMES: Range<usize> = 8..12;
const BYTES: Range<usize> = 12..16;
const MUSIC_CRC: Range<usize> = 152..154;
const TAG_CRC: Range<usize> = 154..156;

/// Every header tells a frame that can be, and frames are taken one behind the other.
pub fn frame_parser(bytes: &[u8]) {
    for at in 0..bytes.len() {
        let Some(header) = FrameHeader::parse(&bytes[at..]) else { continue };
        assert!(FRAME_BYTES.contains(&header.bytes), "{header:?}");
        assert!(header.layer < 3 || FrameHeader::BYTES + header.side_info_bytes() < header.bytes, "{header:?}");
        assert!(RATES.contains(&header.rate) && matches!(header.channels, 1 | 2), "{header:?}");
        assert!(matches!(header.samples, 384 | 576 | 1152) && (1..=3).contains(&header.layer), "{header:?}");
        assert!((8..=448).contains(&header.kbps) && header.continues(&header), "{header:?}");
        let mut rest = &bytes[at..];
        match first_frame(&mut rest) {
            Some((first, frame)) => assert!(first == header && frame.len() + rest.len() == bytes.len() - at),
            None => assert!(rest.len() == bytes.len() - at && rest.len() < header.bytes),
        }
    }
}

/// A tag keeps its length, is known as a tag, and tells frames, bytes, ends and checksums as they are.
///
/// The first bytes choose the ends, the gain and how often the frames that follow them are written.
pub fn xing(bytes: &[u8]) {
    let _ = (is_tag(bytes), LengthTag::of_lame(bytes.to_vec()).is_some());
    assert!(ends(bytes).is_none_or(|ends| ends.delay <= Ends::MAX && ends.padding <= Ends::MAX));
    let Some((&[d1, d2, p1, p2, db, repeats], source)) = bytes.split_first_chunk() else { return };
    let Some(tag) = LengthTag::before(source) else { return };
    let tag_bytes = tag.frame().len();
    assert_eq!(FrameHeader::parse(tag.frame()).map(|header| header.bytes), Some(tag_bytes));
    let frames = frames(source, usize::from(repeats));
    let told = Ends { delay: u16::from_be_bytes([d1, d2]), padding: u16::from_be_bytes([p1, p2]) };
    let gain =
        (db > 0).then(|| TrackGain { gain_db: f64::from(db) - 128.0, peak: f32::from_bits(u32::from(db) << 24) });
    finished(tag, tag_bytes, &frames, told, gain);
}

fn finished(mut tag: LengthTag, tag_bytes: usize, frames: &[&[u8]], told: Ends, gain: Option<TrackGain>) {
    let mut music = Vec::new();
    for frame in frames {
        tag.feed(frame).expect("a frame of the tag's kind");
        music.extend_from_slice(frame);
    }
    assert_eq!(tag.frames(), frames.len() as u64);
    let done = tag.finish(Some(told), gain);
    assert!(done.len() == tag_bytes && is_tag(&done));
    let kept = Ends { delay: told.delay.min(Ends::MAX), padding: told.padding.min(Ends::MAX) };
    assert_eq!(ends(&done).unwrap_or_default(), kept);
    let name = FrameHeader::BYTES + FrameHeader::parse(&done).expect("a header").side_info_bytes();
    let field = |field: Range<usize>| done[name..][field].iter().fold(0, |word, &byte| word << 8 | usize::from(byte));
    assert_eq!((field(FRAMES), field(BYTES)), (frames.len(), tag_bytes + music.len()));
    assert_eq!(field(MUSIC_CRC), crc(&music));
    assert_eq!(field(TAG_CRC), crc(&done[..name + TAG_CRC.start]));
}

/// The whole frames at the start of an mp3 that are of one kind, again and again.
fn frames(mut mp3: &[u8], repeats: usize) -> Vec<&[u8]> {
    let Some((kind, first)) = first_frame(&mut mp3) else { return Vec::new() };
    let mut frames = vec![first];
    while let Some((_, frame)) = first_frame(&mut mp3).filter(|(header, _)| header.continues(&kind)) {
        frames.push(frame);
    }
    let count = (frames.len() * (repeats + 1)).min(FRAMES_MAX);
    frames.into_iter().cycle().take(count).collect()
}

/// CRC-16/ARC, bit by bit.
fn crc(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ usize::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}
