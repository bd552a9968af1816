//! A converter that does what a test says.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    web::{self, Data, Json, Path, Payload, ServiceConfig},
};
use bytes::Bytes;
use chassis::Problem;
use converter::{
    client::{ATTEMPT_HEADER, Reserve, Reserved},
    control::{Completeness, Decoder},
    conversion::{
        Attempt, Conversion, ConversionId, Failure, Lease, Mp3, Notify as Mail, NotifyState, State, Timestamp,
    },
    store::Store,
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;

/// How a reservation is answered.
#[derive(Debug, Clone)]
pub(crate) enum OnReserve {
    Permit,
    Replay(Box<Conversion>),
    Problem(Problem),
    /// The connection breaks before the answer.
    Lose,
}

/// How a video is answered.
#[derive(Debug, Clone)]
pub(crate) enum OnVideo {
    /// Read to its end, then done.
    Convert,
    /// As `Convert`, once [`Script::release`] is called.
    Hold,
    /// As `Convert`, after this time.
    Work(Duration),
    /// Refused without a look at it.
    Refuse(Problem),
    /// Read to its end; the document says this, and the answer is lost.
    Lose(State),
}

/// A video as the converter saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Video {
    pub(crate) bytes: Vec<u8>,
    /// Whether its end was a clean one.
    pub(crate) is_whole: bool,
}

/// What the converter does and what it has seen.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) store: Store,
    on_reserve: Mutex<VecDeque<OnReserve>>,
    on_video: Mutex<OnVideo>,
    reserves: Mutex<Vec<Reserve>>,
    begun: AtomicUsize,
    held: AtomicUsize,
    released: Notify,
    videos: Mutex<Vec<Video>>,
}

impl Script {
    pub(crate) fn new(store: Store) -> Arc<Self> {
        Arc::new(Self {
            store,
            on_reserve: Mutex::default(),
            on_video: Mutex::new(OnVideo::Convert),
            reserves: Mutex::default(),
            begun: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            released: Notify::new(),
            videos: Mutex::default(),
        })
    }

    /// Answers for the next reservations, in turn; those after them get permits.
    pub(crate) fn on_reserve(&self, answers: impl IntoIterator<Item = OnReserve>) {
        lock(&self.on_reserve).extend(answers);
    }

    pub(crate) fn on_video(&self, answer: OnVideo) {
        *lock(&self.on_video) = answer;
    }

    pub(crate) fn reserves(&self) -> Vec<Reserve> {
        lock(&self.reserves).clone()
    }

    /// Videos that began to come.
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Videos that are whole and wait for [`Self::release`].
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Lets one held video end.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }

    /// Videos that came to an end.
    pub(crate) fn videos(&self) -> Vec<Video> {
        lock(&self.videos).clone()
    }

    pub(crate) fn routes(self: &Arc<Self>) -> impl Fn(&mut ServiceConfig) + Clone + Send + 'static {
        let data = Data::from(Arc::clone(self));
        move |config| {
            config
                .app_data(data.clone())
                .route("/conversions", web::post().to(reserve))
                .route("/conversions/{id}/video", web::put().to(video));
        }
    }
}

async fn reserve(script: Data<Script>, request: Json<Reserve>) -> HttpResponse {
    lock(&script.reserves).push(request.clone());
    match lock(&script.on_reserve).pop_front().unwrap_or(OnReserve::Permit) {
        OnReserve::Permit => {
            let id = match &request.idempotency_key {
                Some(key) => ConversionId::of_key(&request.owner, key),
                None => ConversionId::random(),
            };
            HttpResponse::Created().json(Reserved::Permit { id, attempt: request.attempt })
        }
        OnReserve::Replay(conversion) => HttpResponse::Ok().json(Reserved::Replay(conversion)),
        OnReserve::Problem(problem) => problem.error_response(),
        OnReserve::Lose => broken(),
    }
}

async fn video(script: Data<Script>, id: Path<ConversionId>, request: HttpRequest, mut body: Payload) -> HttpResponse {
    script.begun.fetch_add(1, Ordering::SeqCst);
    let attempt: Attempt = request
        .headers()
        .get(ATTEMPT_HEADER)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .expect("the video names its attempt");
    let reserved = script.reserves().into_iter().find(|reserve| reserve.attempt == attempt).expect("it was reserved");
    let answer = lock(&script.on_video).clone();
    if let OnVideo::Refuse(problem) = answer {
        return problem.error_response();
    }
    let mut coming = Coming { script: script.clone().into_inner(), video: Video { bytes: vec![], is_whole: false } };
    let is_whole = loop {
        match body.next().await {
            Some(Ok(chunk)) => coming.video.bytes.extend_from_slice(&chunk),
            Some(Err(_)) => break false,
            None => break true,
        }
    };
    if matches!(answer, OnVideo::Hold) {
        script.held.fetch_add(1, Ordering::SeqCst);
        script.released.notified().await;
    }
    if let OnVideo::Work(time) = answer {
        tokio::time::sleep(time).await;
    }
    coming.video.is_whole = is_whole;
    drop(coming);
    match answer {
        _ if !is_whole => problem(408, "/problems/client-stopped").error_response(),
        OnVideo::Lose(state) => {
            assert!(script.store.insert(document(&reserved, *id, state)).await.expect("the store works"));
            broken()
        }
        _ => HttpResponse::Ok().json(document(&reserved, *id, State::Done)),
    }
}

/// A video on its way. A connection that breaks drops the handler; then the video counts as broken.
struct Coming {
    script: Arc<Script>,
    video: Video,
}

impl Drop for Coming {
    fn drop(&mut self) {
        let bytes = std::mem::take(&mut self.video.bytes);
        lock(&self.script.videos).push(Video { bytes, is_whole: self.video.is_whole });
    }
}

/// The head of a good answer, and then nothing.
fn broken() -> HttpResponse {
    HttpResponse::Ok().streaming(stream::iter([Err::<Bytes, _>(std::io::Error::other("cut"))]))
}

pub(crate) fn problem(status: u16, kind: &'static str) -> Problem {
    Problem::new(status, kind, "Scripted", "as the test says")
}

/// The document of a reserved conversion.
pub(crate) fn document(reserve: &Reserve, id: ConversionId, state: State) -> Conversion {
    let now = Timestamp::now();
    let lease = Lease { holder: "script".into(), until: now.plus(Duration::from_secs(30)) };
    let mail = Mail { state: NotifyState::Delivered, attempts: 0, claim: None, at: now };
    let mp3 = Mp3 {
        blob_id: reserve.attempt.mp3(),
        bytes: 10,
        duration_ms: 1000,
        sha256: "00".repeat(32),
        sample_rate: 44100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".into(),
    };
    Conversion {
        email: reserve.email.clone(),
        filename: reserve.filename.clone(),
        options: reserve.options.clone(),
        fingerprint: reserve.fingerprint.clone(),
        state,
        lease: (state == State::Running).then_some(lease),
        mp3: (state == State::Done).then_some(mp3),
        failure: (state == State::Failed).then(|| Failure::of(&problem(422, "/problems/no-audio"))),
        notify: (state == State::Done).then_some(mail),
        done_at: (state == State::Done).then_some(now),
        ..Conversion::new(id, reserve.owner.clone(), reserve.attempt, now)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
