//! Conversions: video in, mp3 out, one document as the truth.
//!
//! The contracts that other services use (`client`, `event`, `store` and the types they speak of) compile without the
//! server behind them.

#[cfg(all(feature = "client", feature = "store"))]
pub mod claim;
#[cfg(feature = "client")]
pub mod client;
pub mod control;
pub mod conversion;
#[cfg(feature = "event")]
pub mod event;
#[cfg(feature = "store")]
pub mod lease;
pub mod options;
#[cfg(feature = "store")]
pub mod store;

// The engine, as a process of its own and as what the service starts.
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod sniff;
#[cfg(feature = "server")]
pub mod transcode;

// The service. Its route table is in `api`.
#[cfg(feature = "server")]
mod admission;
#[cfg(feature = "server")]
mod api;
#[cfg(feature = "server")]
mod config;
#[cfg(feature = "server")]
mod error;
#[cfg(feature = "server")]
mod job;
#[cfg(feature = "server")]
mod permits;
#[cfg(feature = "server")]
mod relay;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod state;
#[cfg(feature = "server")]
mod sweeper;
#[cfg(feature = "server")]
mod worker;

#[cfg(feature = "server")]
use state::App;
#[cfg(feature = "server")]
pub use {
    config::Config,
    server::{Converter, Parts, start},
};
