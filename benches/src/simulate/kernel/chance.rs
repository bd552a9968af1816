//! What is left to chance.

use crate::stats::random::Random;

/// A stream of random numbers for one part of the model: what one draws does not shift the others. Stream 0 is that of the load
/// generator, so that a run of the model has the very arrivals of a measured one with its seed.
pub(in crate::simulate) fn stream(seed: u64, number: u64) -> Random {
    match number {
        0 => Random::seeded(seed),
        _ => Random::seeded(Random::seeded(seed.wrapping_add(number << 32)).next()),
    }
}

/// Log-normally distributed with **mean** 1, so that the spread adds no load; 1 for a `sigma` of 0.
pub(in crate::simulate) fn log_normal(random: &mut Random, sigma: f64) -> f64 {
    if sigma <= 0.0 {
        return 1.0;
    }
    // Box and Muller; the second value is dropped, so that no call hangs on the one before.
    let normal = (-2.0 * random.unit().ln()).sqrt() * (std::f64::consts::TAU * random.unit()).cos();
    (sigma * normal - sigma * sigma / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_adds_no_load() {
        let mut random = stream(1, 1);
        let mean = (0..400_000).map(|_| log_normal(&mut random, 0.5)).sum::<f64>() / 4e5;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn streams_of_one_seed_differ() {
        let first = [0, 1, 2].map(|number| stream(1, number).next());
        assert!(first[0] != first[1] && first[1] != first[2] && first[0] != first[2]);
    }
}
