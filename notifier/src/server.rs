//! Starting and stopping the service.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use chassis::{Readiness, Server, serve};
use converter::{
    event::{Broker, UNSETTLED_MAX},
    store::Store,
};
use tokio::{sync::Semaphore, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Config,
    deliver::{self, App},
    letter,
    mail::Carrier,
};

/// Mails that are sent at a time: the messages that a broker hands out before it hears of one.
const DELIVERIES_MAX: usize = UNSETTLED_MAX as usize;
/// How long requests may still run at the end; only health and metrics are served.
const STOP_MAX: Duration = Duration::from_secs(2);

/// What the service is made of.
#[derive(Debug)]
pub struct Parts {
    pub config: Config,
    pub store: Store,
    pub broker: Broker,
}

/// A running notifier.
#[derive(Debug)]
pub struct Notifier {
    server: Server,
    consumer: JoinHandle<()>,
    deliveries: TaskTracker,
    stopping: CancellationToken,
    claim: Duration,
}

/// Checks the settings, then starts the health server and the consumer.
pub async fn start(parts: Parts) -> anyhow::Result<Notifier> {
    let Parts { config, store, broker } = parts;
    let app = Arc::new(App {
        carrier: Carrier::open(&config)?,
        from: letter::sender(&config.mail_from)
            .with_context(|| format!("MAIL_FROM {:?} is no mail address", config.mail_from))?,
        link_base: config.link_base()?,
        config,
        store,
        broker,
    });
    let readiness = Readiness::default()
        .with("store", {
            let store = app.store.clone();
            move || {
                let store = store.clone();
                async move { store.ping().await.map_err(|e| e.to_string()) }
            }
        })
        .with("broker", {
            let broker = app.broker.clone();
            move || {
                let broker = broker.clone();
                async move { broker.ping().await.map_err(|e| e.to_string()) }
            }
        })
        // Mails wait in the outbox for their server, so this instance is as ready as any other.
        .reporting("mail", {
            let app = Arc::clone(&app);
            move || {
                let app = Arc::clone(&app);
                async move { app.carrier.ping().await.map_err(|e| e.to_string()) }
            }
        });
    let listener = serve::bind(app.config.notifier_listen)?;
    let server = Server::start("notifier", listener, readiness, STOP_MAX, |_| {})?;
    let (deliveries, stopping, claim) = (TaskTracker::new(), CancellationToken::new(), app.config.delivery_claim);
    let consumer = tokio::spawn(consume(app, deliveries.clone(), stopping.clone()));
    Ok(Notifier { server, consumer, deliveries, stopping, claim })
}

impl Notifier {
    /// The address of its health and metrics.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Takes no further message and waits for the mails that are being sent, at most as long as their claims.
    pub async fn stop(self) {
        self.stopping.cancel();
        let _ = self.consumer.await;
        self.deliveries.close();
        if timeout(self.claim, self.deliveries.wait()).await.is_err() {
            tracing::warn!("mails are still being sent; their claims end by themselves");
        }
        self.server.stop().await;
    }
}

async fn consume(app: Arc<App>, deliveries: TaskTracker, stopping: CancellationToken) {
    let places = Arc::new(Semaphore::new(DELIVERIES_MAX));
    loop {
        // The place comes before the message: a message that is taken is handled.
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, app.broker.next().await)
        };
        let (place, delivery) = tokio::select! {
            next = next => next,
            () = stopping.cancelled() => return,
        };
        // A task of its own, so that a defect in one delivery ends only that one.
        let handling = deliver::handle(Arc::clone(&app), delivery);
        deliveries.spawn(async move {
            handling.await;
            drop(place);
        });
    }
}
