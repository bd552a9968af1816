//! All cells of a run, put together by flow, arm and number of converters.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    added::Added,
    plan::{Arm, Lengths},
    steady::Steady,
    usl::{Fit, Point},
};
use crate::{
    flow::Flow,
    stats::{Samples, quantile::Quantiles},
};

/// A quota of which less than this is used was not what limited the throughput.
const QUOTA_LIMITS: f64 = 0.9;

/// What `scale.json` holds.
#[derive(Debug, Serialize)]
pub(super) struct Results {
    /// Each converter's quota in CPUs; 0 where there is none.
    pub(super) cpus: f64,
    pub(super) lengths: Lengths,
    pub(super) groups: Vec<Group>,
    pub(super) fits: Vec<FitOf>,
    pub(super) steady: Vec<Steady>,
    pub(super) added: Vec<Added>,
    /// What a reader has to know of this run.
    pub(super) remarks: Vec<String>,
}

/// The repeats of one flow, arm and number of converters.
#[derive(Debug, Serialize)]
pub(super) struct Group {
    pub(super) flow: Flow,
    pub(super) arm: Arm,
    pub(super) replicas: u32,
    /// mp3s in a second.
    pub(super) per_s: Samples,
    pub(super) refused: usize,
    pub(super) failed: usize,
    /// Mean over the repeats of the largest share, the second largest and so on.
    pub(super) shares: Vec<f64>,
    /// Mean of the largest share times N.
    pub(super) imbalance: Option<f64>,
    pub(super) quota_used: Option<f64>,
    pub(super) throttled: Option<f64>,
    pub(super) machine_busy: Option<f64>,
    /// At 70 % of what each repeat carried, all repeats together.
    pub(super) latency: LatencyOf,
}

#[derive(Debug, Serialize)]
pub(super) struct LatencyOf {
    pub(super) offered: usize,
    /// Not done: refused, failed or unfinished.
    pub(super) missed: usize,
    pub(super) answer_s: Quantiles,
    pub(super) downloadable_s: Quantiles,
}

/// The law, fitted to the headless runs of one flow.
#[derive(Debug, Serialize)]
pub(super) struct FitOf {
    pub(super) flow: Flow,
    pub(super) points: Vec<Point>,
    pub(super) fit: Option<Fit>,
    /// Why there is none.
    pub(super) refusal: Option<String>,
}

impl Results {
    pub(super) fn of(cpus: f64, lengths: Lengths, mut steady: Vec<Steady>, added: Vec<Added>, seed: u64) -> Self {
        steady.sort_by_key(|it| (it.cell.flow, it.cell.arm, it.cell.replicas, it.cell.repeat));
        let mut cells = BTreeMap::<_, Vec<&Steady>>::new();
        for it in &steady {
            cells.entry((it.cell.flow, it.cell.arm, it.cell.replicas)).or_default().push(it);
        }
        let groups: Vec<Group> = cells.into_iter().map(|(key, runs)| Group::of(key, &runs, seed)).collect();
        let fits =
            [Flow::Blocking, Flow::Queued].into_iter().filter_map(|flow| FitOf::of(flow, &steady, seed)).collect();
        Self { cpus, lengths, groups, fits, steady, added, remarks: vec![] }
    }

    pub(super) fn groups(&self, flow: Flow, arm: Arm) -> impl Iterator<Item = &Group> {
        self.groups.iter().filter(move |group| group.flow == flow && group.arm == arm)
    }

    /// mp3s in a second of one converter, as measured with the fewest of them. A law's γ is no substitute: a fit gives up some of
    /// this point to get nearer to the others, by another amount in each flow.
    pub(super) fn one_per_s(&self, flow: Flow) -> Option<f64> {
        let fewest = self.groups(flow, Arm::Headless).next()?;
        Some(fewest.per_s.median / f64::from(fewest.replicas))
    }

    /// Whether something else than their quotas limited the largest number of converters.
    pub(super) fn is_limited_elsewhere(&self, flow: Flow) -> bool {
        self.groups(flow, Arm::Headless).last().is_some_and(Group::is_limited_elsewhere)
    }
}

impl Group {
    pub(super) fn is_limited_elsewhere(&self) -> bool {
        self.quota_used.is_some_and(|used| used < QUOTA_LIMITS)
    }

    fn of((flow, arm, replicas): (Flow, Arm, u32), runs: &[&Steady], seed: u64) -> Self {
        let usage = |of: fn(&super::local::Usage) -> Option<f64>| {
            mean(runs.iter().filter_map(|run| run.throughput.usage.as_ref().and_then(of)))
        };
        Self {
            flow,
            arm,
            replicas,
            per_s: Samples::of(runs.iter().map(|run| run.throughput.per_s).collect()),
            refused: runs.iter().map(|run| run.throughput.refused).sum(),
            failed: runs.iter().map(|run| run.throughput.failed).sum(),
            shares: shares(runs),
            imbalance: mean(runs.iter().filter_map(|run| run.throughput.counts.imbalance())),
            quota_used: usage(|usage| usage.quota_used),
            throttled: usage(|usage| usage.throttled),
            machine_busy: usage(|usage| Some(usage.machine_busy)),
            latency: LatencyOf::of(runs, seed),
        }
    }
}

impl LatencyOf {
    fn of(runs: &[&Steady], seed: u64) -> Self {
        let parts = || runs.iter().filter_map(|run| run.latency.as_ref());
        let answer_s: Vec<f64> = parts().flat_map(|part| part.answer_s.iter().copied()).collect();
        let downloadable_s: Vec<f64> = parts().flat_map(|part| part.downloadable_s.iter().copied()).collect();
        Self {
            offered: parts().map(|part| part.offered).sum(),
            missed: parts().map(|part| part.refused + part.failed + part.unfinished).sum(),
            answer_s: Quantiles::of(&answer_s, seed),
            downloadable_s: Quantiles::of(&downloadable_s, seed),
        }
    }
}

impl FitOf {
    /// `None` where the flow was not run.
    fn of(flow: Flow, steady: &[Steady], seed: u64) -> Option<Self> {
        let runs = steady.iter().filter(|it| it.cell.flow == flow && it.cell.arm == Arm::Headless);
        let point = |it: &Steady| Point { replicas: it.cell.replicas, per_s: it.throughput.per_s };
        let points: Vec<Point> = runs.map(point).collect();
        let (fit, refusal) = match Fit::of(&points, seed) {
            Ok(fit) => (Some(fit), None),
            Err(refusal) => (None, Some(refusal.to_string())),
        };
        (!points.is_empty()).then_some(Self { flow, points, fit, refusal })
    }
}

/// Sorted within each repeat: pods have other names each time, and which one is the busiest does not matter.
fn shares(runs: &[&Steady]) -> Vec<f64> {
    let sorted = runs.iter().map(|run| {
        let mut shares = run.throughput.counts.shares();
        shares.sort_by(|one, other| other.total_cmp(one));
        shares
    });
    let sorted: Vec<Vec<f64>> = sorted.collect();
    let places = sorted.iter().map(Vec::len).max().unwrap_or(0);
    (0..places).filter_map(|place| mean(sorted.iter().filter_map(|shares| shares.get(place).copied()))).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}
