//! Random numbers that a seed in a report brings back, on any machine and with any later version of the crates.

use super::float;

/// `SplitMix64` (Steele, Lea and Flood, 2014): good enough for arrivals and resampling, and eight lines.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in (0, 1], of 53 bits, which are what an f64 holds: never 0, so its logarithm is finite.
    pub(crate) fn unit(&mut self) -> f64 {
        float((self.next() >> 11) + 1) / float(1_u64 << 53)
    }

    /// Uniform in `0..end`; the bias is below `end` / 2^64.
    #[expect(clippy::cast_possible_truncation, reason = "the result is below `end`")]
    pub(crate) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// What the seed gives the `number`-th of a series, in `0..end`: the same whoever asks, and in whichever order.
    pub(crate) fn nth_below(seed: u64, number: u64, end: usize) -> usize {
        Self::seeded(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).below(end)
    }

    /// Exponentially distributed.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -self.unit().ln() * mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_brings_back_the_published_sequence() {
        let mut random = Random::seeded(1_234_567);

        // The first values of the reference implementation for this seed.
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn means_are_what_they_should_be() {
        let mut random = Random::seeded(7);

        let mean = (0..100_000).map(|_| random.exponential(2.0)).sum::<f64>() / 1e5;
        let middle = (0..100_000).map(|_| random.below(101)).sum::<usize>() / 100_000;

        assert!((mean - 2.0).abs() < 0.03, "{mean}");
        assert!((49..=50).contains(&middle), "{middle}");
    }
}
