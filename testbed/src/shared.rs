//! Servers that all tests of a process share: starting one for each test would take longer than the tests.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::OnceLock;

use crate::{Kind, Missing, Server};

/// Names a file that gets the name of each test that could not run, one a line. Where it is not set, such a test fails.
const SKIPPED: &str = "TEST_SKIPPED";

/// The address of a server that tests share; each test isolates itself by names of its own ([`unique`](crate::unique)).
#[derive(Debug)]
pub struct Shared {
    url: String,
    api_url: Option<String>,
    /// Held, not used: what is static is never dropped, so its watchdog ends it after the process.
    _server: Option<Server>,
}

impl Shared {
    /// See [`Server::url`].
    pub fn url(&self) -> &str {
        &self.url
    }

    /// See [`Server::api_url`].
    pub fn api_url(&self) -> Option<&str> {
        self.api_url.as_deref()
    }

    /// The server that the environment names, else a new one.
    fn find(kind: Kind) -> anyhow::Result<Self> {
        let name = match kind {
            Kind::Mysql => "TEST_MYSQL_URL",
            Kind::Mongo => "TEST_MONGO_URL",
            Kind::Rabbit => "TEST_AMQP_URL",
            Kind::Mail => "TEST_SMTP_URL",
        };
        if let Some(url) = variable(name) {
            let api_url = (kind == Kind::Mail).then(|| variable("TEST_MAIL_API_URL")).flatten();
            anyhow::ensure!(kind != Kind::Mail || api_url.is_some(), "TEST_SMTP_URL needs TEST_MAIL_API_URL");
            return Ok(Self { url, api_url, _server: None });
        }
        let server = Server::start(kind)?;
        Ok(Self { url: server.url().to_owned(), api_url: server.api_url().map(str::to_owned), _server: Some(server) })
    }
}

/// The server of this kind that all tests of a process share: the address from `TEST_MYSQL_URL`, `TEST_MONGO_URL`,
/// `TEST_AMQP_URL` or `TEST_SMTP_URL` with `TEST_MAIL_API_URL` where set, else one that is started on first use.
///
/// # Panics
/// Where it cannot be started.
pub fn shared(kind: Kind) -> &'static Shared {
    found(kind).as_ref().unwrap_or_else(|error| panic!("{kind:?} cannot be started: {error:#}"))
}

/// Like [`shared`]; `None` where a program is not installed and `TEST_SKIPPED` names a file, which then gets the name of the
/// test that calls this. So a test ends early only where somebody counts it as skipped.
///
/// # Panics
/// Where it cannot be started for any other reason.
pub fn shared_or_skip(kind: Kind) -> Option<&'static Shared> {
    let missing = found(kind).as_ref().err().is_some_and(anyhow::Error::is::<Missing>);
    let list = variable(SKIPPED).filter(|_| missing);
    let Some(list) = list else { return Some(shared(kind)) };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let mut file = OpenOptions::new().create(true).append(true).open(&list).expect("TEST_SKIPPED can be written");
    writeln!(file, "{test}").expect("TEST_SKIPPED can be written");
    None
}

/// Started at most once for each kind, also where that failed: the next test would only wait for the same failure.
fn found(kind: Kind) -> &'static anyhow::Result<Shared> {
    static FOUND: [OnceLock<anyhow::Result<Shared>>; 4] = [const { OnceLock::new() }; 4];
    let index = match kind {
        Kind::Mysql => 0,
        Kind::Mongo => 1,
        Kind::Rabbit => 2,
        Kind::Mail => 3,
    };
    FOUND[index].get_or_init(|| Shared::find(kind))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}
