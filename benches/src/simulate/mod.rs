//! `lab simulate`: a discrete-event model of both flows, fed by what was measured, checked against it, and then taken to where
//! one machine cannot go.

mod beyond;
mod fit;
mod kernel;
mod measured;
mod model;
mod page;
mod scenario;
mod speed;
#[cfg(test)]
mod tests;
mod validate;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::{
    beyond::{World, cost, day, faults, fleet, jump, links},
    fit::Fit,
    measured::Summary,
    model::Video,
};
use crate::{
    console::{note, progress, say},
    flow::Flow,
    report::{Folder, Out},
};

/// What to simulate.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of a run of `compare`; without it the model runs on assumptions, and nothing is validated.
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Brings back the same run.
    #[arg(long, default_value = "1")]
    seed: u64,
    /// Link of a client beyond the measured machine, in Mbit/s.
    #[arg(long, default_value = "100")]
    uplink_mbit: f64,
    /// Seconds from the decision for a new converter to its first conversion.
    #[arg(long, default_value = "20")]
    cold_start_s: f64,
    /// A tenth of the uploads and a smaller day, to try something.
    #[arg(long)]
    short: bool,
    /// Only measures how fast the model itself is, and writes nothing.
    #[arg(long)]
    speed: bool,
    #[command(flatten)]
    prices: cost::Prices,
    #[command(flatten)]
    out: Out,
}

/// All that the report shows, and `simulation.json` keeps.
#[derive(Debug, Serialize)]
struct Results {
    /// Name of the folder that was fitted.
    from: Option<String>,
    #[serde(skip)]
    world: World,
    blocking: Vec<Video>,
    queued: Vec<Video>,
    validation: Option<Vec<validate::Row>>,
    fleet: Vec<fleet::Row>,
    links: Vec<links::Row>,
    days: Vec<day::Row>,
    prices: cost::Prices,
    costs: Vec<cost::Row>,
    faults: Vec<faults::Row>,
    jump: Vec<jump::Row>,
}

/// Validates the model, runs it beyond the measured machine and writes a report.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.speed {
        say(speed::run(args.seed));
        return Ok(());
    }
    let summary = args.from.as_deref().map(Summary::read).transpose()?;
    let world = world(args, summary.as_ref())?;
    let folder = Folder::create(&args.out.out, "simulate", Some(args.seed))?;
    let results = simulate(args, summary.as_ref(), world);
    folder.compact_json("simulation", &results)?;
    for row in results.validation.iter().flatten() {
        say(validate::line(row));
    }
    say(folder.finish(&page::page(&results))?.display());
    Ok(())
}

fn world(args: &Args, summary: Option<&Summary>) -> anyhow::Result<World> {
    let mix = |flow| match summary {
        Some(summary) => Fit::of(summary, flow).map(|fit| fit.mix),
        None => Ok(vec![scenario::assumed_video()]),
    };
    Ok(World {
        blocking: mix(Flow::Blocking)?,
        queued: mix(Flow::Queued)?,
        uplink_bytes_per_s: links::bytes_per_s(args.uplink_mbit),
        cold_start_s: args.cold_start_s,
        seed: args.seed,
        short: args.short,
        bar: progress(beyond::STEPS, "simulate"),
    })
}

fn simulate(args: &Args, summary: Option<&Summary>, world: World) -> Results {
    if summary.is_some() {
        note("predicting the measured runs");
    }
    let validation = summary.map(|summary| validate::rows(summary, args.seed));
    let fleet = fleet::run(&world);
    let days = day::run(&world);
    let (links, faults, jump) = (links::run(&world), faults::run(&world), jump::run(&world));
    world.bar.finish_and_clear();
    Results {
        from: args.from.as_deref().map(name),
        blocking: world.blocking.clone(),
        queued: world.queued.clone(),
        validation,
        fleet,
        links,
        costs: cost::rows(&days, &args.prices),
        days,
        prices: args.prices,
        faults,
        jump,
        world,
    }
}

/// The last part of a path: where it lies on a machine is nobody's business.
fn name(folder: &Path) -> String {
    folder.file_name().map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into_owned())
}
