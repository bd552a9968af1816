//! A notifier with everything around it, in a temporary folder.

use std::time::{Duration, Instant};

use clap::Parser as _;
use converter::{
    control::{Completeness, Decoder},
    conversion::{Attempt, Conversion, ConversionId, Mp3, NotifyState, Owner, Progress, State, Timestamp},
    event::{Broker, Mp3Ready},
    options::Options,
    store::{Change, Store},
};
use notifier::{Config, Inbox, Mail, Notifier, Parts};
use tempfile::TempDir;

/// Longest wait for anything that must happen.
const PATIENCE: Duration = Duration::from_secs(10);
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

    pub(crate) async fn start(&mut self) {
        let mail_url = format!("file:{}", self.mail_folder().display());
        let config = Cli::parse_from([
            "notifier",
            "--notifier-listen=127.0.0.1:0",
            &format!("--mail-url={mail_url}"),
            "--public-url=http://tapedeck.example/",
            "--delivery-attempts-max=3",
            "--delivery-retry-first=5ms",
        ])
        .config;
        let parts = Parts { config, store: self.store.clone(), broker: self.broker.clone() };
        self.notifier = Some(notifier::start(parts).await.expect("the notifier starts"));
    }

    pub(crate) fn mail_folder(&self) -> std::path::PathBuf {
        self.folder.path().join("mail")
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
        self.broker.publish(Mp3Ready { id }).await.expect("the queue has room");
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

    pub(crate) async fn wait_for(&self, id: ConversionId, wanted: NotifyState) {
        let deadline = Instant::now() + PATIENCE;
        while self.mail_state(id).await != wanted {
            assert!(Instant::now() < deadline, "the mail never became {wanted:?}: {:?}", self.read(id).await.notify);
            tokio::time::sleep(LOOK).await;
        }
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

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.notifier.as_ref().expect("the notifier runs").address()
    }
}

fn running(email: &str, filename: &str) -> Conversion {
    Conversion {
        id: ConversionId::random(),
        owner: Owner("1".to_owned()),
        email: email.to_owned(),
        filename: filename.to_owned(),
        options: Options::default(),
        fingerprint: String::new(),
        state: State::Running,
        attempt: Attempt::random(),
        lease: None,
        progress: Progress::default(),
        mp3: None,
        failure: None,
        garbage: Vec::new(),
        notify: None,
        attempts: 1,
        created_at: Timestamp::now(),
        done_at: None,
        expires_at: None,
    }
}

fn mp3(attempt: Attempt) -> Mp3 {
    Mp3 {
        blob_id: attempt.blob(),
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
