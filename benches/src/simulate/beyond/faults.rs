//! What breaks while uploads come: a zone with a third of the converters, and the broker.

use serde::Serialize;

use super::{LOAD, World, unwell_for};
use crate::{
    flow::Flow,
    simulate::model::{self, Clients, Fault, Point, What},
};

const REPLICAS: u32 = 30;
/// Of the converters.
const LOST: f64 = 1.0 / 3.0;
pub(in crate::simulate) const AT_S: f64 = 120.0;
/// Until the scheduler has seen that the nodes of a zone are gone and begins elsewhere (the cold start follows); and how long
/// the broker is away.
pub(in crate::simulate) const AWAY_S: f64 = 60.0;
const HORIZON_S: f64 = 600.0;
/// One point for every two seconds.
const SAMPLES: u32 = 300;
/// Clients repeat with their key, as often as this and for two minutes.
const ASKS_AGAIN_MAX: u32 = 20;
const PATIENCE_S: f64 = 120.0;
/// As it was before: the median within this factor.
const WELL: f64 = 1.5;

/// Two thirds of the converters can carry half of the load, and not quite the usual one.
pub(in crate::simulate) const CASES: [(Case, f64); 3] =
    [(Case::ZoneLost, 0.5), (Case::ZoneLost, LOAD), (Case::BrokerDown, LOAD)];
pub(super) const STEPS: u64 = 2 * CASES.len() as u64;

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulate) enum Case {
    ZoneLost,
    BrokerDown,
}

impl Case {
    pub(in crate::simulate) fn name(self) -> &'static str {
        match self {
            Self::ZoneLost => "zone lost",
            Self::BrokerDown => "broker down",
        }
    }

    fn fault(self) -> Fault {
        let what = match self {
            Self::ZoneLost => What::Killed { share: LOST, back_after_s: AWAY_S },
            Self::BrokerDown => What::BrokerDown { for_s: AWAY_S },
        };
        Fault { at_s: AT_S, what }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) case: Case,
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
    /// From the fault until the median is as before; none where that took longer than the run.
    pub(in crate::simulate) recovered_after_s: Option<f64>,
    pub(in crate::simulate) curve: Vec<Point>,
}

pub(in crate::simulate) fn run(world: &World) -> Vec<Row> {
    CASES.into_iter().flat_map(|(case, load)| Flow::BOTH.map(|flow| row(world, case, load, flow))).collect()
}

fn row(world: &World, case: Case, load: f64, flow: Flow) -> Row {
    world.step(format!("{} at {:.0} % load, {}", case.name(), load * 100.0, flow.name()));
    let per_s = load * f64::from(REPLICAS) * world.capacity_per_s(flow);
    let mut settings = world.settings(flow, REPLICAS, per_s, HORIZON_S);
    settings.samples = SAMPLES;
    settings.clients = Clients { asks_again_max: ASKS_AGAIN_MAX, patience_s: PATIENCE_S, ..settings.clients };
    settings.faults = vec![case.fault()];
    let outcome = model::run(&settings);
    let before: Vec<_> =
        outcome.curve.iter().filter(|point| point.at_s <= AT_S).filter_map(|point| point.downloadable_p50_s).collect();
    let usual = before.iter().sum::<f64>() / f64::from(u32::try_from(before.len()).unwrap_or(1).max(1));
    let well = |point: &Point| point.downloadable_p50_s.is_some_and(|p50| p50 <= WELL * usual);
    let curve: Vec<_> = outcome.curve.into_iter().filter(|point| point.at_s <= HORIZON_S).collect();
    Row {
        case,
        flow,
        load,
        offered: outcome.offered,
        completed: outcome.completed,
        refused: outcome.refused,
        repeated: outcome.repeated,
        refusals: outcome.refusals,
        failed: outcome.failed,
        max_s: outcome.downloadable.max(),
        recovered_after_s: unwell_for(&curve, AT_S, well),
        curve,
    }
}
