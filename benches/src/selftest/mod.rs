//! `lab selftest`: is the load generator right? It measures a stub whose latencies are known from theory.

mod model;
mod row;
mod rows;
mod stub;

use std::{
    future::pending,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde_json::json;

use self::rows::Client;
use crate::console::say;

/// Settings of `lab selftest`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Seconds of each row; a multiple of 4, the period of the stalls.
    #[arg(long, default_value = "20")]
    seconds: u64,
    /// Only serves the stub, for another load tool: `/constant/100`, `/exponential/100`, `/stalling/100/500/4000`
    /// (milliseconds: stay, stall, period). Port 0 picks a free one.
    #[arg(long, value_name = "PORT")]
    serve: Option<u16>,
}

/// Runs all rows and fails where one is off.
pub(crate) async fn run(args: &Args) -> anyhow::Result<()> {
    if let Some(port) = args.serve {
        say(stub::start(port)?);
        return pending().await;
    }
    ensure!(args.seconds > 0 && args.seconds.is_multiple_of(4), "--seconds must be a multiple of 4");
    let stub = StubProcess::start()?;
    let client = Client::new(&stub.address)?;
    let rows = rows::measure(&client, Duration::from_secs(args.seconds)).await?;
    for row in &rows {
        say(row);
    }
    let good = rows.iter().all(|row| row.is_good);
    say(json!({"rows": rows, "good": good}));
    ensure!(good, "the load generator is not right on this machine, or the machine was busy");
    Ok(())
}

/// The stub as a process, so that its CPU time is not counted as the generator's; killed when dropped.
#[derive(Debug)]
struct StubProcess {
    child: Child,
    address: String,
}

impl StubProcess {
    fn start() -> anyhow::Result<Self> {
        let lab = std::env::current_exe()?;
        let child = Command::new(lab).args(["selftest", "--serve", "0"]).stdout(Stdio::piped()).spawn()?;
        let mut stub = Self { child, address: String::new() };
        let stdout = stub.child.stdout.take().context("no pipe from the stub")?;
        BufReader::new(stdout).read_line(&mut stub.address)?;
        stub.address.truncate(stub.address.trim_end().len());
        ensure!(!stub.address.is_empty(), "the stub did not start");
        Ok(stub)
    }
}

impl Drop for StubProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
