//! The lab: what tapedeck costs beside `ffmpeg`, embedded stores beside real servers, the blocking flow beside the queued one, one
//! converter beside many. What is compared is measured within one run; `simulate` goes on where this machine ends.

mod call;
mod codec;
mod compare;
mod console;
mod flow;
mod inputs;
mod interrupt;
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

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};

use self::{console::note, inputs::Inputs, interrupt::Interrupt};

/// What an interrupted command still has for its tasks to be dropped. The thread that paces a load does not look up before.
const DROP_MAX: Duration = Duration::from_secs(1);

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

fn main() -> anyhow::Result<ExitCode> {
    let Cli { command, tapedeck, inputs } = Cli::parse();
    let inputs = || Inputs::open(inputs);
    match command {
        // These never wait, so nothing could look for a signal: it ends the process at once, as is usual.
        Command::Codec(args) => codec::run(&args, &inputs()?)?,
        Command::Render { folder } => console::say(report::render(&folder)?.display()),
        Command::Simulate(args) => simulate::run(&args)?,
        command => return run(command, &tapedeck, inputs),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command until it is done or a signal comes; then all that it started ends with its values. A piece of work that does not
/// wait, such as the start of a server, is finished first.
fn run(command: Command, tapedeck: &Path, inputs: impl FnOnce() -> anyhow::Result<Inputs>) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let ended = runtime.block_on(async {
        let mut interrupt = Interrupt::listen()?;
        tokio::select! {
            // First, so that a command that is always ready is interrupted, too.
            biased;
            code = interrupt.code() => {
                note("interrupted");
                Ok(code)
            }
            done = measure(command, tapedeck, inputs) => done.map(|()| ExitCode::SUCCESS),
        }
    });
    runtime.shutdown_timeout(DROP_MAX);
    ended
}

async fn measure(
    command: Command,
    tapedeck: &Path,
    inputs: impl FnOnce() -> anyhow::Result<Inputs>,
) -> anyhow::Result<()> {
    match command {
        Command::Call { rounds, no_memory } => call::run(tapedeck, &inputs()?, rounds, !no_memory).await,
        Command::Compare(args) => compare::run(&args, tapedeck, &inputs()?).await,
        Command::Faults(args) => compare::faults(args, tapedeck, &inputs()?).await,
        Command::Scale(args) => scale::run(args, tapedeck, &inputs()?).await,
        Command::Selftest(args) => selftest::run(&args).await,
        Command::Servers(args) => servers::run(&args, tapedeck, &inputs()?).await,
        Command::Store(args) => store::run(&args).await,
        Command::Codec(_) | Command::Render { .. } | Command::Simulate(_) => unreachable!("`main` runs these itself"),
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
