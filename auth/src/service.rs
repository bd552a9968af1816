//! Starting and stopping the service.

use std::{net::SocketAddr, sync::Arc};

use actix_web::web;
use anyhow::Context as _;
use chassis::{Outage, Readiness, Server, chain, serve::bind};

use crate::{App, Config, ServiceConfig, attempts::Attempts, keys::KeyRing, password::Passwords, routes, users::Users};

/// What a service is made of; the all-in-one process brings its own opened store and keys.
#[derive(Debug)]
pub struct Parts {
    pub service: ServiceConfig,
    pub users: Users,
    pub keys: KeyRing,
}

impl Parts {
    /// Opens the store and reads the keys that the configuration names.
    pub fn open(config: Config) -> anyhow::Result<Self> {
        let Config { service, store, keys } = config;
        let keys = KeyRing::open(&keys.signing_key_file, keys.signing_key_previous_file.as_deref())?;
        Ok(Self { service, users: Users::open(&store.users_url, "auth")?, keys })
    }
}

/// The running service.
#[derive(Debug)]
pub struct Auth {
    server: Server,
    readiness: Readiness,
}

/// Starts the service; it listens when this returns.
pub async fn start(parts: Parts) -> anyhow::Result<Auth> {
    let Parts { service, users, keys } = parts;
    let listener = bind(service.listen)?;
    let passwords = Passwords::new(service.password_checks_max).await.context("cannot hash passwords")?;
    let attempts = Attempts::new(
        service.login_failures_max,
        service.login_failures_per_address_max,
        service.login_failures_window,
    );
    let readiness = readiness(&users);
    let app = web::Data::new(App { users, keys, passwords, attempts, token_lifetime: service.token_lifetime });
    let server = Server::start("auth", listener, readiness.clone(), service.drain_max, move |config| {
        config.app_data(app.clone());
        routes(config);
    })?;
    Ok(Auth { server, readiness })
}

fn readiness(users: &Users) -> Readiness {
    let (users, outage) = (users.clone(), Arc::new(Outage::default()));
    Readiness::default().with("users", move || {
        let (users, outage) = (users.clone(), Arc::clone(&outage));
        async move {
            let missing = users.ping().await.err();
            let told = missing.as_ref().map(ToString::to_string);
            if outage.has_changed(told.as_deref()) {
                if let Some(cause) = &missing {
                    tracing::warn!(cause = chain(cause), "users_missing");
                } else {
                    tracing::info!("users_back");
                }
            }
            told.map_or(Ok(()), Err)
        }
    })
}

impl Auth {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Stops listening and waits for the requests that still run, at most `AUTH_DRAIN`.
    pub async fn stop(self) {
        self.readiness.drain();
        self.server.stop().await;
    }
}
