//! A mail server and the connections that are kept open to it.
//!
//! lettre's own pool takes back a connection whose sending was given up half-way; the next mail on it would read the answers
//! to the last one, and could pass for accepted. Here a connection comes back only after a whole exchange.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lettre::{Message, transport::smtp::client::AsyncSmtpConnection};
use tokio::time::timeout;

use super::{
    SendError,
    reply::{Refusal, told},
    server::MailServer,
};

/// Connections that wait for a mail: as many as mails are sent at a time.
const IDLE_MAX: usize = 8;
/// How long a connection waits for the next mail. Servers end it after five minutes or more (RFC 5321 §4.5.3.2.7), many sooner.
const IDLE_FOR: Duration = Duration::from_mins(1);
/// Longest wait until a server is ready to take a mail: connection, TLS, greeting and login.
pub(super) const OPEN_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a sign of life on a connection that was idle; then another one is opened.
const ALIVE_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Smtp {
    server: MailServer,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

impl Smtp {
    pub(super) fn new(server: MailServer) -> Self {
        Self { server, idle: Mutex::default() }
    }

    pub(super) async fn send(&self, letter: &Message) -> Result<(), SendError> {
        let mut connection = self.connection().await?;
        match connection.send(letter.envelope(), &letter.formatted()).await {
            Ok(_) => {
                self.keep(connection);
                Ok(())
            }
            // The connection is closed: what the server made of the mail so far is over.
            Err(cause) => Err(match Refusal::of(&cause) {
                Some(refusal) => SendError::Refused(refusal),
                // The client's own errors come before anything is sent; the addresses cause the only one about a mail.
                None if cause.is_client() && !is_ascii(letter) => SendError::NotAscii,
                None => SendError::Broken(told(&cause)),
            }),
        }
    }

    pub(super) async fn ping(&self) -> Result<(), SendError> {
        let connection = self.connection().await?;
        self.keep(connection);
        Ok(())
    }

    /// One that was used before and still answers, else a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        while let Some(mut connection) = self.take() {
            if timeout(ALIVE_MAX, connection.test_connected()).await == Ok(true) {
                return Ok(connection);
            }
        }
        timeout(OPEN_MAX, self.server.connect()).await.map_err(|_| SendError::Late(OPEN_MAX))?
    }

    fn take(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle();
        idle.retain(|kept| kept.since.elapsed() < IDLE_FOR);
        idle.pop().map(|kept| kept.connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(Idle { connection, since: Instant::now() });
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        // No code panics while it holds the list, so what a poisoned lock guards is whole.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smtp").field("server", &self.server).field("idle", &self.idle().len()).finish()
    }
}

fn is_ascii(letter: &Message) -> bool {
    letter.envelope().to().iter().all(|address| AsRef::<str>::as_ref(address).is_ascii())
}
