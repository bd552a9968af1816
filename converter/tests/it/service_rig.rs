//! A converter of its own for one test: the real engine, an embedded store.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use chassis::{Deadline, Problem, ServiceToken};
use clap::Parser;
use converter::{
    Config, Converter, Parts,
    client::{CallError, Replica, Reserve, Reserved},
    conversion::{Attempt, Conversion, ConversionId, Owner},
    event::Broker,
    options::Options,
    store::Store,
};
use futures_util::{StreamExt as _, stream};
use reqwest::Body;
use tempfile::TempDir;

use crate::engine_rig::{STEREO, program, video};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, Parser)]
#[command(args_override_self = true)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(crate) config: Config,
}

/// A converter of its own for one test.
pub(crate) struct Rig {
    pub(crate) converter: Converter,
    pub(crate) store: Store,
    pub(crate) token: ServiceToken,
    /// Where `--queued-flow` is on.
    pub(crate) jobs: Option<Broker>,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn start(flags: &[&str]) -> Self {
        clip();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(&format!("file:{}", folder.path().display()), "the test").await.expect("a new store");
        let engine = program();
        let spool = folder.path().join("spool");
        let own =
            ["converter", "--converter-listen=127.0.0.1:0", "--disk-free-min=0", "--lease=2s", "--permit-hold=1s"];
        let places = [format!("--engine={}", engine.display()), format!("--spool-dir={}", spool.display())];
        let arguments = own.into_iter().chain(places.iter().map(String::as_str)).chain(flags.iter().copied());
        let config = Flags::parse_from(arguments).config;
        let (token, jobs) = (ServiceToken::random(), config.queued_flow.then(Broker::memory));
        let parts = Parts {
            config,
            store: store.clone(),
            broker: Broker::memory(),
            jobs: jobs.clone(),
            service_token: token.clone(),
        };
        let converter = converter::start(parts).expect("it starts");
        Self { converter, store, token, jobs, _folder: folder }
    }

    pub(crate) fn replica(&self) -> Replica {
        Replica::new(&self.converter.address().to_string(), self.token.clone()).expect("a client")
    }

    pub(crate) async fn permit(&self, request: &Reserve) -> (ConversionId, Attempt) {
        match self.replica().reserve(request).await.expect("a permit is free") {
            Reserved::Permit { id, attempt } => (id, attempt),
            Reserved::Replay(over) => panic!("a replay of {over:?}"),
        }
    }

    pub(crate) async fn send(
        &self,
        (id, attempt): (ConversionId, Attempt),
        body: Body,
    ) -> Result<Conversion, CallError> {
        self.replica().convert(id, attempt, body, Deadline::after(PATIENCE)).await
    }

    pub(crate) async fn read(&self, id: ConversionId) -> Conversion {
        self.store.get(id).await.expect("the store answers").expect("the document is there")
    }
}

pub(crate) fn request(key: Option<&str>) -> Reserve {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Reserve {
        owner: Owner(format!("user {}", NEXT.fetch_add(1, Ordering::Relaxed))),
        email: "a@example.org".into(),
        filename: "a.mp4".into(),
        options: Options::default(),
        idempotency_key: key.map(str::to_owned),
        fingerprint: "f".into(),
        attempt: Attempt::random(),
        instead_of: vec![],
        deadline_ms: 30_000,
    }
}

pub(crate) fn refused(answer: Result<impl std::fmt::Debug, CallError>) -> Problem {
    match answer {
        Err(CallError::Refused(problem)) => problem,
        other => panic!("no refusal: {other:?}"),
    }
}

pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} and not: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A short video. It is made before the first rig starts: a permit that is held meanwhile would be gone.
pub(crate) fn clip() -> Bytes {
    static CLIP: LazyLock<Bytes> =
        LazyLock::new(|| video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]).into());
    CLIP.clone()
}

/// Sends the first half of a clip and then nothing.
pub(crate) fn stalled(clip: &Bytes) -> Body {
    let half = clip.slice(..clip.len() / 2);
    Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending()))
}
