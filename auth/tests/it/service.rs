//! One auth on a free port with a store and keys of its own.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use auth::{
    Auth, KeyRing, Parts, Password, ServiceConfig, Users,
    client::{Client, Login, NewUser, User},
};
use tempfile::TempDir;

pub(crate) const KEY: &str = "the first signing key of the tests";
pub(crate) const ADMIN_PASSWORD: &str = "the admin's password";
pub(crate) const PASSWORD: &str = "a password: with a colon, zoë";
/// Longest wait for a condition; only a failing test waits for it.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct TestAuth {
    pub(crate) client: Client,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
    auth: Auth,
}

impl TestAuth {
    pub(crate) async fn start() -> Self {
        Self::with(ServiceConfig::default()).await
    }

    pub(crate) async fn with(service: ServiceConfig) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let users = Users::open(&store_url(folder.path()), "a test").expect("the folder is free");
        create_admin(&users).await;
        Self::on(users, service, folder).await
    }

    /// The service on a store that need not answer.
    pub(crate) async fn on(users: Users, service: ServiceConfig, folder: TempDir) -> Self {
        std::fs::write(folder.path().join("key"), KEY).expect("the folder is ours");
        let keys = KeyRing::open(&folder.path().join("key"), Some(&folder.path().join("previous")));
        let parts = Parts { service, users, keys: keys.expect("the key is long enough") };
        let auth = auth::start(parts).await.expect("a free port");
        let client = client(&format!("http://{}", auth.address()));
        Self { client, http: reqwest::Client::new(), folder, auth }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.auth.address())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn stop(self) {
        self.auth.stop().await;
    }

    pub(crate) async fn admin(&self) -> String {
        self.token("admin", ADMIN_PASSWORD).await
    }

    pub(crate) async fn token(&self, username: &str, password: &str) -> String {
        let Login { token, .. } = self.client.login(username, password, None).await.expect("a right login");
        token
    }

    /// Creates an ordinary user with [`PASSWORD`].
    pub(crate) async fn user(&self, username: &str) -> User {
        let admin = self.admin().await;
        self.client.create_user(&admin, &new_user(username)).await.expect("a new user")
    }

    /// Replaces a file by a rename, as an operator should.
    pub(crate) fn replace(&self, name: &str, content: &str) {
        std::fs::write(self.file("unfinished"), content).expect("the folder is ours");
        std::fs::rename(self.file("unfinished"), self.file(name)).expect("the folder is ours");
    }
}

/// Creates the admin of [`TestAuth::admin`].
pub(crate) async fn create_admin(users: &Users) {
    let password = Password::parse(ADMIN_PASSWORD.into()).expect("long enough");
    assert!(users.ensure_admin("admin", "admin@example.org", password).await.expect("the store works"));
}

pub(crate) fn new_user(username: &str) -> NewUser {
    NewUser {
        username: username.to_owned(),
        email: "somebody@example.org".to_owned(),
        password: PASSWORD.into(),
        isadmin: false,
    }
}

pub(crate) fn client(base_url: &str) -> Client {
    Client::new(base_url, auth::client::CALL_TIMEOUT).expect("a good address")
}

pub(crate) fn store_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("users.db").display())
}

/// Asks again until the answer is yes.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let asked_since = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while !condition().await {
        assert!(asked_since.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        ticks.tick().await;
    }
}

/// The response header as it crosses the gateway: what [`chassis::Problem`] answers with.
pub(crate) fn header(problem: &chassis::Problem, name: &str) -> Option<String> {
    use actix_web::ResponseError as _;
    let response = problem.error_response();
    response.headers().get(name).map(|value| value.to_str().expect("plain text").to_owned())
}
