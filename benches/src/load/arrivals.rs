//! When arrivals come.

use std::time::Duration;

use super::{Arrivals, Plan};
use crate::stats::{float, random::Random};

impl Plan {
    /// All arrivals, as times since the run began, in order.
    pub(crate) fn schedule(&self) -> Vec<Duration> {
        let mut random = Random::seeded(self.seed);
        let gap = self.rate_per_s.recip();
        let length = self.length.as_secs_f64();
        let mut times = vec![];
        let mut at = match self.arrivals {
            Arrivals::Constant => 0.0,
            Arrivals::Poisson => random.exponential(gap),
        };
        while at < length {
            times.push(Duration::from_secs_f64(at));
            at = match self.arrivals {
                // Not summed up: many small errors would become a large one.
                Arrivals::Constant => float(times.len()) * gap,
                Arrivals::Poisson => at + random.exponential(gap),
            };
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arrivals: Arrivals, seed: u64) -> Plan {
        let (length, drain_max) = (Duration::from_secs(100), Duration::ZERO);
        Plan { rate_per_s: 50.0, length, arrivals, seed, in_flight_max: 1, drain_max }
    }

    #[test]
    fn constant_arrivals_are_evenly_spaced() {
        let times = plan(Arrivals::Constant, 1).schedule();

        assert_eq!(times.len(), 5_000);
        assert_eq!(times[4_999], Duration::from_millis(99_980));
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_a_poisson_process() {
        let times = plan(Arrivals::Poisson, 1).schedule();
        let gaps: Vec<_> = times.windows(2).map(|pair| pair[1].as_secs_f64() - pair[0].as_secs_f64()).collect();

        let n = f64::from(u32::try_from(gaps.len()).expect("some thousand"));
        let mean = gaps.iter().sum::<f64>() / n;
        let deviation = (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n).sqrt();

        assert!((mean * 50.0 - 1.0).abs() < 0.05, "mean gap {mean}");
        assert!((deviation / mean - 1.0).abs() < 0.05, "deviation {deviation}");
    }

    #[test]
    fn a_seed_brings_back_its_arrivals() {
        let [first, again, other] = [1, 1, 2].map(|seed| plan(Arrivals::Poisson, seed).schedule());

        assert_eq!(first, again);
        assert_ne!(first, other);
    }
}
