//! 1 to 1,000 converters at the same load for each.

use serde::Serialize;

use super::{LOAD, World};
use crate::{
    flow::Flow,
    simulate::model::{self, Settings},
};

const REPLICAS: [u32; 10] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
/// Uploads of one run, so that p99 has thousands beyond it, and the least time, so that the start does not count.
const UPLOADS: f64 = 3e5;
const HORIZON_MIN_S: f64 = 120.0;
/// Runs of each size, with seeds of their own.
const REPEATS: u64 = 3;

pub(super) const STEPS: u64 = 2 * REPLICAS.len() as u64;

/// One flow at one size.
#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) replicas: u32,
    pub(in crate::simulate) flow: Flow,
    pub(in crate::simulate) goodput_per_s: Spread,
    pub(in crate::simulate) mean_s: Spread,
    pub(in crate::simulate) p50_s: Spread,
    pub(in crate::simulate) p99_s: Spread,
}

/// Over the repeats.
#[derive(Debug, Clone, Copy, Serialize)]
pub(in crate::simulate) struct Spread {
    pub(in crate::simulate) mean: f64,
    pub(in crate::simulate) low: f64,
    pub(in crate::simulate) high: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = u32::try_from(values.len()).map_or(1.0, f64::from);
        Self {
            mean: values.iter().sum::<f64>() / count,
            low: values.iter().copied().fold(f64::INFINITY, f64::min),
            high: values.iter().copied().fold(0.0, f64::max),
        }
    }
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    let sizes = REPLICAS.into_iter().flat_map(|replicas| Flow::BOTH.map(|flow| (replicas, flow)));
    sizes.map(|(replicas, flow)| row(world, replicas, flow)).collect()
}

fn row(world: &World, replicas: u32, flow: Flow) -> Row {
    world.step(format!("{replicas} converters, {}", flow.name()));
    let per_s = LOAD * f64::from(replicas) * world.capacity_per_s(flow);
    let settings = world.settings(flow, replicas, per_s, world.horizon_s(UPLOADS, per_s, HORIZON_MIN_S));
    let outcomes: Vec<_> = (0..REPEATS)
        .map(|repeat| {
            let seed = world.seed + 1_000 * repeat;
            model::run(&Settings { seed, arrivals_seed: seed, ..settings.clone() })
        })
        .collect();
    let over = |value: &dyn Fn(&model::Outcome) -> f64| Spread::of(&outcomes.iter().map(value).collect::<Vec<_>>());
    let quantile = |share: f64| over(&|outcome| outcome.downloadable.quantile(share).unwrap_or(f64::NAN));
    Row {
        replicas,
        flow,
        goodput_per_s: over(&|outcome| outcome.goodput_per_s(settings.horizon_s)),
        mean_s: over(&|outcome| outcome.downloadable.mean()),
        p50_s: quantile(0.5),
        p99_s: quantile(0.99),
    }
}
