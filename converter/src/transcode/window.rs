//! Headers of a file, read many at a time.

use std::{fs::File, io, os::unix::fs::FileExt as _};

/// Read at a time while headers follow each other closely: thousands of the smallest ones.
const DENSE_BYTES: usize = 64 * 1024;
/// Read behind a jump: a header, and little in vain where the next jump is as far.
const SPARSE_BYTES: usize = 4096;

/// A piece of a file, which moves on with whoever looks for headers in it.
#[derive(Debug)]
pub(super) struct Window<'a> {
    file: &'a File,
    /// Where the piece begins.
    start: u64,
    piece: Vec<u8>,
}

impl<'a> Window<'a> {
    pub(super) fn new(file: &'a File) -> Self {
        Self { file, start: 0, piece: Vec::new() }
    }

    /// The bytes from `at` on: `wanted` (at most [`SPARSE_BYTES`]), and fewer only at the end of the file.
    pub(super) fn bytes(&mut self, at: u64, wanted: usize) -> io::Result<&[u8]> {
        let end = self.start + self.piece.len() as u64;
        if at < self.start || at.saturating_add(wanted as u64) > end {
            let is_dense = (self.start..=end).contains(&at);
            self.fill(at, if is_dense { DENSE_BYTES } else { SPARSE_BYTES })?;
        }
        let within = usize::try_from(at - self.start).unwrap_or(usize::MAX).min(self.piece.len());
        let rest = &self.piece[within..];
        Ok(&rest[..wanted.min(rest.len())])
    }

    fn fill(&mut self, at: u64, bytes: usize) -> io::Result<()> {
        self.start = at;
        self.piece.resize(bytes, 0);
        let mut filled = 0;
        while filled < bytes {
            match self.file.read_at(&mut self.piece[filled..], at.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => {
                    self.piece.clear();
                    return Err(cause);
                }
            }
        }
        self.piece.truncate(filled);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn every_place_is_read_as_it_is_in_any_order() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| u8::try_from(n % 251).expect("below 251")).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("written");
        let mut window = Window::new(&file);
        for at in [0, 8, 16, 4_090, 70_000, 70_008, 69_999, 140_000, 299_990, 299_999, 300_000, 400_000, 3] {
            let wanted = bytes.get(at..(at + 16).min(bytes.len()).max(at)).unwrap_or_default();
            assert_eq!(window.bytes(at as u64, 16).expect("read"), wanted, "{at}");
        }
        assert!(window.bytes(u64::MAX, 16).map_or(true, <[u8]>::is_empty));
    }

    #[test]
    fn headers_in_a_row_share_their_reading() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&vec![0; 1_000_000]).expect("written");
        let mut window = Window::new(&file);
        let (mut starts, mut reads) = (u64::MAX, 0);
        for at in (0..1_000_000).step_by(8) {
            window.bytes(at, 16).expect("read");
            reads += u32::from(window.start != starts);
            starts = window.start;
        }
        assert!(reads < 20, "{reads} reads");
    }
}
