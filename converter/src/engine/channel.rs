//! The service's end of the control channel.

use std::{io, os::unix::net::UnixStream as StdUnixStream, sync::Arc};

use tokio::net::UnixStream;

use crate::control::{FromEngine, LINE_BYTES_MAX, ToEngine};

/// Read at a time.
const READ_BYTES: usize = 4096;

/// Makes both halves of a non-blocking socket. It stays open until both are dropped: the engine takes a hang-up
/// before its verdict for the death of the service.
pub(super) fn open(socket: StdUnixStream) -> io::Result<(EndMark, Events)> {
    let socket = Arc::new(UnixStream::from_std(socket)?);
    Ok((EndMark(Arc::clone(&socket)), Events { socket, pending: Vec::new(), searched: 0 }))
}

/// The way to say that the upload is complete. Dropped without [`EndMark::write`], it never was.
#[derive(Debug)]
pub struct EndMark(Arc<UnixStream>);

impl EndMark {
    /// Says that the upload is complete and had `bytes`.
    pub async fn write(self, bytes: u64) -> io::Result<()> {
        let mut line = serde_json::to_vec(&ToEngine::End { bytes })?;
        line.push(b'\n');
        let mut rest = &line[..];
        while !rest.is_empty() {
            self.0.writable().await?;
            match self.0.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(())
    }
}

/// What the engine says.
#[derive(Debug)]
pub struct Events {
    socket: Arc<UnixStream>,
    pending: Vec<u8>,
    /// Bytes of `pending` that are known to hold no line end.
    searched: usize,
}

impl Events {
    /// The next event; `None` once the engine hung up. Cancelled, it loses nothing.
    ///
    /// The engine runs hostile input, so a line that is too long or makes no sense is an error.
    pub async fn next(&mut self) -> io::Result<Option<FromEngine>> {
        loop {
            if let Some(found) = self.pending[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line_bytes = self.searched + found + 1;
                let event = serde_json::from_slice(&self.pending[..line_bytes])?;
                self.pending.drain(..line_bytes);
                self.searched = 0;
                return Ok(Some(event));
            }
            self.searched = self.pending.len();
            if self.searched >= LINE_BYTES_MAX {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of the engine is too long"));
            }
            let mut piece = [0; READ_BYTES];
            self.socket.readable().await?;
            match self.socket.try_read(&mut piece) {
                Ok(0) => return Ok(None),
                // What a killed process had not read of its socket resets the connection.
                Err(cause) if cause.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Ok(n) => self.pending.extend_from_slice(&piece[..n]),
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}
