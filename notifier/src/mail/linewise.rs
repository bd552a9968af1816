//! A plain connection on which TLS may begin.
//!
//! lettre reads ahead and keeps what it read when TLS begins. Somebody in the middle could append replies to the one to
//! `STARTTLS`: they would pass for encrypted ones, each command would be answered by the reply before its own, and a refused
//! mail would count as accepted. Read by lines, whatever follows that reply is left to TLS, which refuses it (RFC 3207 §4.2:
//! nothing that was said before TLS counts after it).

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, ToSocketAddrs},
};

/// Longest piece that is read at once; longer lines and TLS records take several.
const PIECE_BYTES_MAX: usize = 4096;

/// Each reading ends at the end of a line or before it. TLS reads through it too; where it is cut does not matter there.
#[derive(Debug)]
pub(super) struct Linewise(TcpStream);

impl Linewise {
    pub(super) async fn connect(address: impl ToSocketAddrs) -> io::Result<Self> {
        TcpStream::connect(address).await.map(Self)
    }
}

impl AsyncTokioStream for Linewise {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.peer_addr()
    }
}

impl AsyncRead for Linewise {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; PIECE_BYTES_MAX];
        let mut ahead = ReadBuf::new(&mut bytes[..buffer.remaining().min(PIECE_BYTES_MAX)]);
        ready!(self.0.poll_peek(cx, &mut ahead))?;
        let ahead = ahead.filled();
        let piece = ahead.iter().position(|byte| *byte == b'\n').map_or(ahead.len(), |end| end + 1);
        let mut piece = ReadBuf::new(&mut bytes[..piece]);
        ready!(Pin::new(&mut self.0).poll_read(cx, &mut piece))?;
        buffer.put_slice(piece.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Linewise {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn nothing_behind_a_line_is_read_with_it() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let mut connection = Linewise::connect(listener.local_addr().expect("an address")).await.expect("it listens");
        let (mut server, _) = listener.accept().await.expect("a connection");
        server.write_all(b"220 go\r\n250-ahead\r\n\n25").await.expect("it reads");
        drop(server);

        let mut pieces = Vec::new();
        let mut bytes = [0; 100];
        loop {
            let read = connection.read(&mut bytes).await.expect("it reads");
            pieces.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
            if read == 0 {
                break;
            }
        }
        assert_eq!(pieces, ["220 go\r\n", "250-ahead\r\n", "\n", "25", ""]);
    }
}
