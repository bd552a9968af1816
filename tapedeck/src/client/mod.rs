//! The commands that talk to a running system.

pub mod api;
pub mod conversions;
pub mod convert;
pub mod download;
pub mod login;
mod progress;
mod retry;
pub mod session;
mod upload;
pub mod users;

use std::path::PathBuf;

use api::Api;

use crate::error::Error;

/// Which system a command talks to.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// The gateway's address.
    #[arg(long, env = "TAPEDECK_SERVER", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub server: String,
    /// Data folder of a `tapedeck up` on this machine: where nobody logged in, its admin is used.
    #[arg(long, env = "TAPEDECK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Server {
    /// A client that is logged in.
    pub async fn connect(&self) -> Result<Api, Error> {
        session::connect(self).await
    }
}
