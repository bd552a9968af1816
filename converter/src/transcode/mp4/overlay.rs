//! The filter over a whole file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt as _,
};

use symphonia::core::io::MediaSource;

use super::{
    INDEX_BYTES_MAX, Shared, is_index,
    movie::Movie,
    walk::{Found, Unwalked, Walk},
};

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
    pub(crate) fn open(file: File, shared: &Shared) -> Result<(Self, Movie), Unwalked> {
        let mut movie = Movie { wanted: shared.movie().wanted, ..Movie::default() };
        let (mut indexes, mut kept) = (Vec::new(), 0);
        let bytes = file.metadata()?.len();
        let mut walk = Walk::of(&file)?;
        while let Some(Found { header, start, end }) = walk.next()? {
            if !is_index(header.kind) || end > bytes {
                continue;
            }
            kept += end - start;
            if end - start > INDEX_BYTES_MAX || kept > INDEXES_BYTES_MAX || indexes.len() == INDEXES_MAX {
                // Whoever reads on without this filter shall not find more than it walks.
                while walk.next()?.is_some() {}
                return Err(Unwalked::IndexTooLarge);
            }
            let mut index = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
            file.read_exact_at(&mut index, start)?;
            movie.take(header.kind, &mut index, end);
            indexes.push((start, index));
        }
        Ok((Self { file, bytes, position: 0, indexes }, movie))
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
