//! `tapedeck up`: all services in one process, over real HTTP on loopback, on embedded stores or on
//! real servers.

mod banner;
mod data_dir;
mod inbox;
mod settings;
mod system;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

use crate::{console, error::Error};
pub use {
    data_dir::DataDir,
    settings::Services,
    system::{Admin, System},
};

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
    #[command(flatten)]
    pub stores: Stores,
    /// Longest that a stop waits for conversions that still run. What it cuts off fails and may be sent again.
    #[arg(long, env = "STOP_MAX", value_name = "TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub stop_max: Duration,
    #[arg(skip)]
    pub admin_password: Option<SecretString>,
    #[command(flatten)]
    pub services: Services,
}

/// Servers in place of what the data folder holds, so that a developer runs the services against real ones.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Stores")]
pub struct Stores {
    /// Where users are kept: `mysql://USER:PASSWORD@HOST:PORT/DATABASE` (`auth migrate` makes its schema and the first
    /// admin). Without it, in the data folder.
    #[arg(long, env = "USERS_URL", value_name = "URL", hide_env_values = true)]
    pub users_url: Option<String>,
    /// Where conversions and mp3s are kept: `mongodb://…`. Without it, in the data folder.
    #[arg(long, env = "STORE_URL", value_name = "URL", hide_env_values = true)]
    pub store_url: Option<String>,
    /// What carries announcements: `amqp://…`. Without it, a queue inside the process.
    #[arg(long, env = "BROKER_URL", value_name = "URL", hide_env_values = true)]
    pub broker_url: Option<String>,
}

/// Runs until SIGTERM or Ctrl-C.
pub async fn run(mut args: Args) -> Result<(), Error> {
    // Whatever the services write is for this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    args.admin_password = std::env::var("TAPEDECK_ADMIN_PASSWORD").ok().map(SecretString::from);
    let stop_max = args.stop_max;
    // One for the start and what follows, so that no signal comes in between.
    let mut stop = std::pin::pin!(chassis::shutdown_signal());
    let system = tokio::select! {
        system = System::start(args) => system.map_err(|cause| Error::Failed(format!("{cause:#}")))?,
        () = &mut stop => return Ok(()),
    };
    console::result(banner::text(system.base(), system.data(), system.admin()));
    stop.await;
    console::note("stopping; once more to stop at once");
    tokio::select! {
        () = system.stop(stop_max) => Ok(()),
        () = chassis::shutdown_signal() => Err(Error::Interrupted),
    }
}
