//! The commands that talk to a running system.

pub mod api;
pub mod conversions;
pub mod convert;
pub mod download;
pub mod login;
mod queue;
mod retry;
pub mod session;
mod upload;
pub mod users;

use std::path::PathBuf;

use api::Api;

use crate::{error::Error, up::DataDir};

/// Which system a command talks to.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// The gateway's address; by default that of the system that runs on the data folder, else port 8080 of this machine.
    #[arg(long, env = "TAPEDECK_SERVER", value_name = "URL")]
    server: Option<String>,
    /// Data folder of a `tapedeck up` on this machine: where nobody logged in, its admin is used.
    #[arg(long, env = "TAPEDECK_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where a system listens unless it is told otherwise.
const DEFAULT: &str = "http://127.0.0.1:8080";

impl Server {
    /// A client that is not logged in.
    pub fn api(&self) -> Result<Api, Error> {
        let found = || self.data_dir().ok().and_then(|data| data.running_at());
        Api::new(&self.server.clone().or_else(found).unwrap_or_else(|| DEFAULT.to_owned()))
    }

    fn data_dir(&self) -> Result<DataDir, Error> {
        DataDir::locate(self.data.as_deref()).map_err(|cause| Error::Failed(format!("{cause:#}")))
    }

    /// A client that is logged in.
    pub async fn connect(&self) -> Result<Api, Error> {
        session::connect(self).await
    }
}
