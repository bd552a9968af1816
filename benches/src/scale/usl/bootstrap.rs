//! How sure a fit is: the runs of each N are drawn again, with replacement, and fitted again.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Model, Point, least_squares};
use crate::stats::{float, random::Random};

/// Fits; the ends of a 95 % interval then stand on 25 each.
const DRAWS: usize = 1000;
/// Share of the fits that lies below, and above, a 95 % interval.
const TAIL: f64 = 0.025;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Interval {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// How far the fit moves when other runs had been made. With three runs for each N the intervals are coarse, and they know
/// nothing of what all runs have in common, such as the machine.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Intervals {
    pub(crate) gamma: Interval,
    pub(crate) alpha: Interval,
    pub(crate) beta: Interval,
    /// Of the curve, at N = 1, 2, … up to the largest that was measured.
    pub(crate) curve: Vec<Interval>,
}

pub(super) fn intervals(points: &[Point], model: &Model, seed: u64) -> Intervals {
    let mut runs = BTreeMap::<u32, Vec<Point>>::new();
    for point in points {
        runs.entry(point.replicas).or_default().push(*point);
    }
    let mut random = Random::seeded(seed);
    let mut models = vec![*model];
    for _ in 0..DRAWS {
        let mut drawn = Vec::with_capacity(points.len());
        for runs in runs.values() {
            drawn.extend((0..runs.len()).map(|_| runs[random.below(runs.len())]));
        }
        models.push(least_squares::fit_near(&drawn, model));
    }
    let replicas_max = runs.keys().last().copied().unwrap_or(0);
    Intervals {
        gamma: interval(models.iter().map(|model| model.gamma)),
        alpha: interval(models.iter().map(|model| model.alpha)),
        beta: interval(models.iter().map(|model| model.beta)),
        curve: (1..=replicas_max).map(|n| interval(models.iter().map(|model| model.at(n.into())))).collect(),
    }
}

fn interval(values: impl Iterator<Item = f64>) -> Interval {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1001 fits")]
    let tail = (float(values.len()) * TAIL) as usize;
    Interval { low: values[tail], high: values[values.len() - 1 - tail] }
}
