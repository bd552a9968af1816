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

/// Where to join: so many frames of the old run, and so many left out at the start of the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Joint {
    pub(super) old_frames: usize,
    pub(super) new_frames: usize,
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

    /// The bytes of the first `frames` frames.
    pub(super) fn first(&self, frames: usize) -> &[u8] {
        &self.mp3[..self.start(frames)]
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

    /// Joins `new` to this run, whose last `common` frames are the audio of the first ones of `new`; `None` where there
    /// is no place for that. What of the new frames' data stands before them is written into this run.
    pub(super) fn join(&mut self, new: &Self, common: usize) -> Option<Joint> {
        let joint = self.joint(new, common)?;
        let wanted = new.frames[joint.new_frames].reservoir;
        let mut bytes = Vec::with_capacity(wanted);
        for range in new.data_before(joint.new_frames, wanted)? {
            bytes.extend_from_slice(&new.mp3[range]);
        }
        let mut rest = &bytes[..];
        for range in self.data_before(joint.old_frames, wanted)? {
            let (head, tail) = rest.split_at_checked(range.len())?;
            self.mp3[range].copy_from_slice(head);
            rest = tail;
        }
        Some(joint)
    }

    /// Of all places where there is room the one that leaves the least of it unused, and of these the last.
    fn joint(&self, new: &Self, common: usize) -> Option<Joint> {
        let first = self.frames.len().checked_sub(common)?;
        let places = (SETTLE_FRAMES..common).filter_map(|new_frames| {
            let old_frames = first + new_frames;
            let room = self.frames[old_frames].reservoir.checked_sub(new.frames.get(new_frames)?.reservoir)?;
            Some((room, Joint { old_frames, new_frames }))
        });
        places.min_by_key(|&(room, joint)| (room, usize::MAX - joint.new_frames)).map(|(_, joint)| joint)
    }

    /// Where the last `bytes` bytes of data before a frame stand, in order; `None` where there are fewer.
    fn data_before(&self, frame: usize, mut bytes: usize) -> Option<Vec<Range<usize>>> {
        let mut ranges = Vec::new();
        for Frame { data, end, .. } in self.frames[..frame].iter().rev() {
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
        let old = run(&[(0, 1), (90, 1), (90, 1), (90, 1), (90, 1), (90, 1), (70, 1), (90, 1)]);
        // In common are the last seven, of which the first four are not taken.
        let new = run(&[(0, 2), (90, 2), (90, 2), (90, 2), (60, 2), (69, 2), (85, 2), (1, 2)]);
        assert_eq!(old.joint(&new, 7), Some(Joint { old_frames: 6, new_frames: 5 }));
        let full = run(&[(100, 2); 8]);
        assert_eq!(old.joint(&full, 7), None);
        assert_eq!(old.joint(&new, 9), None);
    }

    #[test]
    fn data_that_stand_before_the_new_frame_move_into_the_old_ones() {
        let mut old = run(&[(0, 1), (90, 1), (90, 1), (90, 1), (90, 1), (90, 1)]);
        let new = run(&[(0, 2), (0, 3), (0, 4), (0, 5), (90, 6), (511, 7)]);
        let joint = old.join(&new, 6).expect("a joint");
        assert_eq!(joint, Joint { old_frames: 4, new_frames: 4 });
        let written = old.first(4);
        // 90 bytes are all of the data of frame 3, and 7 of frame 2.
        assert!(written[3 * 104 + 21..].iter().all(|&byte| byte == 5));
        assert_eq!(written[3 * 104 - 8..3 * 104], [1, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(new.skip(4).first(1)[21], 6);
    }

    #[test]
    fn what_is_no_frame_is_no_run() {
        assert!(Run::of(frame(0, 0)[..100].to_vec()).is_none());
        assert!(Run::of(Vec::new()).is_some_and(|run| run.frames() == 0));
    }
}
