//! Where one encoder's frames give way to the next one's.
//!
//! The two have encoded the same stretch of audio, the older one to its end, the newer one to get into its stride. A
//! layer III frame may begin its data in the frames before it, so a new frame can only follow an old one where the old
//! encoder has left that much room: as much as its own next frame would have used. Then the bit reservoir passes from
//! one encoder to the other, and no frame is worse than without the joint.

use std::ops::Range;

use crate::transcode::frame::{FrameHeader, first_frame};

/// Frames in which a new encoder settles; before that it takes over nothing.
const SETTLE_FRAMES: usize = 4;

/// Layer III frames in a row.
#[derive(Debug)]
pub(super) struct Run {
    mp3: Vec<u8>,
    frames: Vec<Frame>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    start: usize,
    /// Where the data begin, behind header and side information.
    data: usize,
    end: usize,
    /// Bytes of the frame's data that stand before it, at the end of the data of the frames before.
    reservoir: usize,
}

impl Run {
    /// `None` where `mp3` is anything but whole frames.
    pub(super) fn of(mp3: Vec<u8>) -> Option<Self> {
        let (mut frames, mut rest) = (Vec::new(), &mp3[..]);
        while !rest.is_empty() {
            let start = mp3.len() - rest.len();
            let (header, frame) = first_frame(&mut rest)?;
            let data = start + FrameHeader::BYTES + header.side_info_bytes();
            let end = start + frame.len();
            frames.push(Frame { start, data: data.min(end), end, reservoir: header.reservoir(frame)? });
        }
        Some(Self { mp3, frames })
    }

    /// Frames of the run.
    pub(super) fn frames(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.mp3
    }

    /// Leaves the first `frames` frames out.
    pub(super) fn skip(mut self, frames: usize) -> Self {
        let start = self.start(frames);
        self.mp3.drain(..start);
        self.frames.drain(..frames);
        for Frame { start: s, data, end, .. } in &mut self.frames {
            (*s, *data, *end) = (*s - start, *data - start, *end - start);
        }
        self
    }

    fn start(&self, frame: usize) -> usize {
        self.frames.get(frame).map_or(self.mp3.len(), |frame| frame.start)
    }

    /// Ends this run where `new` takes over and answers how many frames to leave out at the start of that; the last
    /// `common` frames of this run are the audio of its first ones. What of the new frames' data stands before them is
    /// written into this run. `None` where there is no place for that; then nothing is changed.
    ///
    /// With a variable bit rate a lack of room is made up for: the last old frame becomes longer.
    pub(super) fn join(&mut self, new: &Self, common: usize, is_variable: bool) -> Option<usize> {
        let (mut place, first) = (None, self.frames.len().checked_sub(common)?);
        for new_frames in SETTLE_FRAMES..common {
            let (old, new) = (self.frames[first + new_frames].reservoir, new.frames.get(new_frames)?.reservoir);
            // The place that leaves the least room unused or lacks the least, and of these the last.
            let cost = (old < new, old.abs_diff(new));
            if place.is_none_or(|(least, _)| cost <= least) {
                place = Some((cost, new_frames));
            }
        }
        let ((is_short, room), new_frames) = place?;
        let moved = new.frames[new_frames].reservoir;
        let data = data_before(&new.frames[..new_frames], moved)?;
        let mut frames = self.frames[..first + new_frames].to_vec();
        let longer = if is_short { Some(self.longer(frames.last()?, room).filter(|_| is_variable)?) } else { None };
        if let (Some((_, bytes)), Some(last)) = (longer, frames.last_mut()) {
            last.end = last.start + bytes;
        }
        let places = data_before(&frames, moved)?;
        // Nothing is refused any more: only now is anything changed.
        self.end_with(frames, longer.map(|(header, _)| header));
        let bytes: Vec<u8> = data.into_iter().flat_map(|range| &new.mp3[range]).copied().collect();
        let mut rest = &bytes[..];
        for place in places {
            let (head, tail) = rest.split_at(place.len());
            self.mp3[place].copy_from_slice(head);
            rest = tail;
        }
        Some(new_frames)
    }

    /// Keeps these first frames only, of which the last one may be longer than it was, with another header.
    fn end_with(&mut self, frames: Vec<Frame>, header: Option<[u8; FrameHeader::BYTES]>) {
        self.mp3.truncate(self.start(frames.len()));
        if let (Some(header), Some(last)) = (header, frames.last()) {
            self.mp3[last.start..last.start + FrameHeader::BYTES].copy_from_slice(&header);
            self.mp3.resize(last.end, 0);
        }
        self.frames = frames;
    }

