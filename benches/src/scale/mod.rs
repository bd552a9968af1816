//! `lab scale`: what more converters bring, as processes of this machine or in a cluster.

mod added;
mod kubectl;
mod local;
mod metrics;
mod plan;
mod proxy;
mod quota;
mod report;
mod results;
mod steady;
mod target;
mod upload;
mod usl;

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{bail, ensure};
use bytes::Bytes;

use self::{
    kubectl::Cluster,
    local::Fleet,
    plan::{Arm, Cell, Choice, Kind, Lengths},
    results::Results,
    target::Target,
    upload::Uploader,
};
use crate::{
    console::{note, progress, say},
    flow::Flow,
    inputs::Inputs,
    report::{Folder, Out},
};

/// What a cell takes beside its lengths: converters that start, and the last answers.
const CELL_MORE: Duration = Duration::from_secs(2);

/// Settings of `lab scale`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["local", "kubectl"]))]
pub(crate) struct Args {
    /// Runs the converters as processes of this machine, each with a CPU quota; about 18 minutes. Needs the right to make
    /// control groups.
    #[arg(long)]
    local: bool,
    /// Scales the deployment `converter` of the namespace `tapedeck` by `kubectl`, and prints each command.
    #[arg(long)]
    kubectl: bool,
    #[command(flatten)]
    cluster: kubectl::Gateway,
    /// Which way uploads are converted.
    #[arg(long, value_enum, default_value = "both")]
    flow: Flows,
    /// Numbers of converters; a fit needs at least four.
    #[arg(long, value_delimiter = ',', default_value = "1,2,3,4,6", value_parser = clap::value_parser!(u32).range(1..=64))]
    replicas: Vec<u32>,
    /// Repeats of each; the order of all cells is the seed's.
    #[arg(long, default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// CPUs of each converter with `--local`; 0 runs them without a quota.
    #[arg(long, default_value = "0.3")]
    cpus: f64,
    /// The number of converters at which one is added under load, and the arms are compared; 0 leaves both out.
    #[arg(long, default_value = "3")]
    compared: u32,
    /// How the gateway finds the converters. Only with `--local` there is a choice.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "headless,cluster-ip")]
    arms: Vec<Arm>,
    /// Seconds of the closed loop that finds the throughput.
    #[arg(long, default_value = "8")]
    throughput_seconds: u64,
    /// Seconds of the open loop at 70 % of it.
    #[arg(long, default_value = "10")]
    latency_seconds: u64,
    /// Seconds of load around a converter that is added.
    #[arg(long, default_value = "20")]
    added_seconds: u64,
    /// Of the order, the arrivals and the intervals.
    #[arg(long, default_value = "1")]
    seed: u64,
    #[command(flatten)]
    out: Out,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Flows {
    Blocking,
    Queued,
    Both,
}

/// Measures, prints a table, and writes the report.
pub(crate) async fn run(args: Args, tapedeck: &Path, inputs: &Inputs) -> anyhow::Result<()> {
    ensure!((0.0..=64.0).contains(&args.cpus), "--cpus must be from 0 to 64");
    let clip = Bytes::from(std::fs::read(inputs.clip()?)?);
    // Also where a person interrupts, its end is that of all it holds: processes, servers, control groups, the deployment's size.
    let target = if args.local {
        note("starting the servers");
        Target::Local(Box::new(Fleet::start(tapedeck, args.cpus, args.seed).await?))
    } else {
        Target::Cluster(Cluster::open(args.cluster.clone()).await?)
    };
    let folder = Folder::create(&args.out.out, "scale", Some(args.seed))?;
    let mut lab = Lab { target, args, remarks: vec![] };
    let results = lab.measure(clip).await?;
    lab.write(results, folder)
}

struct Lab {
    target: Target,
    args: Args,
    remarks: Vec<String>,
}

impl Lab {
    async fn measure(&mut self, clip: Bytes) -> anyhow::Result<Results> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        self.target.scale(1, Arm::Headless).await?;
        let uploader = self.target.uploader(clip).await?;
        let lengths = self.lengths();
        let cells = self.cells(&uploader).await?;
        let seconds: u64 = cells.iter().map(|cell| (lengths.of(cell.kind) + CELL_MORE).as_secs()).sum();
        note(format!("{} cells, about {} minutes", cells.len(), seconds.div_ceil(60)));
        let bar = progress(cells.len() as u64, "scale");
        let (mut steady, mut added) = (vec![], vec![]);
        for (order, cell) in cells.into_iter().enumerate() {
            bar.set_message(cell.to_string());
            let seed = self.args.seed.wrapping_add(order as u64);
            match cell.kind {
                Kind::Steady => {
                    let at = (order, cell);
                    steady.push(steady::measure(&mut self.target, &uploader, &http, at, lengths, seed).await?);
                }
                Kind::Added => {
                    added.push(added::measure(&mut self.target, &uploader, &http, (order, cell), lengths).await?);
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Results::of(self.target.cpus(), lengths, steady, added, self.args.seed))
    }

    fn lengths(&self) -> Lengths {
        let Args { throughput_seconds, latency_seconds, added_seconds, .. } = self.args;
        let [throughput, latency, added] =
            [throughput_seconds, latency_seconds, added_seconds].map(Duration::from_secs);
        // The gateway looks for converters once a second; then each has to have converted something.
        Lengths { warm_up: Duration::from_secs(3), throughput, latency, added }
    }

    async fn cells(&mut self, uploader: &Uploader) -> anyhow::Result<Vec<Cell>> {
        let mut flows = match self.args.flow {
            Flows::Blocking => vec![Flow::Blocking],
            Flows::Queued => vec![Flow::Queued],
            Flows::Both => vec![Flow::Blocking, Flow::Queued],
        };
        if flows.contains(&Flow::Queued) && !uploader.has_queued_flow().await? {
            if self.args.flow == Flows::Queued {
                bail!("this gateway has no queued flow: it ignored `Prefer: respond-async` (QUEUED_FLOW)");
            }
            flows.retain(|flow| *flow != Flow::Queued);
            self.remark("The queued flow was not measured: this gateway ignored `Prefer: respond-async`.");
        }
        let mut arms = self.args.arms.clone();
        if matches!(self.target, Target::Cluster(_)) {
            arms.retain(|arm| *arm == Arm::Headless);
            self.remark("The two arms were not compared: the lab does not change a cluster's services.");
        }
        let replicas: Vec<u32> = self.args.replicas.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
        let compared = Some(self.args.compared).filter(|compared| *compared > 0);
        let Args { repeats, seed, .. } = self.args;
        Ok(Choice { flows: &flows, replicas: &replicas, compared, repeats, arms: &arms, seed }.cells())
    }

    fn remark(&mut self, text: &str) {
        note(text);
        self.remarks.push(text.to_owned());
    }

    fn write(self, mut results: Results, folder: Folder) -> anyhow::Result<()> {
        results.remarks = self.remarks;
        folder.compact_json("scale", &results)?;
        for line in report::lines(&results) {
            say(line);
        }
        let page = folder.finish(&report::page(&results, self.args.local))?;
        say(format!("report: {}", page.display()));
        Ok(())
    }
}
