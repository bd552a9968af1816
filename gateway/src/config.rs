//! The gateway's settings.

use std::{net::SocketAddr, time::Duration};

use humantime::parse_duration;

use crate::replicas::Source;

/// Gateway settings, from flags or environment; `--help` is the reference.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address to listen on; port 0 picks a free one.
    #[arg(long, env = "GATEWAY_LISTEN", default_value = "0.0.0.0:8080")]
    pub gateway_listen: SocketAddr,
    /// Where auth answers.
    #[arg(long, env = "AUTH_URL", default_value = "http://127.0.0.1:8081")]
    pub auth_url: String,
    /// The converter replicas: a comma-separated list of host:port, `file:PATH` (such a list, read again every
    /// second), or `dns:NAME:PORT` (resolved again every second; end the name with a dot).
    #[arg(long, env = "CONVERTERS", default_value = "127.0.0.1:8082")]
    pub converters: Source,
    /// Largest video in bytes.
    #[arg(long, env = "UPLOAD_BYTES_MAX", default_value = "4294967296")]
    pub upload_bytes_max: u64,
    /// Uploads that one user may have in flight at this gateway.
    #[arg(long, env = "UPLOADS_PER_USER_MAX", default_value = "4")]
    pub uploads_per_user_max: usize,
    /// Downloads that one user may have in flight at this gateway.
    #[arg(long, env = "DOWNLOADS_PER_USER_MAX", default_value = "16")]
    pub downloads_per_user_max: usize,
    /// Longest silence of a client in the middle of its upload.
    #[arg(long, env = "UPLOAD_IDLE_MAX", default_value = "30s", value_parser = parse_duration)]
    pub upload_idle_max: Duration,
    /// Slowest upload in bytes per second, over the time that the client is waited for.
    #[arg(long, env = "UPLOAD_RATE_MIN", default_value = "16384")]
    pub upload_rate_min: u64,
    /// Longest a caller waits for one conversion; `Request-Deadline-Ms` may shorten it.
    #[arg(long, env = "CONVERT_TIMEOUT", default_value = "10m", value_parser = parse_duration)]
    pub convert_timeout: Duration,
    /// Longest an upload waits for a converter that has a permit for it.
    #[arg(long, env = "ADMISSION_WAIT_MAX", default_value = "2s", value_parser = parse_duration)]
    pub admission_wait_max: Duration,
    /// Uploads that may wait for a converter at a time; further ones are refused at once.
    #[arg(long, env = "ADMISSION_WAITING_MAX", default_value = "256")]
    pub admission_waiting_max: usize,
    /// The queued flow: an upload with `Prefer: respond-async` is stored and answered with 202, and converted later. Set it
    /// at the converters, too.
    #[arg(long, env = "QUEUED_FLOW")]
    pub queued_flow: bool,
    /// Longest that a queued upload may take from its request to its mp3; `Request-Deadline-Ms` may shorten it.
    #[arg(long, env = "QUEUE_TIMEOUT", default_value = "1h", value_parser = parse_duration)]
    pub queue_timeout: Duration,
    /// Uploads that may wait in the queue. Gateways look before they take a further one, so those that are under way at that
    /// moment may come on top.
    #[arg(long, env = "QUEUE_MAX", default_value = "1000")]
    pub queue_max: u64,
    /// Bytes of their videos, likewise.
    #[arg(long, env = "QUEUE_BYTES_MAX", default_value = "107374182400")]
    pub queue_bytes_max: u64,
    /// Uploads of one user that may wait in the queue, likewise.
    #[arg(long, env = "QUEUED_PER_USER_MAX", default_value = "100")]
    pub queued_per_user_max: u64,
    /// How long a queued upload belongs to a gateway that is not heard of.
    #[arg(long, env = "LEASE", default_value = "15s", value_parser = parse_duration)]
    pub lease: Duration,
    /// Longest a status request is held by `Prefer: wait=N`.
    #[arg(long, env = "STATUS_WAIT_MAX", default_value = "60s", value_parser = parse_duration)]
    pub status_wait_max: Duration,
    /// Status requests of one user that `Prefer: wait=N` may hold at a time at this gateway; further ones are answered
    /// at once.
    #[arg(long, env = "STATUS_WAITS_PER_USER_MAX", default_value = "8")]
    pub status_waits_per_user_max: usize,
    /// Conversions on one page of a list where the request does not say.
    #[arg(long, env = "PAGE_DEFAULT", default_value = "20")]
    pub page_default: usize,
    /// Most conversions on one page of a list.
    #[arg(long, env = "PAGE_MAX", default_value = "100")]
    pub page_max: usize,
    /// Further names under which a gateway on loopback may be addressed, comma-separated. Other `Host` headers are
    /// refused there, so that no web site reaches it by a name of its own (DNS rebinding).
    #[arg(long, env = "ALLOWED_HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,
    /// A proxy in front of the gateway speaks TLS: cookies become `Secure`, with the prefix `__Host-`. Failed logins do
    /// not count by address then, because all connections are the proxy's.
    #[arg(long, env = "TLS_IN_FRONT")]
    pub tls_in_front: bool,
}