    /// The header of a frame with a higher bit rate, by which it has at least `more` bytes more, and the bytes that it
    /// has then; `None` where no rate is high enough.
    fn longer(&self, frame: &Frame, more: usize) -> Option<([u8; FrameHeader::BYTES], usize)> {
        let &Frame { start, end, .. } = frame;
        let mut header: [u8; FrameHeader::BYTES] = *self.mp3.get(start..)?.first_chunk()?;
        (header[2] >> 4..15).find_map(|index| {
            header[2] = index << 4 | header[2] & 0xF;
            let bytes = FrameHeader::parse(&header)?.bytes;
            (bytes >= end - start + more).then_some((header, bytes))
        })
    }
}

/// Where the last `bytes` bytes of the data of `frames` stand, in order; `None` where there are fewer.
fn data_before(frames: &[Frame], mut bytes: usize) -> Option<Vec<Range<usize>>> {
    let mut ranges = Vec::new();
    for Frame { data, end, .. } in frames.iter().rev() {
        let taken = bytes.min(end - data);
        ranges.push(end - taken..*end);
        bytes -= taken;
        if bytes == 0 {
            break;
        }
    }
    ranges.reverse();
    (bytes == 0).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame at 32 kbit/s and 44.1 kHz, mono: 104 bytes, of which 83 are data; `fill` fills those.
    fn frame(reservoir: u16, fill: u8) -> Vec<u8> {
        let mut frame = vec![0xFF, 0xFB, 0x10, 0xC0];
        frame.extend_from_slice(&(reservoir << 7).to_be_bytes());
        frame.resize(21, 0);
        frame.resize(104, fill);
        frame
    }

    fn run(frames: &[(u16, u8)]) -> Run {
        let mp3 = frames.iter().flat_map(|&(reservoir, fill)| frame(reservoir, fill)).collect();
        Run::of(mp3).expect("whole frames")
    }

    #[test]
    fn a_joint_is_where_the_least_room_is_lost() {
        let old = || run(&[(0, 1), (90, 1), (90, 1), (90, 1), (90, 1), (90, 1), (70, 1), (90, 1)]);
        // In common are the last seven, of which the first four are not taken.
        let new = run(&[(0, 2), (90, 2), (90, 2), (90, 2), (60, 2), (69, 2), (85, 2), (1, 2)]);
        let mut joined = old();
        assert_eq!((joined.join(&new, 7, false), joined.frames()), (Some(5), 6));
        assert_eq!(old().join(&new, 9, false), None);
    }

    #[test]
    fn data_that_stand_before_the_new_frame_move_into_the_old_ones() {
        let mut old = run(&[(0, 1), (90, 1), (90, 1), (90, 1), (90, 1), (90, 1)]);
        let new = run(&[(0, 2), (0, 3), (0, 4), (0, 5), (90, 6), (511, 7)]);
        assert_eq!(old.join(&new, 6, false), Some(4));
        let written = old.bytes();
        assert_eq!(written.len(), 4 * 104);
        // 90 bytes are all of the data of frame 3, and 7 of frame 2.
        assert!(written[3 * 104 + 21..].iter().all(|&byte| byte == 5));
        assert_eq!(written[3 * 104 - 8..3 * 104], [1, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(new.skip(4).bytes()[21], 6);
    }

    #[test]
    fn a_lack_of_room_is_made_up_for_where_the_rate_may_vary() {
        let (old, new) = ([(0, 1), (9, 1), (9, 1), (9, 1), (0, 1)], [(0, 2), (0, 2), (0, 2), (0, 2), (20, 2)]);
        assert_eq!(run(&old).join(&run(&new), 5, false), None);
        let mut longer = run(&old);
        assert_eq!(longer.join(&run(&new), 5, true), Some(4));
        // 40 kbit/s instead of 32.
        assert_eq!(longer.bytes().len(), 3 * 104 + 130);
        assert_eq!(FrameHeader::parse(&longer.bytes()[3 * 104..]).map(|header| header.kbps), Some(40));
        assert_eq!(longer.bytes()[3 * 104 + 104..], [[0; 6].as_slice(), &[2; 20]].concat());
    }

    #[test]
    fn a_run_that_cannot_be_joined_stays_as_it_is() {
        let before = [(0, 1), (0, 1), (0, 1), (0, 1), (511, 1)];
        let mut old = run(&before);
        // 320 kbit/s: 1044 bytes, so that 511 of them stand before a frame where the old frames have 332 in all.
        let long = |reservoir| [&[0xFF, 0xFB, 0xE0], &frame(reservoir, 2)[3..], &[2; 1044 - 104]].concat();
        let new = Run::of([0, 0, 0, 0, 511].map(long).concat()).expect("whole frames");
        assert_eq!(old.join(&new, 5, true), None);
        assert_eq!((old.frames(), old.bytes()), (5, run(&before).bytes()));
    }

    #[test]
    fn what_is_no_frame_is_no_run() {
        assert!(Run::of(frame(0, 0)[..100].to_vec()).is_none());
        assert!(Run::of(Vec::new()).is_some_and(|run| run.frames() == 0));
    }
}
