//! What measurements say: medians and spread of a few, histograms and quantiles of many.

pub(crate) mod histogram;
pub(crate) mod quantile;
pub(crate) mod random;

use serde::Serialize;

/// Counts, bytes, microseconds: exact up to 2⁵³, which nothing here reaches. What is no such number saturates.
#[expect(clippy::cast_precision_loss, reason = "what the lab counts stays below 2⁵³")]
pub(crate) fn float(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}

/// A few measurements of one thing.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Samples {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) all: Vec<f64>,
}

impl Samples {
    /// Of at least one value.
    pub(crate) fn of(all: Vec<f64>) -> Self {
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Self { median, min: sorted[0], max: sorted[sorted.len() - 1], all }
    }

    /// Without the single values, where those are too many to be kept.
    pub(crate) fn without_all(self) -> Self {
        Self { all: vec![], ..self }
    }
}

impl std::fmt::Display for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:7.3}  ({:.3} – {:.3})", self.median, self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((Samples::of(vec![3.0, 1.0, 2.0]).median - 2.0).abs() < f64::EPSILON);
        assert!((Samples::of(vec![4.0, 1.0, 2.0, 3.0]).median - 2.5).abs() < f64::EPSILON);
    }
}
