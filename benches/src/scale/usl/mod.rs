//! The Universal Scalability Law: throughput against the number of replicas.
//!
//! `X(N) = γN / (1 + α(N−1) + βN(N−1))` (Gunther, "Guerrilla Capacity Planning", 2007): γ is what one replica does alone, α
//! what they wait for one another (contention), β what each pair of them costs (coherence). It is fitted by least squares in
//! X with γ > 0 and α, β ≥ 0, and says nothing beyond twice the largest N that was measured.

mod bootstrap;
mod least_squares;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::stats::float;

pub(crate) use bootstrap::{Interval, Intervals};

/// Three parameters go through any three points; the fourth is the first that can disagree.
const REPLICAS_MIN: usize = 4;
/// Curves are drawn and read up to this many times the largest N that was measured.
pub(crate) const BEYOND: f64 = 2.0;

/// One measured run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Point {
    pub(crate) replicas: u32,
    /// mp3s in a second.
    pub(crate) per_s: f64,
}

/// The three parameters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Model {
    /// mp3s in a second of one replica.
    pub(crate) gamma: f64,
    pub(crate) alpha: f64,
    pub(crate) beta: f64,
}

/// A model and how well it fits.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fit {
    pub(crate) model: Model,
    /// Share of the variance that the model explains; `None` where all runs were equally fast.
    pub(crate) r_squared: Option<f64>,
    /// Measured minus predicted, in the order of the points, in mp3s in a second.
    pub(crate) residuals: Vec<f64>,
    pub(crate) intervals: Intervals,
    /// Largest N that was measured.
    pub(crate) replicas_max: u32,
}

/// Why there is no fit, or no prediction.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a fit of three parameters needs at least {REPLICAS_MIN} different numbers of replicas, not {0}")]
    TooFew(usize),
    #[error("a run with {} replicas and {} mp3s in a second cannot be fitted", .0.replicas, .0.per_s)]
    Unusable(Point),
    #[error("{asked} replicas are more than {BEYOND} times the {measured} that were measured")]
    BeyondData { asked: f64, measured: u32 },
}

impl Model {
    /// Throughput of N replicas, however far away; [`Fit::predict`] is the careful one.
    fn at(&self, replicas: f64) -> f64 {
        self.gamma * replicas / self.slowdown(replicas)
    }

    fn slowdown(&self, replicas: f64) -> f64 {
        1.0 + self.alpha * (replicas - 1.0) + self.beta * replicas * (replicas - 1.0)
    }

    /// Where more replicas begin to cost throughput: `√((1−α)/β)`; `None` where the curve has no peak.
    pub(crate) fn peak_replicas(&self) -> Option<f64> {
        (self.beta > 0.0 && self.alpha < 1.0).then(|| ((1.0 - self.alpha) / self.beta).sqrt().max(1.0))
    }

    fn squared_error(&self, points: &[Point]) -> f64 {
        points.iter().map(|point| (point.per_s - self.at(point.replicas.into())).powi(2)).sum()
    }
}

impl Fit {
    /// Fits all runs, several for each N; `seed` is that of the intervals.
    pub(crate) fn of(points: &[Point], seed: u64) -> Result<Self, Refusal> {
        let usable = |point: &&Point| point.replicas > 0 && point.per_s.is_finite() && point.per_s > 0.0;
        if let Some(point) = points.iter().find(|point| !usable(point)) {
            return Err(Refusal::Unusable(*point));
        }
        let different: BTreeSet<u32> = points.iter().map(|point| point.replicas).collect();
        let replicas_max = different.last().copied().unwrap_or(0);
        if different.len() < REPLICAS_MIN {
            return Err(Refusal::TooFew(different.len()));
        }
        let model = least_squares::fit(points);
        let residuals = points.iter().map(|point| point.per_s - model.at(point.replicas.into())).collect();
        Ok(Self {
            r_squared: r_squared(&model, points),
            residuals,
            intervals: bootstrap::intervals(points, &model, seed),
            model,
            replicas_max,
        })
    }

    /// Throughput of N replicas, refused beyond [`BEYOND`] times what was measured.
    pub(crate) fn predict(&self, replicas: f64) -> Result<f64, Refusal> {
        if replicas > BEYOND * f64::from(self.replicas_max) {
            return Err(Refusal::BeyondData { asked: replicas, measured: self.replicas_max });
        }
        Ok(self.model.at(replicas))
    }

    /// Where the curve has its peak, if that is near enough to the data to be said.
    pub(crate) fn peak(&self) -> Option<f64> {
        self.model.peak_replicas().filter(|peak| self.predict(*peak).is_ok())
    }
}

fn r_squared(model: &Model, points: &[Point]) -> Option<f64> {
    let mean = points.iter().map(|point| point.per_s).sum::<f64>() / float(points.len());
    let total: f64 = points.iter().map(|point| (point.per_s - mean).powi(2)).sum();
    (total > 0.0).then(|| 1.0 - model.squared_error(points) / total)
}
