//! A mail server that behaves as real ones rarely do.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What the server never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Never {
    /// It greets nobody.
    Greets,
    /// The first mail gets no answer at its end; all later ones do.
    AnswersFirstMail,
    /// It offers no extension, so no SMTPUTF8 either.
    Extends,
}

/// What one connection brought: its commands, and whether the client ended it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) commands: Vec<String>,
    pub(crate) is_over: bool,
}

#[derive(Debug)]
pub(crate) struct Scripted {
    address: SocketAddr,
    connections: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

impl Scripted {
    pub(crate) async fn start(never: Never) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.push(Seen::default());
                    seen.len() - 1
                };
                tokio::spawn(Connection { number, never, seen: Arc::clone(&seen) }.serve(stream));
            }
        });
        Self { address, connections, accepting }
    }

    pub(crate) fn flag(&self) -> String {
        format!("--mail-url=smtp://{}", self.address)
    }

    /// Each connection so far, in order.
    pub(crate) fn connections(&self) -> Vec<Seen> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Connection {
    number: usize,
    never: Never,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        if self.never != Never::Greets {
            write.write_all(b"220 scripted\r\n").await.expect("a greeting");
        }
        let mut is_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            if is_data && line != "." {
                continue;
            }
            let word = line.split(' ').next().unwrap_or_default().to_owned();
            self.see(|seen| seen.commands.push(word.clone()));
            is_data = word == "DATA";
            let answer = match word.as_str() {
                "EHLO" if self.never == Never::Extends => "250 scripted\r\n",
                "EHLO" => "250-scripted\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
                "DATA" => "354 go on\r\n",
                "." if self.never == Never::AnswersFirstMail && self.number == 0 => continue,
                _ => "250 ok\r\n",
            };
            if write.write_all(answer.as_bytes()).await.is_err() {
                break;
            }
        }
        self.see(|seen| seen.is_over = true);
    }

    fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner)[self.number]);
    }
}
