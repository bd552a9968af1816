//! Standard input: which container it is, and whether it can be read once or must be sought in.

use std::{
    fs::File,
    io::{self, Read as _},
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd},
        unix::fs::FileExt as _,
    },
};

use super::{
    convert::internal,
    input::{Media, Upload},
    structure::Structure,
};
use crate::{
    control::{Refusal, RefusalKind},
    sniff::{self, Container, HEAD_BYTES_MAX, Sniffed},
};

/// An empty file without a name, for a pipe whose container must be sought in.
#[derive(Debug)]
pub(super) struct Spool {
    writer: File,
    /// Cannot write: ffmpeg inherits it.
    reader: File,
}

impl Spool {
    /// To be called outside the cage, which has no names.
    pub(super) fn create() -> io::Result<Self> {
        let writer = tempfile::tempfile()?;
        let reader = File::open(format!("/proc/self/fd/{}", writer.as_raw_fd()))?;
        Ok(Self { writer, reader })
    }

    /// Copies a pipe into the file, which nobody can change any more by what is answered.
    fn fill(mut self, head: &[u8], mut rest: File) -> io::Result<File> {
        io::copy(&mut head.chain(&mut rest), &mut self.writer)?;
        Ok(self.reader)
    }
}

impl AsFd for Spool {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Takes standard input and sniffs it; what must be sought in goes through `spool`.
pub(super) fn open(spool: Option<Spool>) -> Result<(Media, Container), Refusal> {
    let unreadable = |cause: io::Error| internal("standard input could not be read", &cause);
    let mut stdin = File::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3).map_err(|e| unreadable(e.into()))?);
    if stdin.metadata().map_err(unreadable)?.is_file() {
        let mut head = vec![0; HEAD_BYTES_MAX];
        let read = stdin.read_at(&mut head, 0).map_err(unreadable)?;
        let (Sniffed::Stream(container) | Sniffed::Spool(container)) = judge(sniff::sniff(&head[..read], true))? else {
            return Err(Refusal::new(RefusalKind::Internal, "the sniffer gave no answer"));
        };
        return Ok((Media::File(stdin), container));
    }
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stdin.read(&mut piece).map_err(unreadable)?;
        head.extend_from_slice(&piece[..read]);
        match judge(sniff::sniff(&head, read == 0))? {
            Sniffed::Stream(container) => {
                return Ok((Media::Stream(Upload::new(stdin, head, Structure::of(container))), container));
            }
            Sniffed::Spool(container) => {
                let Some(spool) = spool else {
                    return Err(Refusal::new(RefusalKind::Internal, "this container must be spooled before"));
                };
                return Ok((Media::File(spool.fill(&head, stdin).map_err(unreadable)?), container));
            }
            _ => {}
        }
    }
}

/// Turns what cannot be converted into the refusal.
fn judge(sniffed: Sniffed) -> Result<Sniffed, Refusal> {
    sniffed.refusal().map_or(Ok(sniffed), Err)
}
