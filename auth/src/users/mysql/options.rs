//! What `mysql://` says, and how its connections are kept.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use mysql_async::{Opts, OptsBuilder, PoolConstraints, PoolOpts};

/// What may stand behind the `?` of the URL. Everything else is a constant here: an option that the driver takes and
/// this program then overrides would be a setting without effect.
const URL_OPTIONS: [&str; 5] = ["require_ssl", "verify_ca", "verify_identity", "built_in_roots", POOL_MAX];
const POOL_MAX: &str = "pool_max";
/// Connections of one replica where the URL has no `pool_max`. Ten replicas stay below the 151 that a server takes by
/// default, and one connection serves more than a hundred lookups in a second.
const CONNECTIONS_MAX: usize = 10;
/// An idle connection is closed after this time; the next burst opens a new one.
const CONNECTION_IDLE_MAX: Duration = Duration::from_mins(5);
/// A connection is replaced after this time, so that one behind a balancer comes to a new server at last.
const CONNECTION_AGE_MAX: Duration = Duration::from_mins(30);
/// Spreads the replacements: not all connections are opened anew at once.
const CONNECTION_AGE_JITTER: Duration = Duration::from_mins(5);
/// A peer that vanished without a word is noticed on an idle connection after this time.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What every connection begins with, whatever the server's defaults are: names are compared by their bytes, a value
/// that does not fit is an error and not cut off, and a row that another call holds is waited for one second, the
/// shortest that there is.
const SESSION: [&str; 2] = [
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES', SESSION innodb_lock_wait_timeout = 1",
];

/// Reads the URL; no error shows more of it than the name and value of an option.
pub(super) fn parse(url: &str) -> anyhow::Result<Opts> {
    let pairs = url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|pair| !pair.is_empty());
    let given: Vec<_> = pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name)).collect();
    if let Some(unknown) = given.iter().find(|name| !URL_OPTIONS.contains(name)) {
        bail!("`mysql:` has no option `{unknown}`; it takes {}", URL_OPTIONS.join(", "));
    }
    let options = Opts::from_url(url).context("expected mysql://USER:PASSWORD@HOST:PORT/DATABASE")?;
    ensure!(options.db_name().is_some(), "the address names no database: mysql://USER:PASSWORD@HOST:PORT/DATABASE");
    // The driver would ignore them, and the password would go over the network in the clear.
    let without_tls = given.iter().find(|name| **name != POOL_MAX).filter(|_| options.ssl_opts().is_none());
    if let Some(name) = without_tls.filter(|name| **name != "require_ssl") {
        bail!("the option `{name}` needs require_ssl=true");
    }
    let connections_max =
        if given.contains(&POOL_MAX) { options.pool_opts().constraints().max() } else { CONNECTIONS_MAX };
    let constraints = PoolConstraints::new(0, connections_max).filter(|_| connections_max > 0);
    let pool = PoolOpts::default()
        .with_constraints(constraints.context("`pool_max` is at least 1")?)
        .with_inactive_connection_ttl(CONNECTION_IDLE_MAX)
        .with_abs_conn_ttl(Some(CONNECTION_AGE_MAX))
        .with_abs_conn_ttl_jitter(Some(CONNECTION_AGE_JITTER))
        // It would forget the prepared statements: three round trips for a lookup instead of one. No call leaves
        // anything in a session, and one that failed closes its connection.
        .with_reset_connection(false);
    let options = OptsBuilder::from_opts(options)
        .pool_opts(pool)
        .tcp_keepalive(Some(KEEPALIVE))
        // By the address that was given, also where a socket would be nearer: accounts are by address.
        .prefer_socket(false)
        .setup(SESSION.map(str::to_owned).to_vec());
    Ok(options.into())
}
