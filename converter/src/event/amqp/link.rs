//! A connection that is made again, for ever, whenever it ends.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{Channel, Connection, Event};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    super::Queue,
    address::Address,
    connect::{self, CONNECT_MAX, Socket},
    topology,
};

/// Wait before the first new connection. It doubles up to [`DELAY_MAX`].
const DELAY_FIRST: Duration = Duration::from_millis(100);
/// Longest wait: a server that is back gets its work within seconds. A connection that lasted so long starts afresh.
const DELAY_MAX: Duration = Duration::from_secs(2);
/// How often a connection is looked at: lapin tells of one that breaks, and not of one that the server closes.
const LOOK: Duration = Duration::from_secs(1);

/// A supervised connection. Its task ends with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Link {
    state: watch::Receiver<State>,
    _stop: Arc<DropGuard>,
}

#[derive(Debug, Clone)]
enum State {
    /// And why.
    Down(Arc<str>),
    Up(Session),
}

/// One connection, on which the topology is declared.
#[derive(Clone)]
pub(super) struct Session {
    connection: Arc<Connection>,
    /// Channels in confirm mode that nobody uses right now.
    idle: Arc<Mutex<Vec<Channel>>>,
    over: CancellationToken,
}

impl Link {
    /// Starts to connect. Needs a tokio runtime.
    pub(super) fn start(address: Address, queue: Queue, role: &'static str) -> Self {
        let (sender, state) = watch::channel(State::Down("not connected yet".into()));
        let stop = CancellationToken::new();
        tokio::spawn(run(address, queue, role, sender, stop.clone()));
        Self { state, _stop: Arc::new(stop.drop_guard()) }
    }

    /// The connection; waits for one.
    pub(super) async fn session(&self) -> Session {
        let mut state = self.state.clone();
        let live = |state: &State| matches!(state, State::Up(session) if !session.over.is_cancelled());
        if let Ok(up) = state.wait_for(live).await
            && let State::Up(session) = &*up
        {
            return session.clone();
        }
        // The task ends after the last link only.
        std::future::pending().await
    }

    /// The connection as it is now, or why there is none.
    pub(super) fn session_now(&self) -> anyhow::Result<Session> {
        match &*self.state.borrow() {
            State::Up(session) => Ok(session.clone()),
            State::Down(cause) => Err(anyhow::anyhow!("{cause}")),
        }
    }
}

impl Session {
    pub(super) async fn channel(&self) -> lapin::Result<Channel> {
        self.connection.create_channel().await
    }

    /// A channel that was put back.
    pub(super) fn idle_channel(&self) -> Option<Channel> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Keeps a channel on which nothing is under way.
    pub(super) fn put_back(&self, channel: Channel) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(channel);
    }

    /// Asks for a new connection: this one did not do what it should.
    pub(super) fn give_up(&self) {
        self.over.cancel();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("over", &self.over.is_cancelled()).finish_non_exhaustive()
    }
}

async fn run(address: Address, queue: Queue, role: &'static str, state: watch::Sender<State>, stop: CancellationToken) {
    let mut delay = DELAY_FIRST;
    // Each outage is told once, not each try.
    let mut told = false;
    while !stop.is_cancelled() {
        let opened = tokio::select! {
            opened = timeout(CONNECT_MAX, open(&address, queue, role)) => opened,
            () = stop.cancelled() => return,
        };
        let cause = match opened {
            Ok(Ok((session, socket))) => {
                tracing::info!(queue = queue.name(), role, "connected to the broker");
                told = false;
                let since = Instant::now();
                state.send_replace(State::Up(session.clone()));
                let cause = tokio::select! {
                    cause = broken(&session.connection) => cause,
                    () = session.over.cancelled() => "given up".to_owned(),
                    () = stop.cancelled() => "stopped".to_owned(),
                };
                if since.elapsed() >= DELAY_MAX {
                    delay = DELAY_FIRST;
                }
                session.give_up();
                state.send_replace(State::Down(cause.as_str().into()));
                connect::close(&session.connection, socket).await;
                cause
            }
            Ok(Err(cause)) => cause.to_string(),
            Err(_) => format!("no answer in {CONNECT_MAX:?}"),
        };
        if !std::mem::replace(&mut told, true) && !stop.is_cancelled() {
            tracing::warn!(queue = queue.name(), role, cause, "no connection to the broker");
        }
        state.send_replace(State::Down(cause.into()));
        tokio::select! {
            () = sleep(delay) => {}
            () = stop.cancelled() => {}
        }
        delay = (delay * 2).min(DELAY_MAX);
    }
}

async fn open(address: &Address, queue: Queue, role: &str) -> lapin::Result<(Session, Socket)> {
    let (connection, socket) = connect::connect(address, &format!("{} {role}", queue.name())).await?;
    topology::declare(&connection.create_channel().await?, queue).await?;
    let session = Session { connection: Arc::new(connection), idle: Arc::default(), over: CancellationToken::new() };
    Ok((session, socket))
}

/// Returns once the connection has ended, and why.
async fn broken(connection: &Connection) -> String {
    let mut events = std::pin::pin!(connection.events_listener());
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(event) = events.next() => match event {
                Event::Error(cause) => return cause.to_string(),
                Event::ConnectionBlocked(reason) => tracing::warn!(reason, "the broker takes no messages"),
                _ => {}
            },
            _ = look.tick() => if !connection.status().connected() {
                return "the broker closed the connection".to_owned();
            },
        }
    }
}
