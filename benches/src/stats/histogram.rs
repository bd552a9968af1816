//! Latencies as HDR histograms: every value to three digits, in little room.

use std::time::Duration;

use super::float;

/// Longest time that is told apart.
const LONGEST: Duration = Duration::from_hours(1);
/// Significant digits.
const DIGITS: u8 = 3;

/// Of seconds, kept in microseconds; what is longer than an hour counts as an hour.
pub(crate) fn of(seconds: impl IntoIterator<Item = f64>) -> anyhow::Result<hdrhistogram::Histogram<u64>> {
    let highest = u64::try_from(LONGEST.as_micros())?;
    let mut histogram = hdrhistogram::Histogram::new_with_bounds(1, highest, DIGITS)?;
    for seconds in seconds {
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "rounded, and `as` saturates")]
        histogram.saturating_record((seconds * 1e6).round() as u64);
    }
    Ok(histogram)
}

/// Seconds that a share `q` does not exceed, to three digits.
pub(crate) fn at(histogram: &hdrhistogram::Histogram<u64>, q: f64) -> f64 {
    float(histogram.value_at_quantile(q)) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_to_three_digits_and_no_longer_than_an_hour() {
        let histogram = of((1..=1_000).map(|ms| f64::from(ms) / 1e3)).expect("bounds are good");

        for q in [0.5, 0.9, 0.99] {
            assert!((at(&histogram, q) / q - 1.0).abs() < 1e-3, "{}", at(&histogram, q));
        }
        let longest = of([1e9]).expect("bounds are good");
        assert!((at(&longest, 1.0) / 3_600.0 - 1.0).abs() < 1e-3);
    }
}
