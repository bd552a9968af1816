//! Clients with slow links: a blocking upload holds its permit for as long as it sends.

use serde::Serialize;

use super::{LOAD, World};
use crate::{
    flow::Flow,
    simulate::model::{self, Clients},
    stats::float,
};

const REPLICAS: u32 = 10;
const MBIT_PER_S: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0];
const UPLOADS: f64 = 1e5;
/// Many times the slowest upload.
const HORIZON_MIN_S: f64 = 600.0;

pub(super) const STEPS: u64 = 2 * MBIT_PER_S.len() as u64;

#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) mbit_per_s: f64,
    pub(in crate::simulate) flow: Flow,
    pub(in crate::simulate) goodput_per_s: f64,
    /// In 0…1.
    pub(in crate::simulate) refused_share: f64,
    pub(in crate::simulate) p50_s: Option<f64>,
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    let links = MBIT_PER_S.into_iter().flat_map(|mbit| Flow::BOTH.map(|flow| (mbit, flow)));
    links.map(|(mbit, flow)| row(world, mbit, flow)).collect()
}

fn row(world: &World, mbit_per_s: f64, flow: Flow) -> Row {
    world.step(format!("links of {mbit_per_s} Mbit/s, {}", flow.name()));
    let per_s = LOAD * f64::from(REPLICAS) * world.capacity_per_s(flow);
    let mut settings = world.settings(flow, REPLICAS, per_s, world.horizon_s(UPLOADS, per_s, HORIZON_MIN_S));
    settings.clients = Clients { uplink_bytes_per_s: bytes_per_s(mbit_per_s), ..settings.clients };
    let outcome = model::run(&settings);
    Row {
        mbit_per_s,
        flow,
        goodput_per_s: outcome.goodput_per_s(settings.horizon_s),
        refused_share: float(outcome.refused) / float(outcome.offered),
        p50_s: outcome.downloadable.quantile(0.5),
    }
}

/// Of a link.
pub(in crate::simulate) fn bytes_per_s(mbit_per_s: f64) -> f64 {
    mbit_per_s * 1e6 / 8.0
}
