//! The model against every run under load, none of which it was fitted to.

use serde::Serialize;

use super::{
    fit::Fit,
    kernel::Durations,
    measured::{Kind, Run, Summary},
    model::{self, Arrivals, Outcome, Rules, Settings},
    scenario,
};
use crate::{
    flow::Flow,
    stats::{float, quantile::Quantile},
};

/// What a median and a goodput may be off by.
pub(super) const AIM: f64 = 0.15;
/// Runs of the model for one measured run: the same arrivals, and all else left to chance anew.
const REPLICATIONS: u64 = 20;
/// As in a run of `compare`, where the queue's limit is lifted.
const QUEUE_MAX: u32 = 100_000;

/// One measured run beside what the model says of it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) flow: Flow,
    pub(super) load: Option<f64>,
    pub(super) goodput_per_s: Option<Pair>,
    pub(super) p50_s: Option<Pair>,
    /// The highest quantile that the measured samples carry, 0.99 or 0.9.
    pub(super) tail: Option<Tail>,
    /// In 0…1.
    pub(super) refused_share: Pair,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Pair {
    pub(super) predicted: f64,
    pub(super) measured: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Tail {
    pub(super) quantile: f64,
    pub(super) predicted: f64,
    pub(super) measured: Quantile,
}

impl Pair {
    /// Above 0 where the model says more.
    pub(super) fn error(self) -> f64 {
        self.predicted / self.measured - 1.0
    }

    /// The same as a factor, at least 1, whichever of the two is more.
    fn off_by(self) -> f64 {
        factor(self.predicted, self.measured)
    }

    pub(super) fn is_within_aim(self) -> bool {
        self.error().abs() <= AIM
    }
}

impl Tail {
    pub(super) fn is_inside(self) -> bool {
        (self.measured.low..=self.measured.high).contains(&self.predicted)
    }
}

impl Row {
    /// All that was measured is as near as it should be.
    pub(super) fn is_met(&self) -> bool {
        let near = |pair: Option<Pair>| pair.is_none_or(Pair::is_within_aim);
        near(self.goodput_per_s) && near(self.p50_s) && self.tail.is_none_or(Tail::is_inside)
    }
}

/// A row for each run that has an offered load; runs of a flow that cannot be fitted are left out.
pub(super) fn rows(summary: &Summary, seed: u64) -> Vec<Row> {
    let fit = |flow| Fit::of(summary, flow).ok();
    let (blocking, queued) = (fit(Flow::Blocking), fit(Flow::Queued));
    let of = |flow| match flow {
        Flow::Blocking => blocking.as_ref(),
        Flow::Queued => queued.as_ref(),
    };
    summary.runs.iter().filter(|run| run.load.is_some()).filter_map(|run| Some(row(run, of(run.flow)?, seed))).collect()
}

fn row(run: &Run, fit: &Fit, seed: u64) -> Row {
    let predicted = predict(&settings(run, fit), seed);
    let measured = run.downloadable_s.unwrap_or_default();
    let pair = |predicted: Option<f64>, measured: Option<f64>| {
        Some(Pair { predicted: predicted?, measured: measured.filter(|measured| *measured > 0.0)? })
    };
    let tail = |quantile: f64, measured: Option<Quantile>| {
        Some(Tail { quantile, predicted: predicted.downloadable.quantile(quantile)?, measured: measured? })
    };
    Row {
        id: run.id.clone(),
        flow: run.flow,
        load: run.load,
        goodput_per_s: pair(Some(predicted.goodput_per_s), run.goodput_per_s),
        p50_s: pair(predicted.downloadable.quantile(0.5), measured.p50.map(|p50| p50.value)),
        tail: tail(0.99, measured.p99).or_else(|| tail(0.9, measured.p90)),
        refused_share: Pair { predicted: predicted.refused_share, measured: run.refused / run.offered.max(1.0) },
    }
}

/// How many times the larger of two values is the smaller; at least 1.
pub(super) fn factor(one: f64, other: f64) -> f64 {
    // Two values of 0 have no ratio, and no difference.
    if one.total_cmp(&other).is_eq() { 1.0 } else { (one / other).max(other / one) }
}

/// The factor by which medians were off at the load nearest to `load`, the larger one of both flows. A smaller difference between
/// the flows may be the model's own. 1 where nothing was validated.
pub(super) fn median_off_by(rows: &[Row], load: f64) -> f64 {
    let of = |flow| {
        let medians = rows.iter().filter(move |row| row.flow == flow).filter_map(|row| Some((row.load?, row.p50_s?)));
        let distance = move |at: f64| (at - load).abs();
        let nearest = medians.clone().map(|(at, _)| distance(at)).min_by(f64::total_cmp)?;
        // Runs of one load may differ in their arrivals.
        medians.filter(|(at, _)| distance(*at) <= nearest + 1e-9).map(|(_, p50)| p50.off_by()).reduce(f64::max)
    };
    Flow::BOTH.into_iter().filter_map(of).fold(1.0, f64::max)
}

/// A row for the console.
pub(super) fn line(row: &Row) -> String {
    let error =
        |pair: Option<Pair>| pair.map_or_else(|| "–".to_owned(), |pair| format!("{:+.1} %", pair.error() * 100.0));
    let tail = row.tail.map_or("no tail", |tail| if tail.is_inside() { "tail inside" } else { "tail outside" });
    format!("{:24} goodput {:>8}   p50 {:>8}   {tail}", row.id, error(row.goodput_per_s), error(row.p50_s))
}

/// The measured run as the model is given it.
pub(super) fn settings(run: &Run, fit: &Fit) -> Settings {
    let per_s = run.rate_per_s;
    Settings {
        arrivals: match run.arrivals {
            Kind::Poisson => Arrivals::Poisson { per_s },
            Kind::Constant => Arrivals::Constant { per_s },
        },
        horizon_s: run.seconds,
        replica: fit.machine(run.permits),
        rules: Rules { queue_max: QUEUE_MAX, ..Rules::default() },
        arrivals_seed: run.seed,
        videos_seed: Some(run.seed),
        ..scenario::basic(run.flow, fit.mix.clone())
    }
}

struct Prediction {
    goodput_per_s: f64,
    refused_share: f64,
    downloadable: Durations,
}

fn predict(settings: &Settings, seed: u64) -> Prediction {
    let mut downloadable = Durations::new();
    let (mut in_time, mut refused, mut offered) = (0, 0, 0);
    for replication in 0..REPLICATIONS {
        let outcome: Outcome = model::run(&Settings { seed: seed + replication, ..settings.clone() });
        downloadable.add(&outcome.downloadable);
        in_time += outcome.completed_in_time;
        refused += outcome.refused;
        offered += outcome.offered;
    }
    Prediction {
        goodput_per_s: float(in_time) / (settings.horizon_s * float(REPLICATIONS)),
        refused_share: float(refused) / float(offered.max(1)),
        downloadable,
    }
}
