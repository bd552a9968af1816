//! `lab simulate`: a discrete-event model of both flows, fed by what was measured, checked against it, and then taken to where
//! one machine cannot go.

mod kernel;
mod model;
mod scenario;
mod speed;

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Brings back the same run.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Only measures how fast the model itself is.
    #[arg(long)]
    speed: bool,
}

/// Runs the model.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.speed {
        speed::run(args.seed);
    }
    Ok(())
}
