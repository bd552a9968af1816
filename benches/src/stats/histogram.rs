//! Latencies as HDR histograms: every value to three digits, in little room.

use std::time::Duration;

use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

/// Longest time that is told apart.
const LONGEST: Duration = Duration::from_hours(1);
/// Significant digits.
const DIGITS: u8 = 3;

/// Times in microseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram(hdrhistogram::Histogram<u64>);

impl Histogram {
    /// Of seconds; what is longer than an hour counts as an hour.
    pub(crate) fn of(seconds: impl IntoIterator<Item = f64>) -> anyhow::Result<Self> {
        let highest = u64::try_from(LONGEST.as_micros())?;
        let mut histogram = hdrhistogram::Histogram::new_with_bounds(1, highest, DIGITS)?;
        for seconds in seconds {
            #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "rounded, and `as` saturates")]
            histogram.saturating_record((seconds * 1e6).round() as u64);
        }
        Ok(Self(histogram))
    }

    /// Seconds that a share `q` does not exceed, to three digits.
    pub(crate) fn at(&self, q: f64) -> f64 {
        seconds(self.0.value_at_quantile(q))
    }

    /// The latency spectrum: (share, seconds), ever closer to 1 where the samples are fewer. Four points to each halving
    /// of the distance to 1.
    pub(crate) fn spectrum(&self) -> Vec<(f64, f64)> {
        self.0.iter_quantiles(4).map(|step| (step.quantile_iterated_to(), seconds(step.value_iterated_to()))).collect()
    }

    /// In V2 of the HDR format, compressed, unit microseconds: what other HDR tools read.
    pub(crate) fn encoded(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = vec![];
        V2DeflateSerializer::new().serialize(&self.0, &mut bytes)?;
        Ok(bytes)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an hour has fewer than 2^53 microseconds")]
fn seconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;

    use super::*;

    fn up_to_a_second() -> Histogram {
        Histogram::of((1..=1_000).map(|ms| f64::from(ms) / 1e3)).expect("bounds are good")
    }

    #[test]
    fn values_are_kept_to_three_digits() {
        let histogram = up_to_a_second();

        for q in [0.5, 0.9, 0.99] {
            assert!((histogram.at(q) / q - 1.0).abs() < 1e-3, "{}", histogram.at(q));
        }
    }

    #[test]
    fn the_spectrum_rises_to_the_longest() {
        let spectrum = up_to_a_second().spectrum();

        assert!(spectrum.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1));
        assert!(spectrum.last().is_some_and(|&(_, longest)| (longest - 1.0).abs() < 1e-3));
    }

    #[test]
    fn the_encoded_form_is_read_back() {
        let histogram = up_to_a_second();

        let encoded = histogram.encoded().expect("a histogram is encoded");
        let decoded: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut encoded.as_slice()).expect("it is read back");

        assert_eq!(decoded, histogram.0);
    }
}
