//! The filter over a whole file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt as _,
};

use symphonia::core::io::MediaSource;

use super::{INDEX_BYTES_MAX, Shared, boxes::BoxHeader, is_index, movie::Movie};

/// Index boxes that are kept; a file in more fragments than that is read through by the stream's filter.
const INDEXES_MAX: usize = 16 * 1024;
/// Bytes that all of them may have.
const INDEXES_BYTES_MAX: u64 = 2 * INDEX_BYTES_MAX;

/// An mp4 file with all tracks hidden but one.
#[derive(Debug)]
pub(crate) struct Overlay {
    file: File,
    bytes: u64,
    position: u64,
    /// Rewritten boxes by where they begin, in order.
    indexes: Vec<(u64, Vec<u8>)>,
}

impl Overlay {
    /// Reads the index boxes of `file`; `shared` says which track is wanted.
    pub(crate) fn open(file: File, shared: &Shared) -> io::Result<(Self, Movie)> {
        let bytes = file.metadata()?.len();
        let mut overlay = Self { file, bytes, position: 0, indexes: Vec::new() };
        let mut movie = Movie { wanted: shared.movie().wanted, ..Movie::default() };
        let (mut at, mut kept) = (0, 0);
        while let Some(header) = overlay.header_at(at)? {
            let end = header.bytes.map_or(bytes, |size| at.saturating_add(size));
            if is_index(header.kind) && end <= bytes {
                kept += end - at;
                if end - at > INDEX_BYTES_MAX || kept > INDEXES_BYTES_MAX || overlay.indexes.len() == INDEXES_MAX {
                    return Err(io::Error::other("the index of the mp4 is too large"));
                }
                let mut index = vec![0; usize::try_from(end - at).map_err(io::Error::other)?];
                overlay.file.read_exact_at(&mut index, at)?;
                movie.take(header.kind, &mut index, end);
                overlay.indexes.push((at, index));
            }
            at = end;
        }
        Ok((overlay, movie))
    }

    fn header_at(&self, at: u64) -> io::Result<Option<BoxHeader>> {
        if at.saturating_add(8) > self.bytes {
            return Ok(None);
        }
        let mut header = [0; BoxHeader::BYTES_MAX];
        let wanted = usize::try_from(self.bytes - at).unwrap_or(usize::MAX).min(header.len());
        self.file.read_exact_at(&mut header[..wanted], at)?;
        Ok(BoxHeader::parse(&header[..wanted]))
    }
}

impl Read for Overlay {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let next = self.indexes.partition_point(|(start, _)| *start <= self.position);
        if let Some((start, index)) = next.checked_sub(1).and_then(|before| self.indexes.get(before)) {
            let within = usize::try_from(self.position - start).unwrap_or(usize::MAX);
            if let Some(mut rest) = index.get(within..).filter(|rest| !rest.is_empty()) {
                let read = rest.read(out)?;
                self.position += read as u64;
                return Ok(read);
            }
        }
        let until = self.indexes.get(next).map_or(self.bytes, |(start, _)| *start).saturating_sub(self.position);
        let wanted = usize::try_from(until).unwrap_or(usize::MAX).min(out.len());
        let read = self.file.read_at(&mut out[..wanted], self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Overlay {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for Overlay {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.bytes)
    }
}
