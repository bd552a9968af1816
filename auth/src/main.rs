//! The `auth` binary: parse, start, run until SIGTERM.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use auth::{
    Config, Parts,
    cli::{Cli, Task},
};
use chassis::{chain, healthcheck};
use clap::Parser as _;

#[tokio::main]
async fn main() -> ExitCode {
    if let Some(health) = healthcheck::asked("AUTH_LISTEN", 8081) {
        return health;
    }
    let cli = Cli::parse();
    chassis::telemetry::init(&cli.log);
    let done = match cli.task() {
        Ok(Task::Command(command)) => command.run().await.inspect_err(|cause| {
            // Whoever called it reads no log. Where standard error is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "auth: {}", chain(cause.as_ref()));
        }),
        Ok(Task::Serve(config)) => serve(*config).await.inspect_err(log),
        Err(cause) => Err(cause).inspect_err(log),
    };
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = chassis::shutdown_signal();
    let auth = auth::start(Parts::open(config)?).await.context("could not start auth")?;
    stop.await;
    auth.stop().await;
    Ok(())
}

fn log(cause: &anyhow::Error) {
    tracing::error!(cause = chain(cause.as_ref()), "auth could not run");
}
