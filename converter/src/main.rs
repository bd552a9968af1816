//! The `converter` binary: the service, or its engine alone.

use std::process::ExitCode;

use anyhow::Context as _;
use chassis::{
    ServiceToken,
    service_token::ServiceTokenConfig,
    telemetry::{self, LogConfig},
};
use clap::Parser;
use converter::{Config, Parts, store::Store, transcode::filter_help};

/// Converts videos to mp3s for the gateway.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    service: Option<Service>,
    #[command(flatten)]
    log: LogConfig,
}

#[derive(Debug, clap::Args)]
struct Service {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    token: ServiceTokenConfig,
    /// Where conversions and mp3s are stored: `mongodb://USER:PASSWORD@HOST/DATABASE`, or `file:FOLDER` for one process.
    #[arg(long, env = "STORE_URL")]
    store_url: String,
    /// The RabbitMQ server (3.10 or newer) that carries announcements: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or
    /// `amqps://…` for TLS. A `/` in VHOST is written `%2f`.
    #[arg(long, env = "BROKER_URL")]
    broker_url: String,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Converts standard input to an mp3 on standard output.
    #[command(after_long_help = filter_help("converter"))]
    Transcode(converter::transcode::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The engine comes first: it limits itself before any thread or runtime exists.
    if let Some(Command::Transcode(args)) = cli.command {
        return converter::transcode::main(args, "converter");
    }
    telemetry::init(&cli.log);
    match serve(cli.service) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            tracing::error!(cause = format!("{cause:#}"), "the converter could not run");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve(service: Option<Service>) -> anyhow::Result<()> {
    let Service { config, token, store_url, broker_url } = service.context("see --help for the settings")?;
    let service_token = ServiceToken::read(&token)?;
    let broker = converter::event::Broker::open(&broker_url)?;
    let store = Store::open(&store_url, "converter").await?;
    let converter = converter::start(Parts { config, store, broker, service_token })?;
    chassis::shutdown_signal().await;
    converter.drain().await;
    converter.stop().await;
    Ok(())
}
