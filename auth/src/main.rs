//! The `auth` binary: parse, start, run until SIGTERM.

use anyhow::Context as _;
use auth::{
    Parts,
    cli::{Cli, Task},
};
use clap::Parser as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    chassis::telemetry::init(&cli.log);
    match cli.task()? {
        Task::Command(command) => command.run().await,
        Task::Serve(config) => {
            let stop = chassis::shutdown_signal();
            let auth = auth::start(Parts::open(*config)?).await.context("could not start auth")?;
            stop.await;
            auth.stop().await;
            Ok(())
        }
    }
}
