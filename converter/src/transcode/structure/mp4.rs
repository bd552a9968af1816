//! Every top-level box of an mp4 must be whole. What its tables say is checked where they are read.

use super::truncated;
use crate::{
    control::{Completeness, Refusal},
    transcode::mp4::{BOXES_MAX, BoxHeader, too_many_boxes},
};

#[derive(Debug, Clone, Default)]
pub(super) struct Walker {
    /// Where the last box that was seen ends.
    end: u64,
    boxes: u32,
    has_too_many_boxes: bool,
    has_fragments: bool,
    /// A random access index, the last box of a whole fragmented file.
    has_final_index: bool,
}

impl Walker {
    pub(super) fn step(&mut self, at: u64, window: &[u8]) -> Option<u64> {
        let Some(header) = BoxHeader::parse(window) else {
            // Zeros behind the last box are padding; a header that is cut or nonsense is declared and did not come.
            if window.iter().any(|&byte| byte != 0) {
                self.end = at + BoxHeader::BYTES_MAX as u64;
            }
            return None;
        };
        if header.kind == [0; 4] {
            return None;
        }
        if self.boxes == BOXES_MAX {
            self.has_too_many_boxes = true;
            return None;
        }
        self.boxes += 1;
        self.has_fragments |= &header.kind == b"moof";
        self.has_final_index |= &header.kind == b"mfra";
        self.end = at.saturating_add(header.bytes?);
        Some(self.end)
    }

    /// Refuses what is too much to look at, as soon as that is seen.
    pub(super) fn check_limits(&self) -> Result<(), Refusal> {
        if self.has_too_many_boxes { Err(too_many_boxes()) } else { Ok(()) }
    }

    pub(super) fn judge(&self, bytes: u64) -> Result<Completeness, Refusal> {
        self.check_limits()?;
        if self.end > bytes {
            return Err(truncated(self.end, bytes));
        }
        let is_known = !self.has_fragments || self.has_final_index;
        Ok(if is_known { Completeness::Complete } else { Completeness::Unknown })
    }
}
