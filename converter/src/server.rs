//! Starting, draining and stopping the service.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use actix_web::web::Data;
use anyhow::Context as _;
use chassis::{Readiness, Server, ServiceToken, chain, hex, serve};
use tokio::{runtime::Handle, sync::Notify, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    App, Config, api,
    conversion::Timestamp,
    engine,
    event::Broker,
    lease::Holder,
    permits::Permits,
    relay::{self, Outbox},
    store::Store,
    sweeper, worker,
};

/// How long conversions that are stopped may take to say so in their documents.
const HAND_BACK_MAX: Duration = Duration::from_secs(5);
/// How long requests may still run once no conversion does.
const STOP_MAX: Duration = Duration::from_secs(15);

/// What the service is made of.
#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub store: Store,
    /// For announcements.
    pub broker: Broker,
    /// For the queued flow, where `QUEUED_FLOW` is on.
    pub jobs: Option<Broker>,
    pub service_token: ServiceToken,
}

/// A running converter.
#[derive(Debug)]
pub struct Converter {
    app: Arc<App>,
    server: Server,
    loops: Vec<JoinHandle<()>>,
    worker: Option<Worker>,
}

/// The queued flow's part.
#[derive(Debug)]
struct Worker {
    stop: CancellationToken,
    ended: CancellationToken,
}

/// Starts the service, its sweeper and its relay.
pub fn start(parts: Parts) -> anyhow::Result<Converter> {
    let Parts { config, store, broker, jobs, service_token } = parts;
    config.check()?;
    let spool_dir = config.spool_dir.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&spool_dir).with_context(|| format!("cannot use SPOOL_DIR {}", spool_dir.display()))?;
    let readiness = Readiness::default()
        .with("store", {
            let store = store.clone();
            move || {
                let store = store.clone();
                async move { store.ping().await.map_err(|e| e.to_string()) }
            }
        })
        // Uploads go on without the broker: their announcements wait in the outbox.
        .reporting("broker", {
            let broker = broker.clone();
            move || {
                let broker = broker.clone();
                async move { broker.ping().await.map_err(|e| e.to_string()) }
            }
        });
    let app = Arc::new(App {
        permits: Permits::new(&config, &spool_dir),
        engine: engine_program(&config)?,
        ffmpeg: ffmpeg_program(&config),
        holder: Holder {
            name: format!("{}-{}", std::process::id(), hex::encode(&hex::random::<4>())),
            length: config.lease,
        },
        tasks: Handle::current(),
        readiness: readiness.clone(),
        stopped: CancellationToken::new(),
        announce: Notify::new(),
        sweep: Notify::new(),
        spool_dir,
        config,
        store,
        broker,
    });
    let listener = serve::bind(app.config.converter_listen)?;
    let (data, token) = (Data::from(Arc::clone(&app)), Data::new(service_token));
    let server = Server::start("converter", listener, readiness, STOP_MAX, move |routes| {
        routes.app_data(data.clone()).app_data(token.clone()).configure(api::routes);
    })?;
    let mut loops = vec![tokio::spawn(sweeper::run(Arc::clone(&app))), tokio::spawn(relay::announce(Arc::clone(&app)))];
    let worker = jobs.filter(|_| app.config.queued_flow).map(|jobs| {
        loops.push(tokio::spawn(relay::dispatch(Arc::clone(&app), jobs.clone())));
        let worker = Worker { stop: CancellationToken::new(), ended: CancellationToken::new() };
        let (taking, ended) = (worker::run(Arc::clone(&app), jobs, worker.stop.clone()), worker.ended.clone());
        tokio::spawn(async move {
            let _ended = ended.drop_guard();
            taking.await;
        });
        worker
    });
    Ok(Converter { app, server, loops, worker })
}

impl Converter {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Takes no new upload and waits until none is held or running; at most as long as a caller would wait.
    pub async fn drain(&self) {
        self.app.readiness.drain();
        if let Some(Worker { stop, ended }) = &self.worker {
            stop.cancel();
            ended.cancelled().await;
        }
        let longest = self.app.config.convert_timeout + self.app.config.permit_hold;
        if timeout(longest, self.app.permits.idle()).await.is_err() {
            tracing::warn!("conversions still run; they are stopped");
        }
    }

    /// Ends what still runs: callers are told to come again, and queued videos go back to the queue. Then stops the server, and
    /// hands the last announcements to the broker.
    pub async fn stop(self) {
        let Self { app, server, loops, worker: _ } = self;
        app.stopped.cancel();
        if timeout(HAND_BACK_MAX, app.permits.idle()).await.is_err() {
            tracing::warn!("conversions still run; their leases end them");
        }
        server.stop().await;
        for task in loops {
            task.abort();
        }
        if let Err(cause) = relay::publish(&app, Outbox::Announcements(&app.broker), Timestamp(0)).await {
            tracing::warn!(cause = chain(&cause), "announcements wait for the next start");
        }
    }
}

fn engine_program(config: &Config) -> anyhow::Result<PathBuf> {
    match &config.engine {
        Some(program) => engine::find_program(program)
            .with_context(|| format!("{} is not a program that can be started (ENGINE)", program.display())),
        None => std::env::current_exe().context("cannot find this program's own file; set ENGINE"),
    }
}

/// Most videos need no ffmpeg, so the service starts without it.
fn ffmpeg_program(config: &Config) -> PathBuf {
    engine::find_program(&config.ffmpeg).unwrap_or_else(|| {
        let ffmpeg = config.ffmpeg.display();
        tracing::warn!(%ffmpeg, "there is no ffmpeg (FFMPEG): videos that the engine cannot decode alone will fail");
        config.ffmpeg.clone()
    })
}
