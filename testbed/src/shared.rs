//! Servers that all tests of a process share: starting one for each test would take longer than the tests.

use std::env;
use std::sync::OnceLock;

use crate::{Kind, Server, or_skip};

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
    fn find(kind: Kind, variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
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

/// Like [`shared`] for tests that may be skipped, see [`or_skip`].
///
/// # Panics
/// Where it cannot be started for any other reason than a missing program.
pub fn shared_or_skip(kind: Kind) -> Option<&'static Shared> {
    or_skip(found(kind).as_ref())
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
    FOUND[index].get_or_init(|| Shared::find(kind, |name| env::var(name).ok().filter(|value| !value.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_shared_server() {
        let variable = |name: &str| Some(format!("from {name}"));

        let urls = [Kind::Mysql, Kind::Mongo, Kind::Rabbit, Kind::Mail]
            .map(|kind| Shared::find(kind, variable).expect("an address"))
            .map(|shared| (shared.url, shared.api_url));

        let named = |name: &str| format!("from {name}");
        assert_eq!(
            urls[..3].iter().map(|(url, _)| url).collect::<Vec<_>>(),
            [&named("TEST_MYSQL_URL"), &named("TEST_MONGO_URL"), &named("TEST_AMQP_URL")]
        );
        assert_eq!(urls[3], (named("TEST_SMTP_URL"), Some(named("TEST_MAIL_API_URL"))));
    }

    #[test]
    fn a_mail_server_whose_mails_cannot_be_read_is_refused() {
        let variable = |name: &str| (name == "TEST_SMTP_URL").then(|| "smtp://127.0.0.1:25".to_owned());

        let error = Shared::find(Kind::Mail, variable).expect_err("no API");

        assert!(error.to_string().contains("TEST_MAIL_API_URL"), "{error}");
    }
}
