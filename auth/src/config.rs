//! Settings, from flags or environment; `auth --help` is the reference.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;

/// Everything that `auth` reads at its start.
#[derive(Debug, Clone)]
pub struct Config {
    pub service: ServiceConfig,
    pub store: StoreConfig,
    pub keys: KeyConfig,
}

/// How the service answers.
#[derive(Debug, Clone, Args)]
pub struct ServiceConfig {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long = "listen", env = "AUTH_LISTEN", value_name = "ADDRESS", default_value = "0.0.0.0:8081")]
    pub listen: SocketAddr,
    /// How long a token is valid.
    #[arg(long, env = "TOKEN_LIFETIME", value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration)]
    pub token_lifetime: Duration,
    /// Passwords that are checked at the same time; each takes 19 MiB of memory and one core for some tens of
    /// milliseconds.
    #[arg(long, env = "PASSWORD_CHECKS_MAX", value_name = "N", default_value = "4", value_parser = positive)]
    pub password_checks_max: usize,
    /// Failed logins of one user name from one address before further ones are refused.
    #[arg(long, env = "LOGIN_FAILURES_MAX", value_name = "N", default_value = "10", value_parser = positive)]
    pub login_failures_max: usize,
    /// Failed logins from one address, of any names, before further ones are refused. An IPv6 /64 counts as one
    /// address. Logins whose address is not known do not count.
    #[arg(long, env = "LOGIN_FAILURES_PER_ADDRESS_MAX", value_name = "N", default_value = "50", value_parser = positive)]
    pub login_failures_per_address_max: usize,
    /// How long failed logins count, from the first one.
    #[arg(long, env = "LOGIN_FAILURES_WINDOW", value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    pub login_failures_window: Duration,
    /// Longest that a stop waits for the requests that still run.
    #[arg(long, env = "AUTH_DRAIN", value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub drain_max: Duration,
}

impl Default for ServiceConfig {
    /// As on the command line, but on a free port of loopback: for services that start together in one process.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token_lifetime: Duration::from_hours(1),
            password_checks_max: 4,
            login_failures_max: 10,
            login_failures_per_address_max: 50,
            login_failures_window: Duration::from_mins(1),
            drain_max: Duration::from_secs(10),
        }
    }
}

/// Where the users are.
#[derive(Debug, Clone, Args)]
pub struct StoreConfig {
    /// The user store: `sqlite:PATH`, a file whose folder is locked for one process, or
    /// `mysql://USER:PASSWORD@HOST:PORT/DATABASE` (MySQL 8, `MariaDB` 10.11), for any number of them, once `auth migrate`
    /// made the tables. Options, as in `?require_ssl=true&pool_max=20`: `require_ssl` for TLS, `ca_file` with the PEM
    /// certificates to trust, `built_in_roots=false` to trust those alone, `verify_ca=false` to trust any, `pool_max` for
    /// the number of connections (10).
    #[arg(long, env = "USERS_URL", value_name = "URL", hide_env_values = true)]
    pub users_url: String,
}

/// The keys that sign tokens.
#[derive(Debug, Clone, Args)]
pub struct KeyConfig {
    /// File with the key that signs tokens; at least 32 bytes, one line ending at its end does not count. It is
    /// read again when it changes. Replace it by a rename, so that no half-written key is read.
    #[arg(long, env = "SIGNING_KEY_FILE", value_name = "FILE")]
    pub signing_key_file: PathBuf,
    /// File with a second key whose tokens are accepted; it may be missing. One replica needs the old key here
    /// until its last token has expired. With several, put the new key here first and exchange the two files
    /// when all replicas have read it: then no token is refused on the way.
    #[arg(long, env = "SIGNING_KEY_PREVIOUS_FILE", value_name = "FILE")]
    pub signing_key_previous_file: Option<PathBuf>,
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=10_000).contains(n)).ok_or_else(|| "a number from 1 to 10000".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        service: ServiceConfig,
    }

    #[test]
    fn services_in_one_process_have_the_defaults_of_the_command_line() {
        let written = CommandLine::parse_from(["auth", "--listen", "127.0.0.1:0"]).service;

        assert_eq!(format!("{written:?}"), format!("{:?}", ServiceConfig::default()));
    }
}
