//! A gateway that answers uploads and questions for a state by a script, and the program that talks to it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    path::Path,
    process::{Command, Output, Stdio},
    sync::{Mutex, MutexGuard, mpsc},
    thread::{self, JoinHandle},
};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data, Payload, Query},
};
use futures_util::{StreamExt as _, future, stream};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

pub(crate) const ID: &str = "00112233445566778899aabbccddeeff";

/// How one upload is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Busy,
    /// The connection ends in the middle of the answer.
    BreaksOff,
    NoAudio,
    Done,
    DoneWithOtherBytes,
    Queued,
}

/// How one question for the state of the conversion is answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    Busy,
    Queued,
    Done,
    NoAudio,
    Deleted,
    /// Not at all.
    Silence,
}

/// What came.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) filename: String,
    pub(crate) key: String,
    pub(crate) bytes: usize,
    pub(crate) prefer: String,
}

struct State {
    mp3: &'static [u8],
    script: Mutex<VecDeque<Answer>>,
    looks: Mutex<VecDeque<Look>>,
    uploads: Mutex<Vec<Upload>>,
}

pub(crate) struct Gateway {
    address: SocketAddr,
    state: Data<State>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Gateway {
    pub(crate) fn start<const N: usize>(mp3: &'static [u8], script: [Answer; N]) -> Self {
        Self::start_with_looks(mp3, script, [])
    }

    pub(crate) fn start_with_looks<const N: usize, const M: usize>(
        mp3: &'static [u8],
        script: [Answer; N],
        looks: [Look; M],
    ) -> Self {
        let (script, looks) = (Mutex::new(script.into()), Mutex::new(looks.into()));
        let state = Data::new(State { mp3, script, looks, uploads: Mutex::default() });
        let (started, starts) = mpsc::channel();
        let shared = state.clone();
        let thread = thread::spawn(move || {
            let served = actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(shared.clone())
                        .route("/login", web::post().to(login))
                        .route("/upload", web::post().to(upload))
                        .route("/conversions/{id}", web::get().to(look))
                        .route("/download", web::get().to(download))
                })
                .workers(1)
                .disable_signals()
                .bind(("127.0.0.1", 0))
                .expect("a free port");
                let address = server.addrs()[0];
                let server = server.run();
                started.send((address, server.handle())).expect("the test waits");
                server.await
            });
            served.expect("the server ends well");
        });
        let (address, handle) = starts.recv().expect("the server starts");
        Self { address, state, handle, thread: Some(thread) }
    }

    pub(crate) fn uploads(&self) -> Vec<Upload> {
        locked(&self.state.uploads).clone()
    }

    /// Questions of the script that nobody has asked yet.
    pub(crate) fn looks_left(&self) -> usize {
        locked(&self.state.looks).len()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The future only waits; the stop itself is sent when it is made.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The program with a home of its own.
pub(crate) struct Tapedeck {
    home: tempfile::TempDir,
    server: String,
}

impl Tapedeck {
    pub(crate) fn logged_in(gateway: &Gateway) -> Self {
        let tapedeck = Self {
            home: tempfile::tempdir().expect("a temporary folder"),
            server: format!("http://{}", gateway.address),
        };
        let output = tapedeck.run(&["login", "alice"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        tapedeck
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapedeck"));
        command.args(arguments).env_clear().env("HOME", self.home()).env("TAPEDECK_SERVER", &self.server);
        command.current_dir(self.home()).stdin(Stdio::null());
        command
    }
}

async fn login() -> HttpResponse {
    HttpResponse::Ok().json(json!({"token": "t", "token_type": "Bearer", "expires_in": 3600}))
}

#[derive(Deserialize)]
struct Named {
    filename: String,
}

async fn upload(request: HttpRequest, named: Query<Named>, mut video: Payload, state: Data<State>) -> HttpResponse {
    let mut bytes = 0;
    while let Some(Ok(piece)) = video.next().await {
        bytes += piece.len();
    }
    let key = header(&request, "idempotency-key");
    let upload = Upload { filename: named.filename.clone(), key, bytes, prefer: header(&request, "prefer") };
    locked(&state.uploads).push(upload);
    let answer = locked(&state.script).pop_front().expect("the script covers every upload");
    match answer {
        Answer::Busy => problem(503, "Busy", "all permits are taken", Some(1)),
        Answer::NoAudio => problem(422, "No audio", "the video has no audio track", None),
        Answer::BreaksOff => {
            let broken = [Ok(Bytes::from_static(b"{\"id\":")), Err(std::io::Error::other("cut"))];
            HttpResponse::Created().streaming(stream::iter(broken))
        }
        Answer::Done => converted(state.mp3, state.mp3),
        Answer::DoneWithOtherBytes => converted(state.mp3, b"other bytes"),
        Answer::Queued => HttpResponse::Accepted().json(json!({"id": ID, "state": "queued"})),
    }
}

async fn look(request: HttpRequest, state: Data<State>) -> HttpResponse {
    assert!(header(&request, "prefer").starts_with("wait="), "whoever waits holds the question");
    let look = locked(&state.looks).pop_front().expect("the script covers every question");
    match look {
        Look::Busy => problem(503, "Busy", "the store does not answer", Some(1)),
        Look::Queued => HttpResponse::Ok().json(json!({"id": ID, "state": "queued"})),
        Look::Done => converted(state.mp3, state.mp3),
        Look::NoAudio => {
            let failure = json!({"type": "/problems/test", "title": "No audio", "status": 422, "detail": "no audio track",
                "retryable": false});
            HttpResponse::Ok().json(json!({"id": ID, "state": "failed", "failure": failure}))
        }
        Look::Deleted => problem(404, "Not found", "nothing with this id is yours", None),
        Look::Silence => future::pending().await,
    }
}

fn header(request: &HttpRequest, name: &str) -> String {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn converted(mp3: &[u8], stored: &[u8]) -> HttpResponse {
    let sha256 = chassis::hex::encode(&Sha256::digest(stored));
    let body = json!({"id": ID, "bytes": mp3.len(), "duration_ms": 1000, "sha256": sha256, "completeness": "complete"});
    HttpResponse::Created().json(body)
}

fn problem(status: u16, title: &'static str, detail: &str, retry_after: Option<u64>) -> HttpResponse {
    let mut problem = chassis::Problem::new(status, "/problems/test", title, detail);
    problem.retry_after = retry_after;
    actix_web::ResponseError::error_response(&problem)
}

async fn download(state: Data<State>) -> HttpResponse {
    HttpResponse::Ok().content_type("audio/mpeg").body(state.mp3)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no panic while it was held")
}
