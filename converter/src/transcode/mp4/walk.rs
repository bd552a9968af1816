//! The boxes at the top level of a file, one after the other.

use std::{fs::File, io};

use super::boxes::BoxHeader;
use crate::{
    control::{Refusal, RefusalKind},
    transcode::window::Window,
};

/// Most boxes at the top level of a file. Ten hours in fragments of a tenth of a second have 720,000; a hostile file of
/// as many as are allowed costs a fraction of a second.
pub(crate) const BOXES_MAX: u32 = 1 << 20;

/// Walks from header to header.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    window: Window<'a>,
    /// Of the file.
    bytes: u64,
    /// Where the next header begins.
    next: u64,
    boxes: u32,
}

/// A box of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) header: BoxHeader,
    pub(super) start: u64,
    /// First byte behind it, which may lie behind the end of the file.
    pub(super) end: u64,
}

impl<'a> Walk<'a> {
    pub(super) fn of(file: &'a File) -> io::Result<Self> {
        Ok(Self { window: Window::new(file), bytes: file.metadata()?.len(), next: 0, boxes: 0 })
    }

    /// The next box; `None` behind the last one, and at the first that is nonsense.
    pub(super) fn next(&mut self) -> Result<Option<Found>, Unwalked> {
        let start = self.next;
        if start.saturating_add(8) > self.bytes {
            return Ok(None);
        }
        let Some(header) = BoxHeader::parse(self.window.bytes(start, BoxHeader::BYTES_MAX)?) else { return Ok(None) };
        if self.boxes == BOXES_MAX {
            return Err(Unwalked::TooManyBoxes);
        }
        self.boxes += 1;
        self.next = header.bytes.map_or(self.bytes, |bytes| start.saturating_add(bytes));
        Ok(Some(Found { header, start, end: self.next }))
    }
}

/// Why the boxes of a file were not walked to their end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwalked {
    #[error("the index of the mp4 is too large")]
    IndexTooLarge,
    #[error("the mp4 has more than {BOXES_MAX} boxes")]
    TooManyBoxes,
    #[error("the mp4 could not be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// The refusal of an mp4 with more than [`BOXES_MAX`] boxes.
pub(crate) fn too_many_boxes() -> Refusal {
    Refusal::new(RefusalKind::Limits, Unwalked::TooManyBoxes.to_string())
}
