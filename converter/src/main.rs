//! The `converter` binary: the service, or its engine alone.

use std::process::ExitCode;

use anyhow::bail;
use chassis::{
    ServiceToken, healthcheck,
    service_token::ServiceTokenConfig,
    telemetry::{self, LogConfig},
};
use clap::Parser;
use converter::{
    Config, Parts,
    event::{Broker, Queue},
    store::Store,
    transcode::filter_help,
};

/// Converts videos to mp3s for the gateway.
#[derive(Debug, Parser)]
#[command(version, after_help = healthcheck::HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
    // What the service alone must be told. clap counts an optional group as absent where a group is nested in it.
    #[command(flatten)]
    token: Option<ServiceTokenConfig>,
    #[command(flatten)]
    servers: Option<Servers>,
    #[command(flatten)]
    log: LogConfig,
}

/// Where it keeps and announces what it made.
#[derive(Debug, clap::Args)]
struct Servers {
    /// Where conversions and mp3s are stored: `mongodb://USER:PASSWORD@HOST/DATABASE`, or `file:FOLDER` for one process.
    #[arg(long, env = "STORE_URL", value_name = "URL", hide_env_values = true)]
    store_url: String,
    /// The RabbitMQ server (3.10 or newer) that carries announcements: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or
    /// `amqps://…` for TLS. A `/` in VHOST is written `%2f`.
    #[arg(long, env = "BROKER_URL", value_name = "URL", hide_env_values = true)]
    broker_url: String,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Converts standard input to an mp3 on standard output.
    #[command(after_long_help = filter_help("converter"))]
    Transcode(converter::transcode::Args),
}

fn main() -> ExitCode {
    if let Some(health) = healthcheck::asked("CONVERTER_LISTEN", 8082) {
        return health;
    }
    let cli = Cli::parse();
    // The engine comes first: it limits itself before any thread or runtime exists.
    if let Some(Command::Transcode(args)) = cli.command {
        return converter::transcode::main(args, "converter");
    }
    telemetry::init(&cli.log);
    match serve(cli.config, cli.token, cli.servers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "the converter could not run");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(config: Config, token: Option<ServiceTokenConfig>, servers: Option<Servers>) -> anyhow::Result<()> {
    let (Some(token), Some(Servers { store_url, broker_url })) = (token, servers) else {
        bail!("the service needs SERVICE_TOKEN_FILE, STORE_URL and BROKER_URL; see converter --help");
    };
    let stop = chassis::shutdown_signal();
    let service_token = ServiceToken::read(&token)?;
    let broker = Broker::open(&broker_url, Queue::Mp3)?;
    let jobs = config.queued_flow.then(|| Broker::open(&broker_url, Queue::Video)).transpose()?;
    let store = Store::open(&store_url, "converter").await?;
    let converter = converter::start(Parts { config, store, broker, jobs, service_token })?;
    stop.await;
    converter.drain().await;
    converter.stop().await;
    Ok(())
}
