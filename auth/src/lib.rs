//! Users, passwords and tokens. Nothing but auth touches the user store or the signing keys.
//!
//! [`client`] is the contract and compiles alone (feature `client`); the rest is the service.

#[cfg(feature = "client")]
pub mod client;

// The calls.
#[cfg(feature = "server")]
mod accounts;
#[cfg(feature = "server")]
mod basic;
#[cfg(feature = "server")]
mod bearer;
#[cfg(feature = "server")]
mod login;

// What they stand on.
#[cfg(feature = "server")]
mod attempts;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod keys;
#[cfg(feature = "server")]
mod password;
#[cfg(feature = "server")]
mod rules;
#[cfg(feature = "server")]
mod throttle;
#[cfg(feature = "server")]
mod token;
#[cfg(feature = "server")]
mod users;

// The process around them.
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "server")]
mod service;

#[cfg(feature = "server")]
pub use {
    config::{Config, KeyConfig, ServiceConfig, StoreConfig},
    error::Error,
    keys::KeyRing,
    password::PasswordHash,
    rules::{Email, Password, Username},
    service::{Auth, Parts, start},
    users::{Account, MysqlUsers, NewAccount, SqliteUsers, Users},
};

/// What every request can reach.
#[cfg(feature = "server")]
#[derive(Debug)]
struct App {
    users: Users,
    keys: KeyRing,
    passwords: password::Passwords,
    attempts: attempts::Attempts,
    token_lifetime: std::time::Duration,
}

/// The internal API; only the gateway can reach it (a network policy, or loopback).
#[cfg(feature = "server")]
fn routes(config: &mut actix_web::web::ServiceConfig) {
    use actix_web::web::{delete, get, post, put};
    use chassis::serve::resource;

    config
        .service(resource("/login", "POST").route(post().to(login::login)))
        .service(resource("/validate", "POST").route(post().to(bearer::validate)))
        .service(resource("/users", "GET, POST").route(get().to(accounts::list)).route(post().to(accounts::create)))
        .service(resource("/users/me/password", "PUT").route(put().to(accounts::change_password)))
        .service(resource("/users/{name}", "DELETE").route(delete().to(accounts::remove)));
}
