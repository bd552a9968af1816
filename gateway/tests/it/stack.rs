//! A gateway between a scripted auth and a scripted converter, on a real store.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    web::{self, Json, ServiceConfig},
};
use auth::client::{Caller, Login, Token};
use chassis::{Problem, Readiness, Server, ServiceToken, serve};
use clap::Parser;
use converter::{
    client::Reserve,
    conversion::{Attempt, Owner},
    options::Options,
    store::Store,
};
use gateway::{Config, Gateway, Parts};
use tempfile::TempDir;

use crate::script::Script;

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The silence that these gateways allow.
pub(crate) const IDLE_MAX: Duration = Duration::from_millis(500);
/// The largest video that they take.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// The running services; the folder goes with them.
pub(crate) struct Stack {
    pub(crate) gateway: Gateway,
    pub(crate) script: Arc<Script>,
    pub(crate) store: Store,
    pub(crate) http: reqwest::Client,
    _services: [Server; 2],
    _folder: TempDir,
}

impl Stack {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// Starts with changed settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("file:{}", folder.path().display());
        let store = Store::open(&url, "the test").await.expect("the folder is ours");
        let script = Script::new(store.clone());
        let auth = service("auth", users);
        let converter = service("converter", script.routes());
        let mut config = Cli::parse_from(["gateway"]).config;
        config.gateway_listen = any_port();
        config.auth_url = format!("http://{}", auth.address());
        config.converters = converter.address().to_string().parse().expect("an address");
        config.upload_bytes_max = BYTES_MAX as u64;
        config.upload_idle_max = IDLE_MAX;
        change(&mut config);
        let parts =
            Parts { config, store: store.clone(), jobs: None, service_token: ServiceToken::random(), mount: None };
        let gateway = gateway::start(parts).await.expect("the gateway starts");
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { gateway, script, store, http, _services: [auth, converter], _folder: folder }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address())
    }

    /// An upload of `video` by alice, not yet sent.
    pub(crate) fn upload(&self, video: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.http.post(self.url("/upload")).bearer_auth("alice").body(video)
    }
}

pub(crate) fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub(crate) fn service(name: &'static str, routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Server {
    let listener = serve::bind(any_port()).expect("a free port");
    Server::start(name, listener, Readiness::default(), PATIENCE, routes).expect("it starts")
}

/// An auth whose tokens are names: `alice`, `bob`, and the admin `root`.
fn users(config: &mut ServiceConfig) {
    config.route("/validate", web::post().to(validate)).route("/login", web::post().to(login));
}

async fn validate(token: Json<Token>) -> Result<Json<Caller>, Problem> {
    let name = token.token.clone();
    if !["alice", "bob", "root"].contains(&name.as_str()) {
        return Err(Problem::new(401, "/problems/unauthorized", "Not authorized", "the token is not known"));
    }
    let email = format!("{name}@example.org");
    Ok(Json(Caller { id: format!("id-{name}"), isadmin: name == "root", username: name, email, expires_at: 0 }))
}

async fn login() -> HttpResponse {
    HttpResponse::Ok().json(Login { token: "alice".into(), token_type: "Bearer".into(), expires_in: 60 })
}

/// Alice's reservation of a video, for documents that are put into the store.
pub(crate) fn alices() -> Reserve {
    Reserve {
        owner: Owner("id-alice".into()),
        email: "alice@example.org".into(),
        filename: "movie.mp4".into(),
        options: Options::default(),
        idempotency_key: None,
        fingerprint: "f".into(),
        attempt: Attempt::random(),
        instead_of: vec![],
        deadline_ms: 1000,
    }
}

/// Waits for a condition, at most [`PATIENCE`].
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} and not: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
