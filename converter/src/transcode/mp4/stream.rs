//! The filter over bytes as they arrive.

use std::{
    io::{self, BufReader, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{BOXES_MAX, INDEX_BYTES_MAX, Unwalked, boxes::BoxHeader, is_index, movie::Movie};

/// The first size of an index that is too large.
const INDEX_BYTES_OVER: u64 = INDEX_BYTES_MAX + 1;
/// Read at a time while boxes are tiny; what is longer passes by.
const BUFFER_BYTES: usize = 8 * 1024;

/// What the filter has learnt, for those who do not read through it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Movie>>);

impl Shared {
    /// Of a movie of which an audio track shall be chosen, counted from 1.
    pub(crate) fn wanting(track: Option<u16>) -> Self {
        let shared = Self::default();
        shared.lock().wanted = track;
        shared
    }

    pub(crate) fn movie(&self) -> Movie {
        self.lock().clone()
    }

    pub(crate) fn set(&self, movie: Movie) {
        *self.lock() = movie;
    }

    fn lock(&self) -> MutexGuard<'_, Movie> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes an mp4 on with all tracks hidden but one.
#[derive(Debug)]
pub(crate) struct StreamFilter<R> {
    source: BufReader<R>,
    shared: Shared,
    boxes: u32,
    /// Bytes of the source that were read.
    position: u64,
    /// A header or index that is being passed on, and how far it is.
    ready: Vec<u8>,
    passed: usize,
    /// Bytes of the current box that are passed on untouched.
    through: u64,
    /// From here on nothing is filtered: the last box, or nonsense that the demuxer may judge.
    is_blind: bool,
}

impl<R: Read> StreamFilter<R> {
    pub(crate) fn new(source: R, shared: Shared) -> Self {
        Self {
            source: BufReader::with_capacity(BUFFER_BYTES, source),
            shared,
            boxes: 0,
            position: 0,
            ready: Vec::new(),
            passed: 0,
            through: 0,
            is_blind: false,
        }
    }

    /// Reads at most `bytes` more into `ready`, fewer only at the end.
    fn fetch(&mut self, bytes: u64) -> io::Result<()> {
        self.position += (&mut self.source).take(bytes).read_to_end(&mut self.ready)? as u64;
        Ok(())
    }

    /// Reads the next box header, and the whole box where it is an index.
    fn next_box(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.passed = 0;
        self.fetch(8)?;
        if self.ready.starts_with(&[0, 0, 0, 1]) {
            self.fetch(8)?;
        }
        let Some(header) = BoxHeader::parse(&self.ready) else {
            self.is_blind = true;
            return Ok(());
        };
        if self.boxes == BOXES_MAX {
            return Err(io::Error::other(Unwalked::TooManyBoxes));
        }
        self.boxes += 1;
        match header.bytes {
            Some(bytes) if !is_index(header.kind) => self.through = bytes - header.header_bytes,
            None if !is_index(header.kind) => self.is_blind = true,
            Some(INDEX_BYTES_OVER..) => return Err(too_large()),
            declared => {
                self.fetch(declared.unwrap_or(INDEX_BYTES_OVER) - header.header_bytes)?;
                if self.ready.len() as u64 >= INDEX_BYTES_OVER {
                    return Err(too_large());
                }
                // One that is cut is the demuxer's to judge.
                if declared.is_none_or(|bytes| bytes == self.ready.len() as u64) {
                    self.shared.lock().take(header.kind, &mut self.ready, self.position);
                }
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for StreamFilter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.ready.len() && self.through == 0 && !self.is_blind {
            self.next_box()?;
        }
        if self.passed < self.ready.len() {
            let read = (&self.ready[self.passed..]).read(out)?;
            self.passed += read;
            if self.passed == self.ready.len() {
                // An index may have been large.
                self.ready = Vec::new();
                self.passed = 0;
            }
            return Ok(read);
        }
        if self.is_blind {
            return self.source.read(out);
        }
        let wanted = usize::try_from(self.through).unwrap_or(usize::MAX).min(out.len());
        let read = self.source.read(&mut out[..wanted])?;
        self.position += read as u64;
        self.through -= read as u64;
        Ok(read)
    }
}

fn too_large() -> io::Error {
    io::Error::other(Unwalked::IndexTooLarge)
}
