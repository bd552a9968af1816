//! The address of a RabbitMQ server.

use std::{fmt, str::FromStr, sync::Arc};

use anyhow::ensure;
use lapin::uri::AMQPUri;

/// Seconds between two heartbeats, unless the URL says otherwise (`?heartbeat=`): a silent peer is given up after two.
/// RabbitMQ's guide calls less than 5 s a cause of false alarms.
const HEARTBEAT_S: u16 = 5;

/// `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://`.
#[derive(Clone)]
pub(super) struct Address(Arc<AMQPUri>);

impl Address {
    pub(super) fn uri(&self) -> AMQPUri {
        AMQPUri::clone(&self.0)
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    /// No error shows the URL: it may hold a password.
    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let (_, behind_scheme) = url.split_once("://").unwrap_or_default();
        let authority = behind_scheme.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        ensure!(!host.is_empty() && !host.starts_with(':'), "BROKER_URL names no host");
        // lapin would take `localhost` instead.
        ensure!(!host.starts_with('['), "BROKER_URL must name the host: an IPv6 address is not taken");
        let mut uri: AMQPUri = url.parse().map_err(|_| anyhow::anyhow!("BROKER_URL is no valid amqp:// address"))?;
        // `amqp://host/` would be the virtual host without a name, which no server has.
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        Ok(Self(Arc::new(uri)))
    }
}

/// Without user and password.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.0.authority.host).field(&self.0.authority.port).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_defaults() {
        let uri = "amqp://me:p%40ss@mq.example/".parse::<Address>().expect("an address").uri();
        assert_eq!((uri.authority.host.as_str(), uri.authority.port, uri.vhost.as_str()), ("mq.example", 5672, "/"));
        assert_eq!((uri.authority.userinfo.password.as_str(), uri.query.heartbeat), ("p@ss", Some(HEARTBEAT_S)));
        let uri = "amqps://mq.example:1/a%2fb?heartbeat=20".parse::<Address>().expect("an address").uri();
        assert_eq!((uri.authority.port, uri.vhost.as_str(), uri.query.heartbeat), (1, "a/b", Some(20)));
    }

    #[test]
    fn what_is_no_address_is_refused_without_its_password() {
        let refused = [
            "amqp:",
            "amqp://",
            "amqp://me:secret@",
            "amqp://me:secret@:5672",
            "amqp://me:secret@[::1]:5672",
            "amqp://me:secret@host:99999",
            "amqp://me:secret@host?heartbeat=secret",
        ];
        for url in refused {
            let refusal = url.parse::<Address>().expect_err("no address").to_string();
            assert!(refusal.contains("BROKER_URL") && !refusal.contains("secret"), "{url}: {refusal}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let address: Address = "amqp://me:secret@mq.example".parse().expect("an address");
        assert_eq!(format!("{address:?}"), r#"Address("mq.example", 5672)"#);
    }
}
