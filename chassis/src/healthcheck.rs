//! `SERVICE healthcheck`: asks the service of this machine how it is. Container images hold no other program that could.

use std::{
    env,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, ensure};

use crate::chain;

/// Longest that a connection or an answer is waited for; `/readyz` itself gives its dependencies 2 s.
const PATIENCE: Duration = Duration::from_secs(5);
/// As much of an answer as is read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// What a service's `--help` says of it.
pub const HELP: &str = "With `healthcheck` or `healthcheck readyz` as its only arguments it asks the service that runs on \
this machine for `/livez` or `/readyz`, and exits with 0 where that says 200";

/// The exit code, where `healthcheck` is the first argument. To be called before the arguments are read, since a health check
/// needs none of the service's settings but `variable`, where it listens, which is `port` of all addresses where it is not set.
pub fn asked(variable: &str, port: u16) -> Option<ExitCode> {
    let mut arguments = env::args().skip(1);
    if arguments.next()? != "healthcheck" {
        return None;
    }
    let page = arguments.next().unwrap_or_else(|| "livez".to_owned());
    let everywhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let listen = env::var(variable).map_or(Ok(everywhere), |text| text.parse().context(variable.to_owned()));
    let healthy = listen.and_then(|listen| ask(listen, &page)).inspect_err(|cause| {
        // Whoever runs it keeps what it says. Where standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr(), "{}", chain(cause.as_ref()));
    });
    Some(if healthy.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the service that listens on `listen` answers `/page` with 200; the error holds what it says instead.
pub fn ask(mut listen: SocketAddr, page: &str) -> anyhow::Result<()> {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listen.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listen.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    let mut stream = TcpStream::connect_timeout(&listen, PATIENCE).with_context(|| format!("nobody at {listen}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{page} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).with_context(|| format!("no answer from {listen}"))?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    Ok(())
}
