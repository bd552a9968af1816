//! The video: a stream that is read once, or a file.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use symphonia::core::io::MediaSource;

use super::structure::Structure;
use crate::control::Refusal;

/// Bytes that are kept while it is not decided who decodes: the largest mp4 index, and 16 MiB for what a demuxer
/// looks at before it knows.
const REPLAY_BYTES_MAX: usize = (64 + 16) * 1024 * 1024;
/// Read at a time while the rest is only counted.
const DRAIN_BYTES: usize = 64 * 1024;

/// The video.
#[derive(Debug)]
pub(super) enum Media {
    Stream(Upload),
    File(File),
}

impl Media {
    /// The first bytes, at most `bytes_max` and as far as they were read. Of a stream they are there until it is
    /// settled who reads it.
    pub(super) fn head(&self, bytes_max: usize) -> Vec<u8> {
        match self {
            Self::Stream(upload) => {
                let arrival = upload.lock();
                arrival.replay[..arrival.replay.len().min(bytes_max)].to_vec()
            }
            Self::File(file) => {
                let mut head = vec![0; bytes_max];
                let read = file.read_at(&mut head, 0).unwrap_or(0);
                head.truncate(read);
                head
            }
        }
    }
}

/// A video that arrives; clones read the same stream.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    arrival: Arc<Mutex<Arrival>>,
    /// Beside the lock, which a reader holds for as long as it waits for bytes.
    is_ended: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Arrival {
    stream: File,
    /// All bytes that arrived.
    bytes: u64,
    is_ended: Arc<AtomicBool>,
    structure: Structure,
    /// What arrived so far, while a demuxer may still want to start over; and how far it is read.
    replay: Vec<u8>,
    replayed: usize,
    replays: Replays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replays {
    Kept,
    /// More arrived than is kept.
    Lost,
    /// Nobody will start over.
    Settled,
}

impl Upload {
    /// A stream of which `head` was read already.
    pub(super) fn new(stream: File, head: Vec<u8>, mut structure: Structure) -> Self {
        structure.feed(&head);
        let bytes = head.len() as u64;
        let is_ended = Arc::<AtomicBool>::default();
        let arrival = Arrival {
            stream,
            bytes,
            is_ended: Arc::clone(&is_ended),
            structure,
            replay: head,
            replayed: 0,
            replays: Replays::Kept,
        };
        Self { arrival: Arc::new(Mutex::new(arrival)), is_ended }
    }

    /// Lets the next reader start over; false where too much was read for that.
    pub(super) fn start_over(&self) -> bool {
        let mut arrival = self.lock();
        arrival.replayed = 0;
        arrival.replays == Replays::Kept
    }

    /// Nobody will start over: what was read is not kept any longer.
    pub(super) fn settle(&self) {
        let mut arrival = self.lock();
        if arrival.replays == Replays::Kept {
            arrival.replays = Replays::Settled;
        }
    }

    /// Whether the last byte arrived.
    pub(super) fn is_ended(&self) -> bool {
        self.is_ended.load(Ordering::Acquire)
    }

    /// Reads to the end and answers the number of all bytes.
    pub(super) fn drain(&self) -> io::Result<u64> {
        self.settle();
        let mut piece = vec![0; DRAIN_BYTES];
        let mut arrival = self.lock();
        while arrival.read(&mut piece)? > 0 {}
        Ok(arrival.bytes)
    }

    /// What the container's structure says, once all bytes were read.
    pub(super) fn structure(&self) -> Structure {
        let mut arrival = self.lock();
        arrival.structure.end();
        arrival.structure.clone()
    }

    /// Refuses a structure that is too much to look at, as far as it came.
    pub(super) fn check_limits(&self) -> Result<(), Refusal> {
        self.lock().structure.check_limits()
    }

    fn lock(&self) -> MutexGuard<'_, Arrival> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.replayed < self.replay.len() {
            let read = (&self.replay[self.replayed..]).read(out)?;
            self.replayed += read;
            return Ok(read);
        }
        if self.replays != Replays::Kept && !self.replay.is_empty() {
            self.replay = Vec::new();
            self.replayed = 0;
        }
        let read = loop {
            match self.stream.read(out) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        let piece = &out[..read];
        self.bytes += read as u64;
        if read == 0 && !out.is_empty() {
            self.is_ended.store(true, Ordering::Release);
        }
        self.structure.feed(piece);
        if self.replays == Replays::Kept {
            if self.replay.len() + read > REPLAY_BYTES_MAX {
                self.replays = Replays::Lost;
            } else {
                self.replay.extend_from_slice(piece);
                self.replayed = self.replay.len();
            }
        }
        Ok(read)
    }
}

impl Read for Upload {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.lock().read(out)
    }
}

/// A reader without a way back, for demuxers that could do with one and need none.
#[derive(Debug)]
pub(super) struct OneWay<R>(pub(super) R);

impl<R: Read> Read for OneWay<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }
}

impl<R> Seek for OneWay<R> {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl<R: Read + Send + Sync> MediaSource for OneWay<R> {
    fn is_seekable(&self) -> bool {
        false
    }

    fn byte_len(&self) -> Option<u64> {
        None
    }
}
