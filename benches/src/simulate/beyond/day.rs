//! A day of traffic with a peak: machines for the peak, for the mean, or as many as an autoscaler wants.

use serde::Serialize;

use super::{LOAD, World, replicas_for};
use crate::{
    flow::Flow,
    simulate::model::{self, Arrivals, Autoscaler, Clients, Costs, Point},
    stats::float,
};

/// The peak of the day divided by its mean.
const PEAK: f64 = 1.8;
/// Converters that the peak needs at the usual load; the traffic follows from it.
const PEAK_REPLICAS: f64 = 18.0;
const DAY_S: f64 = 86_400.0;
/// One point for each quarter of an hour.
const SAMPLES: u32 = 96;
/// A client that is told to come back does so, as often as this and for five minutes.
const ASKS_AGAIN_MAX: u32 = 20;
const PATIENCE_S: f64 = 300.0;
/// The autoscaler keeps two, so that one may be lost.
const REPLICAS_MIN: u32 = 2;

pub(super) const STEPS: u64 = 2 * Plan::ALL.len() as u64;

/// How many converters there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulate) enum Plan {
    ForThePeak,
    ForTheMean,
    Autoscaled,
}

impl Plan {
    pub(in crate::simulate) const ALL: [Self; 3] = [Self::ForThePeak, Self::ForTheMean, Self::Autoscaled];

    pub(in crate::simulate) fn name(self) -> &'static str {
        match self {
            Self::ForThePeak => "enough for the peak",
            Self::ForTheMean => "enough for the mean",
            Self::Autoscaled => "autoscaled",
        }
    }
}

/// A day of one flow.
#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) plan: Plan,
    pub(in crate::simulate) flow: Flow,
    pub(in crate::simulate) offered: u64,
    pub(in crate::simulate) completed: u64,
    /// Clients that left after a 503, and uploads that failed after they were admitted.
    pub(in crate::simulate) refused: u64,
    pub(in crate::simulate) failed: u64,
    pub(in crate::simulate) refusals: u64,
    pub(in crate::simulate) p50_s: Option<f64>,
    pub(in crate::simulate) p99_s: Option<f64>,
    pub(in crate::simulate) max_s: f64,
    /// Of the cores that were paid for, in 0…1.
    pub(in crate::simulate) used_share: f64,
    pub(in crate::simulate) replicas_mean: f64,
    pub(in crate::simulate) costs: Costs,
    pub(in crate::simulate) curve: Vec<Point>,
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    Plan::ALL.into_iter().flat_map(|plan| Flow::BOTH.map(|flow| row(world, plan, flow))).collect()
}

fn row(world: &World, plan: Plan, flow: Flow) -> Row {
    world.step(format!("a day, {}, {}", plan.name(), flow.name()));
    let scale = if world.short { 0.2 } else { 1.0 };
    let capacity = world.capacity_per_s(flow);
    // Both flows get the same traffic.
    let mean_per_s = scale * PEAK_REPLICAS * LOAD * world.capacity_per_s(Flow::Blocking) / PEAK;
    let for_peak = replicas_for(mean_per_s * PEAK, capacity, LOAD);
    let replicas = match plan {
        Plan::ForThePeak => for_peak,
        // The day begins at nearly its mean.
        Plan::ForTheMean | Plan::Autoscaled => replicas_for(mean_per_s, capacity, LOAD),
    };
    let mut settings = world.settings(flow, replicas, mean_per_s, DAY_S);
    settings.arrivals = Arrivals::Day { mean_per_s, peak: PEAK };
    settings.drain_s = DAY_S;
    settings.samples = SAMPLES;
    settings.clients = Clients { asks_again_max: ASKS_AGAIN_MAX, patience_s: PATIENCE_S, ..settings.clients };
    settings.autoscaler = (plan == Plan::Autoscaled).then(|| Autoscaler::new(REPLICAS_MIN, 2 * for_peak, LOAD));
    let outcome = model::run(&settings);
    let costs = outcome.costs;
    Row {
        plan,
        flow,
        offered: outcome.offered,
        completed: outcome.completed,
        refused: outcome.refused,
        failed: outcome.failed,
        refusals: outcome.refusals,
        p50_s: outcome.downloadable.quantile(0.5),
        p99_s: outcome.downloadable.quantile(0.99),
        max_s: outcome.downloadable.max(),
        used_share: costs.used_core_s / costs.provisioned_core_s,
        replicas_mean: costs.provisioned_core_s / settings.replica.cores / (float(outcome.ended_at) / 1e9),
        costs,
        curve: outcome.curve.into_iter().filter(|point| point.at_s <= DAY_S).collect(),
    }
}
