//! Tags against frames made by hand.

use super::*;

/// A frame of silence: MPEG-1 layer III, stereo, 44.1 kHz; the index tells the bit rate.
fn frame(index: u8) -> Vec<u8> {
    let header = [0xFF, 0xFB, index << 4, 0];
    let mut frame = vec![0; FrameHeader::parse(&header).expect("a header").bytes];
    frame[..4].copy_from_slice(&header);
    frame
}

fn word(frame: &[u8], field: Range<usize>) -> u32 {
    u32::from_be_bytes(frame[36..][field].try_into().expect("four bytes"))
}

#[test]
fn a_copy_gets_a_tag_that_tells_all() {
    // 128 and 320 kbit/s.
    let music: Vec<u8> = [frame(9), frame(14), frame(9)].concat();
    let mut tag = LengthTag::before(&music).expect("a tag");
    tag.feed(&music).expect("whole frames");
    let bytes = tag.frame().len();
    let done = tag.finish(Some(Ends { delay: 576, padding: 0x123 }), None);
    assert_eq!(done.len(), bytes);
    assert_eq!(&done[36..40], b"Xing");
    assert_eq!(word(&done, FRAMES), 3);
    assert_eq!(word(&done, BYTES) as usize, bytes + music.len());
    assert_eq!(&done[36..][DELAYS], [0x24, 0x01, 0x23]);
    assert_eq!(done[36..][MUSIC_CRC], CRC.checksum(&music).to_be_bytes());
    assert_eq!(done[36..][TAG_CRC], CRC.checksum(&done[..190]).to_be_bytes());
}

#[test]
fn a_constant_rate_is_told_apart() {
    let music = [frame(1), frame(1)].concat();
    let mut tag = LengthTag::before(&music).expect("a tag");
    tag.feed(&music).expect("whole frames");
    let done = tag.finish(None, None);
    assert_eq!(&done[36..40], b"Info");
    // 32 kbit/s have no room for the tag.
    assert!(done.len() >= 192);
    assert_eq!(done[36..][ENCODER], [0; 9], "nobody shall read ends that nobody told");
}

#[test]
fn frames_of_another_kind_are_refused() {
    let mut tag = LengthTag::before(&frame(9)).expect("a tag");
    let mut mono = frame(9);
    mono[3] = 0xC0;
    assert_eq!(tag.feed(&mono), Err(NotAFrame));
    assert_eq!(tag.feed(&frame(9)[..400]), Err(NotAFrame));
    assert_eq!(tag.feed(b"ID3"), Err(NotAFrame));
}

#[test]
fn gains_are_told_in_tenths_of_a_decibel() {
    assert_eq!(track_gain(-6.04), 0b0010_1110_0011_1100);
    assert_eq!(track_gain(3.25), 0b0010_1100_0010_0001);
    assert_eq!(track_gain(-1000.0) & 0x1FF, 511);
    assert_eq!((peak(1.0), peak(0.5), peak(f32::NAN)), (1 << 23, 1 << 22, 0));
}
