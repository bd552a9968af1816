//! A client that speaks HTTP by hand, so that it can stop, go on for ever, or leave.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use crate::stack::PATIENCE;

/// One connection.
pub(crate) struct Wire {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
}

/// An answer: its status line and headers, and its body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let (reader, writer) = TcpStream::connect(address).await.expect("it listens").into_split();
        Self { reader, writer }
    }

    /// Sends the head of an upload with these header lines.
    pub(crate) async fn upload(address: SocketAddr, headers: &[&str]) -> Self {
        let mut wire = Self::connect(address).await;
        let head = format!("POST /upload HTTP/1.1\r\nHost: {address}\r\n{}\r\n\r\n", headers.join("\r\n"));
        wire.send(head.as_bytes()).await;
        wire
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.expect("the connection is open");
    }

    pub(crate) async fn chunk(&mut self, bytes: &[u8]) {
        self.send(&framed(bytes)).await;
    }

    /// Sends chunks for as long as the other side takes them, while the answer is read.
    pub(crate) async fn answer_while_sending(mut self) -> Answer {
        let sending = tokio::spawn(async move {
            let chunk = framed(&[7; 8192]);
            while self.writer.write_all(&chunk).await.is_ok() {}
        });
        let answer = read(&mut self.reader).await;
        // It ends by itself: the connection of a refused upload is closed.
        timeout(PATIENCE, sending).await.expect("the connection is closed").expect("no panic");
        answer
    }

    /// Leaves, and comes back when the other side has noticed: it closes the connection then.
    pub(crate) async fn leave(mut self) {
        self.writer.shutdown().await.expect("the connection is open");
        let read = timeout(PATIENCE, self.reader.read_to_end(&mut vec![])).await.expect("closed in time");
        assert_eq!(read.expect("a clean end"), 0, "there was an answer");
    }

    /// Reads the answer; the connection stays open for as long as `self` lives.
    pub(crate) async fn answer(&mut self) -> Answer {
        read(&mut self.reader).await
    }
}

fn framed(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

async fn read(reader: &mut OwnedReadHalf) -> Answer {
    let mut bytes = vec![];
    loop {
        if let Some(answer) = parse(&bytes) {
            return answer;
        }
        let read = timeout(PATIENCE, reader.read_buf(&mut bytes)).await.expect("an answer in time");
        assert!(read.expect("the answer can be read") > 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
    }
}

fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(body.as_bytes());
    }
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let is_whole = body.len() >= length.unwrap_or(0);
    is_whole.then(|| Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}
