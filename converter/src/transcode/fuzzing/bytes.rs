//! Those who look at containers: what they find must not depend on how the bytes arrive.

use std::{
    fs::File,
    io::{self, Read, Seek as _, SeekFrom, Write as _},
};

use rustix::fs::{MemfdFlags, memfd_create};

use crate::{
    sniff::{Container, HEAD_BYTES_MAX, Sniffed, sniff},
    transcode::{
        mp4::{Movie, Overlay, Shared, StreamFilter},
        structure::Structure,
    },
};

/// Prefixes up to here are all sniffed, longer ones now and then.
const PREFIXES: usize = 512;
/// A prime, so that prefixes end anywhere.
const PREFIX_STEP: usize = 61;

/// The sniffer answers a full head, and never takes an answer back.
pub fn sniffer(head: &[u8]) {
    let mut answer = Sniffed::NeedMore;
    for bytes in (0..head.len().min(PREFIXES)).chain((PREFIXES..head.len()).step_by(PREFIX_STEP)).chain([head.len()]) {
        let prefix = &head[..bytes];
        let next = sniff(prefix, false);
        assert!(answer == Sniffed::NeedMore || answer == next, "{answer:?} became {next:?} at {bytes} bytes");
        let last = sniff(prefix, true);
        assert!(last != Sniffed::NeedMore && (next == Sniffed::NeedMore || next == last), "{next:?}, but {last:?}");
        answer = next;
    }
    if !head.is_empty() {
        let full = head.repeat(HEAD_BYTES_MAX.div_ceil(head.len()));
        assert_ne!(sniff(&full, false), Sniffed::NeedMore);
        assert_eq!(sniff(&full, false), sniff(&full, true));
    }
}

/// The filter of a stream and that of a file pass the same bytes on, as many as came, and hide tracks in no other way
/// than by their name.
pub fn mp4_filter(bytes: &[u8]) {
    let whole = streamed(bytes, usize::MAX);
    for piece_bytes in [1, 7, 4096] {
        assert_eq!(streamed(bytes, piece_bytes), whole, "in pieces of {piece_bytes}");
    }
    let overlaid = overlaid(bytes);
    match (&whole, &overlaid) {
        (Some((out, _)), Some(_)) => {
            assert_eq!(whole, overlaid);
            only_hidden(bytes, out);
        }
        // An index that declares too much is refused as soon as a stream declares it, and a file's when it is there.
        (None, Some((out, _))) => only_hidden(bytes, out),
        (_, None) => assert_eq!(whole, None),
    }
}

/// What the stream's filter passes on and learns; `None` where it refuses.
fn streamed(bytes: &[u8], piece_bytes: usize) -> Option<(Vec<u8>, Movie)> {
    let shared = Shared::default();
    let mut filter = StreamFilter::new(Pieces { rest: bytes, piece_bytes }, shared.clone());
    let (mut out, mut piece) = (Vec::new(), vec![0; piece_bytes.min(bytes.len() + 1)]);
    loop {
        match filter.read(&mut piece).ok()? {
            0 => return Some((out, shared.movie())),
            read => out.extend_from_slice(&piece[..read]),
        }
    }
}

/// Reads that give a few bytes at a time.
struct Pieces<'a> {
    rest: &'a [u8],
    piece_bytes: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = out.len().min(self.piece_bytes);
        self.rest.read(&mut out[..wanted])
    }
}

/// The same of the file's filter, which must read alike from anywhere.
fn overlaid(bytes: &[u8]) -> Option<(Vec<u8>, Movie)> {
    let (mut overlay, movie) = Overlay::open(file(bytes), &Shared::default()).ok()?;
    let mut out = Vec::new();
    overlay.read_to_end(&mut out).expect("a file in memory is read");
    for start in [out.len() / 2, out.len() / 3, out.len() + 5] {
        overlay.seek(SeekFrom::Start(start as u64)).expect("any place can be sought");
        let mut rest = Vec::new();
        overlay.read_to_end(&mut rest).expect("a file in memory is read");
        assert_eq!(rest, out.get(start..).unwrap_or_default(), "from {start} on");
    }
    Some((out, movie))
}

/// A file in memory.
fn file(bytes: &[u8]) -> File {
    let mut file = File::from(memfd_create("video", MemfdFlags::CLOEXEC).expect("memory for a file"));
    file.write_all(bytes).expect("a written file");
    file
}

fn only_hidden(bytes: &[u8], out: &[u8]) {
    assert_eq!(bytes.len(), out.len());
    let mut at = 0;
    while at < out.len() {
        if bytes[at] == out[at] {
            at += 1;
            continue;
        }
        // The first letter of all of these differs from that of `free`.
        let (was, is) = (bytes.get(at..at + 4), out.get(at..at + 4));
        assert!(matches!(was, Some(b"trak" | b"trex" | b"traf")) && is == Some(b"free"), "{was:?} became {is:?}");
        at += 4;
    }
}

/// A structure is the same, in whatever pieces the bytes arrive.
pub fn structure(bytes: &[u8]) {
    let file = file(bytes);
    let found = |structure: &Structure| (structure.judge(), structure.is_broken(), structure.told(0));
    for container in [Container::Mp4, Container::Matroska, Container::Avi, Container::Aiff, Container::Ogg] {
        let of_file = Structure::of_file(container, &file).expect("a file in memory is read");
        for piece_bytes in [1, 7, 319, 4096] {
            let mut streamed = Structure::of(container);
            bytes.chunks(piece_bytes).for_each(|piece| streamed.feed(piece));
            streamed.end();
            assert_eq!(found(&streamed), found(&of_file), "{container:?} in pieces of {piece_bytes}");
        }
    }
}
