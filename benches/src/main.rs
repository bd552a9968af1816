//! The lab: what tapedeck costs beside `ffmpeg`, embedded stores beside real servers, the blocking flow beside the queued one, one
//! converter beside many. What is compared is measured within one run; `simulate` goes on where this machine ends.

mod call;
mod codec;
mod compare;
mod console;
mod flow;
mod inputs;
mod load;
mod memory;
mod report;
mod scale;
mod selftest;
mod servers;
mod simulate;
mod stats;
mod store;
mod system;
mod usage;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Measures tapedeck. A command makes the videos it needs with ffmpeg and keeps them in the cache folder. `call`, `codec`,
/// `selftest`, `servers` and `store` print their figures and one line of JSON; `compare`, `faults`, `scale` and `simulate` write a
/// folder with a report and raw data (`simulate --speed` only prints).
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The server to measure.
    #[arg(long, global = true, default_value = "target/release/tapedeck", env = "TAPEDECK")]
    tapedeck: PathBuf,
    /// Folder for the inputs, about 4 GB.
    #[arg(long, global = true, env = "LAB_INPUTS")]
    inputs: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The blocking call: its whole time against ffmpeg, the wait after the last byte, and memory against file size.
    Call {
        /// Rounds of the timings, interleaved.
        #[arg(long, default_value = "5")]
        rounds: usize,
        /// Leaves out the 2 GB upload.
        #[arg(long)]
        no_memory: bool,
    },
    /// The engine alone: time, CPU time, memory, delay and quality against ffmpeg.
    Codec(codec::Args),
    /// Blocking against queued: time to the mp3, goodput, refusals and failures, from a tenth to three times the capacity;
    /// about 40 minutes.
    Compare(compare::Args),
    /// Failures in both flows: a converter is killed, the broker and the store are restarted; about 9 minutes.
    Faults(compare::FaultsArgs),
    /// Writes `report.html` and `report.md` of a finished run anew; nothing is measured.
    Render {
        /// The folder of the run.
        folder: PathBuf,
    },
    /// More converters: throughput, latency and balance for each number of them, and a fitted law.
    Scale(scale::Args),
    /// The load generator itself, against a stub whose latencies are known from theory.
    Selftest(selftest::Args),
    /// Real servers against embedded stores: uploads, tokens, the outbox, callers that wait (`Prefer: wait=N`).
    Servers(servers::Args),
    /// A model of both flows: checked against a measured run, then beyond this machine.
    Simulate(simulate::Args),
    /// Blobs in MongoDB: the store against the driver's own GridFS.
    Store(store::Args),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let inputs = || inputs::Inputs::open(cli.inputs);
    match cli.command {
        Command::Call { rounds, no_memory } => call::run(&cli.tapedeck, &inputs()?, rounds, !no_memory).await,
        Command::Codec(args) => codec::run(&args, &inputs()?),
        Command::Compare(args) => compare::run(&args, &cli.tapedeck, &inputs()?).await,
        Command::Faults(args) => compare::faults(args, &cli.tapedeck, &inputs()?).await,
        Command::Render { folder } => {
            console::say(report::render(&folder)?.display());
            Ok(())
        }
        Command::Scale(args) => scale::run(args, &cli.tapedeck, &inputs()?).await,
        Command::Selftest(args) => selftest::run(&args).await,
        Command::Servers(args) => servers::run(&args, &cli.tapedeck, &inputs()?).await,
        Command::Simulate(args) => simulate::run(&args),
        Command::Store(args) => store::run(&args).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_commands_contradict_neither_each_other_nor_clap() {
        Cli::command().debug_assert();
    }
}
