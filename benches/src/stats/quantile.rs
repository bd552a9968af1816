//! Quantiles with their uncertainty, and none where the samples do not carry one.

use serde::{Deserialize, Serialize};

use super::{float, random::Random};

/// So many samples must lie beyond a quantile: p50 from 20 samples, p90 from 100, p99 from 1,000.
const BEYOND_MIN: f64 = 10.0;
/// Resamples of a bootstrap; the ends of the interval are their 25th and 976th.
const RESAMPLES: usize = 1_000;

/// In the unit of the samples, with the 95 % bootstrap interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantile {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Those that a report shows; `None` where there are too few samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub(crate) p50: Option<Quantile>,
    pub(crate) p90: Option<Quantile>,
    pub(crate) p99: Option<Quantile>,
    pub(crate) max: Option<f64>,
}

impl Quantiles {
    /// Of samples in the order in which they were taken.
    pub(crate) fn of(samples: &[f64], seed: u64) -> Self {
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|q| quantile(samples, q, seed));
        Self { p50, p90, p99, max: samples.iter().copied().reduce(f64::max) }
    }
}

/// The value that a share `q` of the samples does not exceed. They stand in the order in which they were taken: those that
/// follow one another waited in the same queue, so the bootstrap draws blocks of neighbours, not single ones, and its
/// interval is as wide as it has to be.
pub(crate) fn quantile(samples: &[f64], q: f64, seed: u64) -> Option<Quantile> {
    if !carries(samples.len(), q) {
        return None;
    }
    let mut random = Random::seeded(seed);
    let mut resampled = Vec::with_capacity(samples.len());
    let mut of_resamples: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            resample(samples, &mut random, &mut resampled);
            at(&mut resampled, q)
        })
        .collect();
    of_resamples.sort_by(f64::total_cmp);
    let tail = RESAMPLES / 40;
    let value = at(&mut samples.to_vec(), q);
    Some(Quantile { value, low: of_resamples[tail - 1].min(value), high: of_resamples[RESAMPLES - tail].max(value) })
}

/// Whether so many samples say anything about a quantile.
pub(crate) fn carries(samples: usize, q: f64) -> bool {
    // 1 − 0.9 is a little more than a tenth.
    float(samples) * (1.0 - q) >= BEYOND_MIN - 1e-9
}

/// Circular blocks of √n neighbours until there are as many as before.
fn resample(samples: &[f64], random: &mut Random, resampled: &mut Vec<f64>) {
    let block = samples.len().isqrt();
    resampled.clear();
    while resampled.len() < samples.len() {
        let start = random.below(samples.len());
        let rest = samples.len() - resampled.len();
        resampled.extend(samples[start..].iter().chain(samples).take(block.min(rest)));
    }
}

/// Nearest rank.
#[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "an index")]
fn at(samples: &mut [f64], q: f64) -> f64 {
    let rank = (float(samples.len()) * q - 1e-9).ceil() as usize;
    *samples.select_nth_unstable_by(rank.max(1) - 1, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(n: u32) -> Vec<f64> {
        (1..=n).map(f64::from).collect()
    }

    #[test]
    fn a_quantile_needs_ten_samples_beyond_it() {
        let [few, hundred, thousand] = [99, 100, 1_000].map(|n| Quantiles::of(&up_to(n), 1));

        assert!(few.p50.is_some() && few.p90.is_none());
        assert!(hundred.p90.is_some() && hundred.p99.is_none());
        assert!(thousand.p99.is_some());
        assert_eq!(Quantiles::of(&[], 1), Quantiles::default());
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let quantiles = Quantiles::of(&up_to(1_000), 1);
        let values = [quantiles.p50, quantiles.p90, quantiles.p99].map(|quantile| quantile.expect("enough").value);

        for (value, expected) in values.into_iter().zip([500.0, 900.0, 990.0]) {
            assert!((value - expected).abs() < f64::EPSILON, "{value}, not {expected}");
        }
        assert_eq!(quantiles.max, Some(1_000.0));
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_true_median() {
        let mut random = Random::seeded(42);

        let held = (0..200)
            .filter(|&seed| {
                let samples: Vec<_> = (0..400).map(|_| random.exponential(1.0)).collect();
                let median = quantile(&samples, 0.5, seed).expect("enough samples");
                (median.low..=median.high).contains(&std::f64::consts::LN_2)
            })
            .count();

        assert!((176..=199).contains(&held), "{held} of 200");
    }

    #[test]
    fn neighbours_that_are_alike_widen_the_interval() {
        let mut random = Random::seeded(3);
        let apart: Vec<_> = (0..1_000).map(|_| random.unit()).collect();
        let mut alike = apart.clone();
        alike.sort_by(f64::total_cmp);

        let width = |samples: &[f64]| quantile(samples, 0.5, 1).map(|median| median.high - median.low);

        assert!(width(&alike) > width(&apart).map(|width| width * 2.0));
    }
}
