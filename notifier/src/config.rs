//! The notifier's settings.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, ensure};
use humantime::parse_duration;

/// Notifier settings, from flags or environment; `--help` is the reference.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address for `/livez`, `/readyz` and `/metrics`; port 0 picks a free one.
    #[arg(long, env = "NOTIFIER_LISTEN", default_value = "0.0.0.0:8083")]
    pub notifier_listen: SocketAddr,
    /// Where mail goes: `file:FOLDER`, or a server: `smtps://USER@HOST:PORT` with TLS (port 465), `smtp://…?tls=required` with
    /// STARTTLS (port 587), `smtp://…?tls=opportunistic` with STARTTLS where the server offers it (port 587), `smtp://…` plain
    /// (port 25). User and port may be absent, a password may follow the user (`USER:PASSWORD@`, percent-encoded), and
    /// `HOST/NAME` says how to greet the server. `tapedeck up` keeps mail in its data folder where this is absent.
    #[arg(long, env = "MAIL_URL", value_name = "URL", hide_env_values = true)]
    pub mail_url: Option<String>,
    /// File with the password of the user in `MAIL_URL`.
    #[arg(long, env = "MAIL_PASSWORD_FILE", value_name = "FILE")]
    pub mail_password_file: Option<PathBuf>,
    /// File with certificates, in PEM, of authorities that are trusted for the mail server beside the public ones.
    #[arg(long, env = "MAIL_CA_FILE", value_name = "FILE")]
    pub mail_ca_file: Option<PathBuf>,
    /// Sender of the mails.
    #[arg(long, env = "MAIL_FROM", default_value = "tapedeck@localhost")]
    pub mail_from: String,
    /// The gateway's address as readers of a mail reach it, e.g. `https://tapedeck.example`.
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Sendings after which a mail is given up. 20 with the default waits outlast an hour without a mail server.
    #[arg(long, env = "DELIVERY_ATTEMPTS_MAX", default_value = "20", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub delivery_attempts_max: u32,
    /// How long a mail belongs to the notifier that sends it. A crashed one keeps it so long.
    #[arg(long, env = "DELIVERY_CLAIM", default_value = "30s", value_parser = parse_duration)]
    pub delivery_claim: Duration,
    /// Wait after the first failed sending; it doubles with each further one.
    #[arg(long, env = "DELIVERY_RETRY_FIRST", default_value = "2s", value_parser = parse_duration)]
    pub delivery_retry_first: Duration,
    /// Longest wait between two sendings.
    #[arg(long, env = "DELIVERY_RETRY_MAX", default_value = "5m", value_parser = parse_duration)]
    pub delivery_retry_max: Duration,
}

impl Config {
    /// The wait before the sending after `failures` failed ones.
    pub(crate) fn retry_delay(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        self.delivery_retry_first.saturating_mul(doubled).min(self.delivery_retry_max)
    }

    /// The beginning of every link, without a slash at its end.
    pub(crate) fn link_base(&self) -> anyhow::Result<String> {
        let url =
            self.public_url.as_deref().context("PUBLIC_URL is not set: mails need the gateway's public address")?;
        let is_http = url.starts_with("http://") || url.starts_with("https://");
        let is_plain = url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '?' | '#'));
        ensure!(is_http && is_plain, "PUBLIC_URL must be like https://tapedeck.example, not {url:?}");
        Ok(url.trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        config: Config,
    }

    impl Config {
        pub(crate) fn from_flags(arguments: &[&str]) -> Self {
            Cli::try_parse_from([&["notifier"], arguments].concat()).expect("the arguments are right").config
        }
    }

    #[test]
    fn waits_double_up_to_their_limit() {
        let config = Config::from_flags(&["--delivery-retry-first", "2s", "--delivery-retry-max", "10s"]);
        let waits = [1, 2, 3, 4, 99].map(|failures| config.retry_delay(failures).as_secs());
        assert_eq!(waits, [2, 4, 8, 10, 10]);
    }

    #[test]
    fn an_hour_without_a_mail_server_costs_no_mail() {
        let config = Config::from_flags(&[]);
        let waited: Duration = (1..config.delivery_attempts_max).map(|failures| config.retry_delay(failures)).sum();
        assert!(waited > Duration::from_hours(1), "{waited:?}");
    }

    #[test]
    fn a_link_base_is_an_http_address() {
        let base = |url| Config::from_flags(&["--public-url", url]).link_base();
        assert_eq!(base("http://localhost:8080/").expect("an address"), "http://localhost:8080");
        for refused in ["localhost:8080", "javascript:alert(1)", "http://a/\"onclick=", "http://a b"] {
            assert!(base(refused).is_err(), "{refused}");
        }
    }
}
