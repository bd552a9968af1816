//! What `mysql://` says, and how its connections are kept.

use std::{fs::File, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail, ensure};
use mysql_async::{Opts, OptsBuilder, PoolConstraints, PoolOpts};

/// TLS, with a certificate that has to be good for the host.
const REQUIRE_SSL: &str = "require_ssl";
/// More about TLS; without it the driver would ignore them, and the password would go over the network in the clear.
/// Its `verify_identity` is not among them, since it has no effect: a certificate for another host is refused all the same.
const OF_TLS: [&str; 3] = ["verify_ca", "built_in_roots", CA_FILE];
/// File with certificates, in PEM, that may vouch for the server; the driver has no option for it.
const CA_FILE: &str = "ca_file";
/// Not the driver's: that one asks for `pool_min` with it.
const POOL_MAX: &str = "pool_max";
const ADDRESS: &str = "mysql://USER:PASSWORD@HOST:PORT/DATABASE";
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

/// Reads the URL; no error shows more of it than the name and value of an option. An option that is not listed here is
/// refused, also where the driver has it: it would be a setting without effect.
pub(super) fn parse(url: &str) -> anyhow::Result<Opts> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    ensure!(!query.contains('@'), "a `?` in the password is written %3F");
    let options: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    let given = |wanted: &str| options.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    let known = |name: &&str| [REQUIRE_SSL, POOL_MAX].contains(name) || OF_TLS.contains(name);
    if let Some((unknown, _)) = options.iter().find(|(name, _)| !known(name)) {
        bail!("`mysql:` has no option `{unknown}`; it takes {REQUIRE_SSL}, {}, {POOL_MAX}", OF_TLS.join(", "));
    }
    let for_driver = options.iter().filter(|(name, _)| ![CA_FILE, POOL_MAX].contains(name));
    let for_driver = for_driver.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let read = Opts::from_url(&format!("{address}?{for_driver}")).with_context(|| format!("expected {ADDRESS}"))?;
    ensure!(read.db_name().is_some(), "the address names no database; expected {ADDRESS}");
    if let Some(name) = OF_TLS.iter().find(|name| given(name).is_some() && read.ssl_opts().is_none()) {
        bail!("the option `{name}` needs {REQUIRE_SSL}=true");
    }
    let mut tls = read.ssl_opts().cloned();
    if let Some(file) = given(CA_FILE) {
        File::open(file).with_context(|| format!("cannot read {file} ({CA_FILE})"))?;
        tls = tls.map(|tls| tls.with_root_certs(vec![PathBuf::from(file).into()]));
    }
    Ok(OptsBuilder::from_opts(read)
        .ssl_opts(tls)
        .pool_opts(pool(given(POOL_MAX))?)
        .tcp_keepalive(Some(KEEPALIVE))
        // By the address that was given, also where a socket would be nearer: accounts are by address.
        .prefer_socket(false)
        .setup(SESSION.map(str::to_owned).to_vec())
        .into())
}

fn pool(connections_max: Option<&str>) -> anyhow::Result<PoolOpts> {
    let connections_max = connections_max.map_or(Ok(CONNECTIONS_MAX), str::parse).unwrap_or_default();
    let constraints = PoolConstraints::new(0, connections_max).filter(|_| connections_max > 0);
    Ok(PoolOpts::default()
        .with_constraints(constraints.with_context(|| format!("`{POOL_MAX}` is a number, at least 1"))?)
        .with_inactive_connection_ttl(CONNECTION_IDLE_MAX)
        .with_abs_conn_ttl(Some(CONNECTION_AGE_MAX))
        .with_abs_conn_ttl_jitter(Some(CONNECTION_AGE_JITTER))
        // It would forget the prepared statements: three round trips for a lookup instead of one. No call leaves
        // anything in a session, and one that failed closes its connection.
        .with_reset_connection(false))
}
