//! Binding, serving and draining one service.

use std::{
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer, ResponseError as _,
    dev::ServerHandle,
    http::header,
    middleware::{Next, from_fn},
    web::{self, ServiceConfig},
};
use anyhow::Context as _;
use tokio::task::JoinHandle;

use crate::{Problem, Readiness, health, metrics, observe::observe, open_files};

/// Longest a client may take to send a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest a refused client is listened to after the answer, so that it can read it.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Largest JSON or form body that a handler may ask for.
const JSON_BYTES_MAX: usize = 64 * 1024;
/// How often recorded histogram samples are folded into their buckets.
const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// One service that listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    running: JoinHandle<std::io::Result<()>>,
}

/// Binds `address`; port 0 picks a free one.
pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

impl Server {
    /// Serves `routes` on `listener`, with health, metrics, request ids and problems for unknown addresses.
    ///
    /// `drain_max` bounds [`Self::stop`]: requests that still run after it are cut off.
    pub fn start(
        service: &'static str,
        listener: TcpListener,
        readiness: Readiness,
        drain_max: Duration,
        routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    ) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let readiness = web::Data::new(readiness);
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let server = HttpServer::new(move || {
            App::new()
                .app_data(readiness.clone())
                .app_data(web::JsonConfig::default().limit(JSON_BYTES_MAX).error_handler(|e, _| malformed(&e).into()))
                .app_data(web::QueryConfig::default().error_handler(|e, _| malformed(&e).into()))
                .app_data(web::PathConfig::default().error_handler(|e, _| malformed(&e).into()))
                .wrap(from_fn(move |request, next: Next<_>| observe(service, request, next)))
                .service(resource("/livez", "GET").route(web::get().to(health::live)))
                .service(resource("/readyz", "GET").route(web::get().to(health::ready)))
                .service(resource("/metrics", "GET").route(web::get().to(metrics::render)))
                .configure(&routes)
                .default_service(web::to(unknown_address))
        })
        .workers(workers)
        .max_connections(open_files::connections_max(workers))
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        // Head and body of a streamed answer are two writes; the second must not wait until the client, which takes its
        // time (40 ms on Linux), acknowledges the first.
        .tcp_nodelay(true)
        // A client that left mid-upload must be noticed, not waited for.
        .h1_allow_half_closed(false)
        .shutdown_timeout(drain_max.as_secs().max(1))
        .disable_signals()
        .listen(listener)
        .with_context(|| format!("cannot serve on {address}"))?
        .run();
        let handle = server.handle();
        let running = tokio::spawn(async move {
            tokio::select! {
                ended = server => ended,
                never = upkeep() => never,
            }
        });
        tracing::info!(service, %address, "listening");
        Ok(Self { address, handle, running })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening and waits for the requests that still run, at most `drain_max`.
    pub async fn stop(self) {
        self.handle.stop(true).await;
        let _ = self.running.await;
    }
}

async fn upkeep() -> std::io::Result<()> {
    let mut ticks = tokio::time::interval(METRICS_UPKEEP);
    loop {
        ticks.tick().await;
        metrics::upkeep();
    }
}

/// Resolves at SIGTERM or Ctrl-C.
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// A resource that answers other methods than `allow` (a list as in the `Allow` header) with 405.
pub fn resource(path: &str, allow: &'static str) -> actix_web::Resource {
    web::resource(path.to_owned()).default_service(web::to(move || async move {
        let detail = format!("this address takes {allow}");
        let problem = Problem::new(405, "/problems/method-not-allowed", "Method not allowed", detail);
        problem.header(header::ALLOW, allow).error_response()
    }))
}

async fn unknown_address() -> HttpResponse {
    let detail = "nothing is served at this address; see /docs";
    Problem::new(404, "/problems/not-found", "Not found", detail).error_response()
}

fn malformed(cause: &impl std::fmt::Display) -> Problem {
    Problem::new(400, "/problems/bad-request", "Malformed request", cause.to_string())
}
