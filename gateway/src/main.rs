//! The `gateway` binary: parse, start, run until SIGTERM.

use std::process::ExitCode;

use chassis::{
    ServiceToken, healthcheck,
    service_token::ServiceTokenConfig,
    telemetry::{self, LogConfig},
};
use clap::Parser;
use converter::{
    event::{Broker, Queue},
    store::Store,
};
use gateway::{Config, Parts};

/// The public door of tapedeck: log-in, uploads, downloads, and the web page.
#[derive(Debug, Parser)]
#[command(version, after_help = healthcheck::HELP)]
struct Cli {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    token: ServiceTokenConfig,
    /// Where conversions and mp3s are stored: `mongodb://USER:PASSWORD@HOST/DATABASE`, or `file:FOLDER` for one process.
    #[arg(long, env = "STORE_URL", value_name = "URL", hide_env_values = true)]
    store_url: String,
    /// What tells the workers of the queued flow: `amqp://USER:PASSWORD@HOST/VHOST`, or `amqps://…`; read where `QUEUED_FLOW`
    /// is on.
    #[arg(long, env = "BROKER_URL", value_name = "URL", hide_env_values = true)]
    broker_url: Option<String>,
    #[command(flatten)]
    log: LogConfig,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(health) = healthcheck::asked("GATEWAY_LISTEN", 8080) {
        return health;
    }
    let cli = Cli::parse();
    telemetry::init(&cli.log);
    match serve(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "the gateway could not run");
            ExitCode::FAILURE
        }
    }
}

async fn serve(cli: Cli) -> anyhow::Result<()> {
    let stop = chassis::shutdown_signal();
    let service_token = ServiceToken::read(&cli.token)?;
    let store = Store::open(&cli.store_url, "gateway").await?;
    let broker_url = cli.broker_url.filter(|_| cli.config.queued_flow);
    let jobs = broker_url.map(|url| Broker::open(&url, Queue::Video)).transpose()?;
    let gateway = gateway::start(Parts { config: cli.config, store, jobs, service_token, mount: None }).await?;
    stop.await;
    gateway.drain();
    gateway.stop().await;
    Ok(())
}
