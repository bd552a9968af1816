//! Standard output: the mp3, and its length tag once that is known.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::FileExt as _,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rustix::fs::{OFlags, fcntl_getfl, tell};

use crate::control::Head;

/// Written at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// Where the mp3 goes.
#[derive(Debug)]
pub(super) struct Output {
    file: File,
    buffer: Vec<u8>,
    bytes: u64,
    /// Position of the mp3's first byte; absent where what was written cannot be changed any more.
    start: Option<u64>,
}

impl Output {
    /// Takes standard output.
    pub(super) fn open() -> io::Result<Self> {
        Self::to(File::from(rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?))
    }

    /// Writes to `file` from its position on.
    pub(super) fn to(file: File) -> io::Result<Self> {
        // A file opened for appending writes at its end wherever one asks it to.
        let is_patchable = file.metadata()?.is_file() && !fcntl_getfl(&file)?.contains(OFlags::APPEND);
        let start = if is_patchable { Some(tell(&file)?) } else { None };
        Ok(Self { file, buffer: Vec::with_capacity(BUFFER_BYTES), bytes: 0, start })
    }

    /// Bytes written so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.bytes += piece.len() as u64;
        self.buffer.extend_from_slice(piece);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes the rest, and `head` over what stands at `offset`. Where that cannot be done here, the head is returned
    /// for somebody who can.
    pub(super) fn finish(mut self, offset: u64, head: &[u8]) -> io::Result<Option<Head>> {
        self.flush()?;
        match self.start {
            Some(start) => self.file.write_all_at(head, start + offset).map(|()| None),
            None => Ok(Some(Head { offset, bytes: BASE64_STANDARD.encode(head) })),
        }
    }
}
