//! A zone is lost: a third of the converters at once, and they come back elsewhere.

use serde::Serialize;

use super::{FLOWS, LOAD, World, recovered_at};
use crate::simulate::model::{self, Clients, Fault, Flow, Point, What};

const REPLICAS: u32 = 30;
pub(in crate::simulate) const LOST: f64 = 1.0 / 3.0;
pub(in crate::simulate) const LOST_AT_S: f64 = 120.0;
/// Until the scheduler has seen that the nodes are gone and begins elsewhere; the cold start follows.
pub(in crate::simulate) const NOTICED_AFTER_S: f64 = 60.0;
const HORIZON_S: f64 = 600.0;
/// One point for every two seconds.
const SAMPLES: u32 = 300;
/// Clients repeat with their key, for two minutes.
const ASKS_AGAIN_MAX: u32 = 20;
const PATIENCE_S: f64 = 120.0;
/// As it was before: the median within this factor.
const WELL: f64 = 1.5;

/// At the usual load, which two thirds cannot quite carry, and at half load, which they can.
const LOADS: [f64; 2] = [0.5, LOAD];
pub(super) const STEPS: u64 = 2 * LOADS.len() as u64;

#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) flow: Flow,
    pub(in crate::simulate) load: f64,
    pub(in crate::simulate) offered: u64,
    pub(in crate::simulate) completed: u64,
    /// Clients that left, conversions begun again, 503 answers, and conversions given up.
    pub(in crate::simulate) refused: u64,
    pub(in crate::simulate) repeated: u64,
    pub(in crate::simulate) refusals: u64,
    pub(in crate::simulate) failed: u64,
    pub(in crate::simulate) max_s: f64,
    /// From the loss until the median is as before; none where that took longer than the run.
    pub(in crate::simulate) recovered_after_s: Option<f64>,
    pub(in crate::simulate) curve: Vec<Point>,
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    LOADS.into_iter().flat_map(|load| FLOWS.map(|flow| row(world, load, flow))).collect()
}

fn row(world: &World, load: f64, flow: Flow) -> Row {
    world.step(format!("a zone lost at {:.0} % load, {}", load * 100.0, flow.name()));
    let per_s = load * f64::from(REPLICAS) * world.capacity_per_s(flow);
    let mut settings = world.settings(flow, REPLICAS, per_s, HORIZON_S);
    settings.samples = SAMPLES;
    settings.clients = Clients { asks_again_max: ASKS_AGAIN_MAX, patience_s: PATIENCE_S, ..settings.clients };
    let what = What::Killed { share: LOST, back_after_s: NOTICED_AFTER_S };
    settings.faults = vec![Fault { at_s: LOST_AT_S, what }];
    let outcome = model::run(&settings);
    let before: Vec<_> = outcome
        .curve
        .iter()
        .filter(|point| point.at_s <= LOST_AT_S)
        .filter_map(|point| point.downloadable_p50_s)
        .collect();
    let usual = before.iter().sum::<f64>() / f64::from(u32::try_from(before.len()).unwrap_or(1).max(1));
    // The next point after the loss may still show the time before it.
    let from = LOST_AT_S + HORIZON_S / f64::from(SAMPLES);
    let well = |point: &Point| point.downloadable_p50_s.is_some_and(|p50| p50 <= WELL * usual);
    let recovered = recovered_at(&outcome.curve, from, |point| point.at_s, well);
    Row {
        flow,
        load,
        offered: outcome.offered,
        completed: outcome.completed,
        refused: outcome.refused,
        repeated: outcome.repeated,
        refusals: outcome.refusals,
        failed: outcome.failed,
        max_s: outcome.downloadable.max(),
        recovered_after_s: recovered.map(|at| at - LOST_AT_S),
        curve: outcome.curve.into_iter().filter(|point| point.at_s <= HORIZON_S).collect(),
    }
}
