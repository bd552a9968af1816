//! `tapedeck up`: all services in one process, over real HTTP on loopback, on embedded stores.

mod banner;
mod data_dir;
mod inbox;
mod settings;
mod system;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;
use tokio::time::timeout;

use crate::{console, error::Error};
pub use {data_dir::DataDir, settings::Services, system::System};

/// The name of the one user that a new system has.
pub const ADMIN: &str = "admin";

/// Run all services on this machine.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "TAPEDECK_ADMIN_PASSWORD sets the admin's password; without it a random one is made at the first \
                        start and kept in the data folder."
)]
pub struct Args {
    /// Address to listen on; port 0 picks a free one. Everything else listens on loopback only.
    #[arg(
        id = "tapedeck_listen",
        long = "listen",
        env = "TAPEDECK_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Folder for everything that is kept; by default the user's own, e.g. `~/.local/share/tapedeck`.
    #[arg(long, env = "TAPEDECK_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Longest that a stop waits for conversions that still run. What it cuts off fails and may be sent again.
    #[arg(long, env = "STOP_MAX", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub stop_max: Duration,
    #[arg(skip)]
    pub admin_password: Option<SecretString>,
    #[command(flatten)]
    pub services: Services,
}

/// Runs until SIGTERM or Ctrl-C.
pub async fn run(mut args: Args) -> Result<(), Error> {
    // Whatever the services write is for this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    args.admin_password = std::env::var("TAPEDECK_ADMIN_PASSWORD").ok().map(SecretString::from);
    let stop_max = args.stop_max;
    let system = tokio::select! {
        system = System::start(args) => system.map_err(|cause| Error::Failed(format!("{cause:#}")))?,
        () = chassis::shutdown_signal() => return Ok(()),
    };
    console::result(banner::text(system.base(), system.data(), system.new_password()));
    chassis::shutdown_signal().await;
    console::note("stopping; once more to stop at once");
    tokio::select! {
        stopped = timeout(stop_max, system.stop()) => {
            if stopped.is_err() {
                tracing::warn!("not everything ended within {stop_max:?} (STOP_MAX); the next start cleans up");
            }
            Ok(())
        }
        () = chassis::shutdown_signal() => Err(Error::Interrupted),
    }
}
