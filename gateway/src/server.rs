//! Starting, draining and stopping the service.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};
use anyhow::{Context as _, ensure};
use auth::client::CALL_TIMEOUT;
use chassis::{Readiness, Server, ServiceToken, serve};
use converter::{event::Broker, store::Store};
use tokio::{runtime::Handle, task::JoinHandle, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    App, Config, origin,
    per_user::PerUser,
    replicas::{self, Admission, Replicas},
    routes,
    upload::queued::Queue,
    watch::Watch,
};

/// How long requests may still run once no upload does.
const STOP_MAX: Duration = Duration::from_secs(15);
/// How much longer than its deadline an upload may take to be answered.
const ANSWER_GRACE: Duration = Duration::from_secs(5);

/// Further routes, served beside the gateway's own and behind the same checks of `Host` and headers.
pub type Mount = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// What the service is made of.
pub struct Parts {
    pub config: Config,
    pub store: Store,
    /// Tells the workers, where `QUEUED_FLOW` is on.
    pub jobs: Option<Broker>,
    pub service_token: ServiceToken,
    /// Routes of the process around the gateway; they may use [`crate::Caller`] and [`crate::Admin`].
    pub mount: Option<Mount>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("config", &self.config).field("store", &self.store).finish_non_exhaustive()
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    app: Data<App>,
    server: Server,
    /// Looks for converters, and for ends that callers wait for.
    watching: [JoinHandle<()>; 2],
}

/// Starts the service; it listens when this returns.
pub async fn start(parts: Parts) -> anyhow::Result<Gateway> {
    let Parts { config, store, jobs, service_token, mount } = parts;
    ensure!(jobs.is_some() || !config.queued_flow, "the queued flow needs BROKER_URL");
    let jobs = jobs.filter(|_| config.queued_flow);
    let auth = auth::client::Client::new(&config.auth_url, CALL_TIMEOUT)?;
    let replicas = Arc::new(Replicas::new(service_token));
    replicas::refresh(&config.converters, &replicas).await;
    let readiness = readiness(&config, &store, &replicas, jobs.as_ref())?;
    let listener = serve::bind(config.gateway_listen)?;
    let app = Data::new(App {
        allowed_hosts: origin::allowed_hosts(config.gateway_listen.ip(), &config.allowed_hosts),
        queue: jobs.map(|jobs| Queue::new(jobs, &config)),
        admission: Admission::new(Arc::clone(&replicas), &config),
        per_user: PerUser::new(config.uploads_per_user_max),
        downloads: PerUser::new(config.downloads_per_user_max),
        waiting: PerUser::new(config.status_waits_per_user_max),
        watch: Watch::default(),
        uploads: TaskTracker::new(),
        tasks: Handle::current(),
        readiness: readiness.clone(),
        auth,
        store,
        config,
    });
    let data = app.clone();
    let server = Server::start("gateway", listener, readiness, STOP_MAX, move |config| {
        let scope = web::scope("").app_data(data.clone()).wrap(from_fn(origin::guard)).configure(routes);
        config.service(match &mount {
            Some(mount) => scope.configure(|config| mount(config)),
            None => scope,
        });
    })?;
    let replicas = tokio::spawn(replicas::watch(app.config.converters.clone(), replicas));
    let data = app.clone();
    let ends = tokio::spawn(async move { data.watch.keep(&data.store).await });
    Ok(Gateway { app, server, watching: [replicas, ends] })
}

impl Gateway {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Takes no new upload from now on and says so to whoever balances the load. Everything else is served.
    pub fn drain(&self) {
        self.app.readiness.drain();
    }

    /// Waits until no upload is in flight, at most as long as a caller would wait, then stops listening.
    pub async fn stop(self) {
        self.drain();
        self.app.uploads.close();
        let longest = self.app.config.convert_timeout + ANSWER_GRACE;
        if timeout(longest, self.app.uploads.wait()).await.is_err() {
            tracing::warn!("uploads are still in flight; they are cut off");
        }
        self.server.stop().await;
        self.watching.iter().for_each(JoinHandle::abort);
    }
}

fn readiness(
    config: &Config,
    store: &Store,
    replicas: &Arc<Replicas>,
    jobs: Option<&Broker>,
) -> anyhow::Result<Readiness> {
    let http = reqwest::Client::builder().no_proxy().timeout(CALL_TIMEOUT).build().context("no HTTP client")?;
    let auth_health = format!("{}/readyz", config.auth_url.trim_end_matches('/'));
    let (store, replicas) = (store.clone(), Arc::clone(replicas));
    let readiness = Readiness::default()
        .with("auth", move || {
            let call = http.get(&auth_health).send();
            async move {
                let answer = call.await.map_err(|_| "auth does not answer (AUTH_URL)".to_owned())?;
                answer.error_for_status().map(drop).map_err(|_| "auth is not ready".to_owned())
            }
        })
        .with("store", move || {
            let store = store.clone();
            async move { store.ping().await.map_err(|cause| cause.to_string()) }
        })
        // A converter is no condition: downloads, lists and status need none.
        .reporting("converters", move || {
            let is_empty = replicas.is_empty();
            async move { if is_empty { Err("no converter is known (CONVERTERS)".to_owned()) } else { Ok(()) } }
        });
    let Some(jobs) = jobs.cloned() else { return Ok(readiness) };
    // Nor is the broker: what it is not told now, the converters tell it later.
    Ok(readiness.reporting("broker", move || {
        let jobs = jobs.clone();
        async move { jobs.ping().await.map_err(|cause| cause.to_string()) }
    }))
}
