//! Many durations: an HDR histogram that grows as they come, and their exact sum.

use super::{Nanos, seconds};
use crate::stats::float;
use crate::stats::quantile::carries;

/// Three digits: a quantile is off by less than 0.1 %.
const DIGITS: u8 = 3;

/// Many durations.
#[derive(Debug, Clone)]
pub(in crate::simulate) struct Durations {
    nanos: hdrhistogram::Histogram<u64>,
    sum: f64,
}

impl Durations {
    pub(in crate::simulate) fn new() -> Self {
        let nanos = hdrhistogram::Histogram::new(DIGITS).expect("0 to 5 digits are allowed");
        Self { nanos, sum: 0.0 }
    }

    pub(in crate::simulate) fn record(&mut self, duration: Nanos) {
        // It resizes itself, so every value fits.
        self.nanos += duration;
        self.sum += seconds(duration);
    }

    /// Those of another run, too.
    pub(in crate::simulate) fn add(&mut self, other: &Self) {
        self.nanos += &other.nanos;
        self.sum += other.sum;
    }

    pub(in crate::simulate) fn count(&self) -> u64 {
        self.nanos.len()
    }

    /// In seconds; 0 of none.
    pub(in crate::simulate) fn mean(&self) -> f64 {
        self.sum / float(self.count().max(1))
    }

    /// In seconds, for `share` in 0…1; none where there are too few, as in the measured runs.
    pub(in crate::simulate) fn quantile(&self, share: f64) -> Option<f64> {
        let count = usize::try_from(self.count()).unwrap_or(usize::MAX);
        carries(count, share).then(|| seconds(self.nanos.value_at_quantile(share)))
    }

    /// How many there are of each length in nanoseconds.
    #[cfg(test)]
    pub(in crate::simulate) fn counts(&self) -> Vec<(Nanos, u64)> {
        self.nanos.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value())).collect()
    }

    /// The longest in seconds; 0 of none.
    pub(in crate::simulate) fn max(&self) -> f64 {
        seconds(self.nanos.max())
    }
}
