//! The `notifier` binary: parse, start, run until SIGTERM.

use std::process::ExitCode;

use chassis::{
    healthcheck,
    telemetry::{self, LogConfig},
};
use clap::Parser;
use converter::{
    event::{Broker, Queue},
    store::Store,
};
use notifier::{Config, Parts};

/// Mails the owners of finished conversions.
#[derive(Debug, Parser)]
#[command(version, after_help = healthcheck::HELP)]
struct Cli {
    #[command(flatten)]
    config: Config,
    /// Where conversions are stored: `mongodb://USER:PASSWORD@HOST/DATABASE`, or `file:FOLDER` for one process.
    #[arg(long, env = "STORE_URL", value_name = "URL", hide_env_values = true)]
    store_url: String,
    /// The RabbitMQ server (3.10 or newer) that carries announcements: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or
    /// `amqps://…` for TLS. A `/` in VHOST is written `%2f`.
    #[arg(long, env = "BROKER_URL", value_name = "URL", hide_env_values = true)]
    broker_url: String,
    #[command(flatten)]
    log: LogConfig,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(health) = healthcheck::asked("NOTIFIER_LISTEN", 8083) {
        return health;
    }
    let cli = Cli::parse();
    telemetry::init(&cli.log);
    match serve(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "the notifier could not run");
            ExitCode::FAILURE
        }
    }
}

async fn serve(cli: Cli) -> anyhow::Result<()> {
    let stop = chassis::shutdown_signal();
    let broker = Broker::open(&cli.broker_url, Queue::Mp3)?;
    let store = Store::open(&cli.store_url, "notifier").await?;
    let notifier = notifier::start(Parts { config: cli.config, store, broker }).await?;
    stop.await;
    notifier.stop().await;
    Ok(())
}
