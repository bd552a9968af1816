//! A notifier with everything around it, in a temporary folder.

use std::time::{Duration, Instant};

use clap::Parser as _;
use converter::{
    control::{Completeness, Decoder},
    conversion::{Attempt, Conversion, ConversionId, Mp3, NotifyState, Owner, Timestamp},
    event::{Broker, Event},
    store::{Change, Store},
};
use notifier::{Config, Inbox, Mail, Notifier, Parts};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pace of looking whether it has happened.
const LOOK: Duration = Duration::from_millis(10);

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

pub(crate) struct Post {
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) folder: TempDir,
    notifier: Option<Notifier>,
}

impl Post {
    /// Store and broker alone.
    pub(crate) async fn closed(broker: Broker) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("file:{}", folder.path().join("store").display());
        let store = Store::open(&url, "test").await.expect("an empty store");
        Self { store, broker, folder, notifier: None }
    }

    /// With a running notifier.
    pub(crate) async fn open() -> Self {
        let mut post = Self::closed(Broker::memory()).await;
        post.start().await;
        post
    }

    /// With a running notifier that has these flags.
    pub(crate) async fn open_with(flags: &[String]) -> Self {
        let mut post = Self::closed(Broker::memory()).await;
        post.start_with(flags).await;
        post
    }

    pub(crate) async fn start(&mut self) {
        let mail_url = format!("--mail-url=file:{}", self.mail_folder().display());
        self.start_with(&[mail_url, "--delivery-attempts-max=3".to_owned()]).await;
    }

    /// `flags` say at least where mail goes.
    pub(crate) async fn start_with(&mut self, flags: &[String]) {
        let fixed = [
            "notifier",
            "--notifier-listen=127.0.0.1:0",
            "--mail-from=Tape Deck <deck@tapedeck.example>",
            "--public-url=http://tapedeck.example/",
            "--delivery-retry-first=5ms",
            "--delivery-retry-max=100ms",
        ];
        let config = Cli::parse_from(fixed.into_iter().chain(flags.iter().map(String::as_str))).config;
        let parts = Parts { config, store: self.store.clone(), broker: self.broker.clone() };
        self.notifier = Some(notifier::start(parts).await.expect("the notifier starts"));
    }

    pub(crate) fn mail_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("mail")
    }

    /// The documents behind the store's back.
    pub(crate) fn store_file(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("store/conversions.sqlite")).expect("the store's file")
    }

    /// A committed conversion, not announced yet.
    pub(crate) async fn conversion(&self, email: &str, filename: &str) -> ConversionId {
        let conversion = running(email, filename);
        let (id, seen) = (conversion.id, conversion.seen());
        assert!(self.store.insert(conversion).await.expect("the store answers"));
        let commit = Change::Commit { mp3: mp3(seen.attempt), at: Timestamp::now(), expires_at: None };
        assert!(self.store.update(seen, commit).await.expect("the store answers"));
        id
    }

    pub(crate) async fn announce(&self, id: ConversionId) {
        self.broker.publish(Event { id }).await.expect("the queue has room");
    }

    pub(crate) async fn read(&self, id: ConversionId) -> Conversion {
        self.store.get(id).await.expect("the store answers").expect("the conversion exists")
    }

    pub(crate) async fn change(&self, id: ConversionId, change: Change) {
        let seen = self.read(id).await.seen();
        assert!(self.store.update(seen, change).await.expect("the store answers"));
    }

    pub(crate) async fn mail_state(&self, id: ConversionId) -> NotifyState {
        self.read(id).await.notify.expect("a finished conversion has an outbox entry").state
    }

    /// Sendings of this mail that failed.
    pub(crate) async fn attempts(&self, id: ConversionId) -> u32 {
        self.read(id).await.notify.expect("a finished conversion has an outbox entry").attempts
    }

    pub(crate) async fn wait_for(&self, id: ConversionId, wanted: NotifyState) {
        until(format!("the mail is {wanted:?}"), async || self.mail_state(id).await == wanted).await;
    }

    /// Waits for this many failed sendings.
    pub(crate) async fn wait_for_attempts(&self, id: ConversionId, wanted: u32) {
        until(format!("{wanted} sendings failed"), async || self.attempts(id).await >= wanted).await;
    }

    /// All mails once every message that was published so far is handled.
    pub(crate) async fn mails_at_the_end(&mut self) -> Vec<Mail> {
        // Messages are taken in order, and a stop waits for those that were taken.
        let last = self.conversion("last@example.org", "the last one").await;
        self.announce(last).await;
        self.wait_for(last, NotifyState::Delivered).await;
        self.notifier.take().expect("the notifier runs").stop().await;
        let mails = Inbox::new(self.mail_folder()).list(100).await.expect("the folder is readable");
        mails.into_iter().filter(|mail| mail.to != "last@example.org").collect()
    }

    /// The answer of `/readyz`, with its head.
    pub(crate) async fn readyz(&self) -> String {
        let address = self.notifier.as_ref().expect("the notifier runs").address();
        let mut connection = TcpStream::connect(address).await.expect("it listens");
        let request = b"GET /readyz HTTP/1.1\r\nhost: notifier\r\nconnection: close\r\n\r\n";
        connection.write_all(request).await.expect("it reads");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.expect("it answers");
        answer
    }
}

/// Waits for a condition, at most [`PATIENCE`].
pub(crate) async fn until(what: impl std::fmt::Display, condition: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} and not: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

fn running(email: &str, filename: &str) -> Conversion {
    Conversion {
        email: email.to_owned(),
        filename: filename.to_owned(),
        ..Conversion::new(ConversionId::random(), Owner("1".to_owned()), Attempt::random(), Timestamp::now())
    }
}

fn mp3(attempt: Attempt) -> Mp3 {
    Mp3 {
        blob_id: attempt.mp3(),
        bytes: 4_900_000,
        duration_ms: 205_000,
        sha256: "0".repeat(64),
        sample_rate: 44_100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".to_owned(),
    }
}
