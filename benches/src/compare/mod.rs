//! `lab compare`: blocking against queued, on the same engine, files, cores and arrivals.

mod capacity;
mod charts;
mod check;
mod client;
mod clips;
mod cluster;
mod depth;
mod faults;
mod lab;
mod page;
mod plan;
mod point;
mod starter;
mod summary;
mod verdicts;
mod watcher;

use std::path::Path;

use anyhow::ensure;

use self::{clips::Clips, lab::Lab, starter::Starter, summary::Stores};
use crate::{
    console::{note, say},
    inputs::Inputs,
    report::{Folder, Out},
    system::Servers,
};

/// Settings of `lab compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where users, conversions and messages are kept.
    #[arg(long, value_enum, default_value = "real")]
    stores: Which,
    /// Offered loads, in percent of the capacity that is measured first.
    #[arg(long, value_delimiter = ',', default_value = "10,25,50,75,90,100,125,150,200,300")]
    loads: Vec<f64>,
    /// Seconds of each load; that of 90 percent takes three times as long, that of 50 percent up to 260 s.
    #[arg(long, default_value = "40")]
    seconds: u64,
    /// The same seed brings the same arrivals with the same files.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// A caller who is refused waits as told by `Retry-After` and tries again, with the same idempotency key. Without it a
    /// refusal ends the upload, and is counted.
    #[arg(long)]
    retry: bool,
    /// What to measure; all of it where nothing is said.
    #[arg(long, value_enum, value_delimiter = ',')]
    parts: Vec<Part>,
    #[command(flatten)]
    out: Out,
}

/// Settings of `lab faults`, which is one part of `lab compare`.
#[derive(Debug, clap::Args)]
pub(crate) struct FaultsArgs {
    /// Seconds of each run, at least 60: a broker may take twenty to start, and arrivals have to come after it.
    #[arg(long, default_value = "60")]
    seconds: u64,
    /// The same seed brings the same arrivals with the same files.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// A caller who is refused or cut off tries again, with the same idempotency key. Without it that ends the upload, and is
    /// counted.
    #[arg(long)]
    retry: bool,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Embedded,
    Real,
    Both,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// One upload at a time.
    Alone,
    /// All loads.
    Sweep,
    /// Files of one and of ten minutes.
    Fixed,
    /// 50 uploads at once.
    Burst,
    /// A converter is killed, the broker and the store are restarted; on real servers only.
    Faults,
}

impl Which {
    fn stores(self) -> &'static [Stores] {
        match self {
            Self::Embedded => &[Stores::Embedded],
            Self::Real => &[Stores::Real],
            Self::Both => &[Stores::Real, Stores::Embedded],
        }
    }
}

impl Args {
    fn wants(&self, part: Part) -> bool {
        self.parts.is_empty() || self.parts.contains(&part)
    }
}

/// Measures everything that was asked for and writes the report.
pub(crate) async fn run(args: &Args, tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<()> {
    measure(args, "compare", tapedeck, inputs).await
}

/// Only the failures, at half of the capacity that is measured first.
pub(crate) async fn faults(args: FaultsArgs, tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<()> {
    let FaultsArgs { seconds, seed, retry, out } = args;
    let parts = vec![Part::Faults];
    let args = Args { stores: Which::Real, loads: vec![], seconds, seed, retry, parts, out };
    measure(&args, "faults", tapedeck, inputs).await
}

async fn measure(args: &Args, command: &str, tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<()> {
    ensure!(args.seconds > 0, "--seconds must be at least 1");
    ensure!(args.loads.iter().all(|load| *load > 0.0), "--loads must be above 0");
    let only_faults = args.parts == [Part::Faults];
    ensure!(args.stores != Which::Embedded || !only_faults, "failures are measured on real servers: --stores real");
    let clips = Clips::short(inputs)?;
    let servers = if args.stores == Which::Embedded {
        None
    } else {
        note("starting the servers");
        Some(Servers::start(tapedeck)?)
    };
    let folder = Folder::create(&args.out.out, command, Some(args.seed))?;
    let starter = Starter { tapedeck, servers: servers.as_ref() };
    let mut lab = Lab::new(args, starter, clips, &folder);
    for stores in args.stores.stores() {
        lab.measure(*stores, inputs).await?;
    }
    let (summary, histograms) = lab.finish();
    folder.json("summary", &summary)?;
    let page = page::of(&summary, &histograms);
    let report = folder.finish(&page)?;
    say(report.display());
    Ok(())
}
