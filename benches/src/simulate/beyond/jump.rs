//! Traffic that jumps to three times what the converters can carry, and how long new ones take to start.

use serde::Serialize;

use super::{LOAD, World, replicas_for, unwell_for};
use crate::{
    flow::Flow,
    simulate::model::{self, Autoscaler, Clients, Point},
    stats::float,
};

const REPLICAS: u32 = 4;
pub(in crate::simulate) const JUMP: f64 = 3.0;
const COLD_STARTS_S: [f64; 5] = [2.0, 10.0, 30.0, 60.0, 120.0];
const HORIZON_S: f64 = 900.0;
const SAMPLES: u32 = 180;
const ASKS_AGAIN_MAX: u32 = 20;
const PATIENCE_S: f64 = 120.0;
/// A median as of an idle system, times this.
const WELL: f64 = 3.0;

pub(super) const STEPS: u64 = 2 * COLD_STARTS_S.len() as u64;

#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) cold_start_s: f64,
    pub(in crate::simulate) flow: Flow,
    /// Clients that left after a 503, and uploads that failed after they were admitted, in 0…1.
    pub(in crate::simulate) missed_share: f64,
    pub(in crate::simulate) p99_s: Option<f64>,
    pub(in crate::simulate) max_s: f64,
    /// Until the median is that of a system with enough converters; none where that took longer than the run.
    pub(in crate::simulate) recovered_after_s: Option<f64>,
    pub(in crate::simulate) curve: Vec<Point>,
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    COLD_STARTS_S.into_iter().flat_map(|cold| Flow::BOTH.map(|flow| row(world, cold, flow))).collect()
}

fn row(world: &World, cold_start_s: f64, flow: Flow) -> Row {
    world.step(format!("a jump, cold starts of {cold_start_s} s, {}", flow.name()));
    let capacity = world.capacity_per_s(flow);
    let per_s = JUMP * f64::from(REPLICAS) * capacity;
    let enough = replicas_for(per_s, capacity, LOAD);
    let idle = model::run(&world.settings(flow, enough, per_s, 60.0)).downloadable.quantile(0.5).unwrap_or(f64::NAN);
    let mut settings = world.settings(flow, REPLICAS, per_s, HORIZON_S);
    settings.cold_start_s = cold_start_s;
    settings.samples = SAMPLES;
    settings.clients = Clients { asks_again_max: ASKS_AGAIN_MAX, patience_s: PATIENCE_S, ..settings.clients };
    settings.autoscaler = Some(Autoscaler::new(REPLICAS, 2 * enough, LOAD));
    let outcome = model::run(&settings);
    let well = |point: &Point| point.downloadable_p50_s.is_some_and(|p50| p50 <= WELL * idle);
    let curve: Vec<_> = outcome.curve.into_iter().filter(|point| point.at_s <= HORIZON_S).collect();
    Row {
        cold_start_s,
        flow,
        missed_share: float(outcome.refused + outcome.failed) / float(outcome.offered),
        p99_s: outcome.downloadable.quantile(0.99),
        max_s: outcome.downloadable.max(),
        recovered_after_s: unwell_for(&curve, 0.0, well),
        curve,
    }
}
