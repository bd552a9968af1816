//! Axes: what they measure, how far they reach, and where a value lies on them.

use serde::{Deserialize, Serialize};

use super::ticks;

/// Nines of the largest quantile that is drawn.
const NINES_MAX: f64 = 9.0;

/// What an axis measures, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    pub(crate) unit: Unit,
    /// Lowest and highest; found from the data where it is not given.
    pub(crate) range: Option<(f64, f64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scale {
    Linear,
    /// Without what is not above 0.
    Log,
    /// A quantile q from 0 to 1 at −log(1 − q): each nine is as wide as the one before.
    Quantile,
}

/// How the numbers at the ticks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Unit {
    Plain,
    /// Whole things: no tick lies between two of them.
    Count,
    /// `10 ms`, `1 s`, `5 min`.
    Seconds,
    /// `16 MiB`.
    Bytes,
    /// The value is in percent already: `50 %`.
    Percent,
}

impl Axis {
    pub(crate) fn linear(label: impl Into<String>) -> Self {
        Self { label: label.into(), scale: Scale::Linear, unit: Unit::Plain, range: None }
    }

    pub(crate) fn log(label: impl Into<String>) -> Self {
        Self { scale: Scale::Log, ..Self::linear(label) }
    }

    pub(crate) fn quantile(label: impl Into<String>) -> Self {
        Self { scale: Scale::Quantile, ..Self::linear(label) }
    }

    pub(crate) fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    /// From `low` to `high`, whatever the data say; left out where the scale has no such place.
    pub(crate) fn range(self, low: f64, high: f64) -> Self {
        Self { range: Some((low, high)), ..self }
    }

    /// Whether a value has a place on this axis at all.
    pub(super) fn takes(&self, value: f64) -> bool {
        value.is_finite()
            && match self.scale {
                Scale::Linear => true,
                Scale::Log => value > 0.0,
                Scale::Quantile => (0.0..1.0).contains(&value),
            }
    }

    /// The axis with a range: its own, or that of the values, from 0 where it is linear and nothing is negative. `round`
    /// ends it at a tick.
    pub(super) fn fit(&self, values: impl Iterator<Item = f64>, round: bool) -> Self {
        let values = values.filter(|value| self.takes(*value));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low > high { (0.0, 0.0) } else { (low, high) };
        let possible = |(low, high): &(f64, f64)| low < high && self.takes(*low) && self.takes(*high);
        let range = self.range.filter(possible).unwrap_or_else(|| match self.scale {
            Scale::Linear => linear_range(low.min(0.0), high.max(0.0), self.unit, round),
            Scale::Log => log_range(low, high),
            Scale::Quantile => (0.0, high.max(0.9)),
        });
        Self { range: Some(range), ..self.clone() }
    }

    /// This axis between two pixels.
    pub(super) fn place(&self, from: f64, to: f64) -> Place {
        let (low, high) = self.range.unwrap_or((0.0, 1.0));
        let (low, high) = (self.transform(low), self.transform(high));
        let high = if high > low { high } else { low + 1.0 };
        Place { axis: self.clone(), low, high, from, to }
    }

    fn transform(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(f64::MIN_POSITIVE).log10(),
            Scale::Quantile => (-(1.0 - value).log10()).clamp(0.0, NINES_MAX),
        }
    }
}

/// An axis on the screen.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) axis: Axis,
    low: f64,
    high: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Place {
    /// The pixel of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (self.axis.transform(value) - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Whether a value lies between the ends.
    pub(super) fn holds(&self, value: f64) -> bool {
        let at = self.axis.transform(value);
        let slack = (self.high - self.low) * 1e-9;
        self.axis.takes(value) && (self.low - slack..=self.high + slack).contains(&at)
    }
}

fn linear_range(low: f64, high: f64, unit: Unit, round: bool) -> (f64, f64) {
    let high = if high > low { high } else { low + 1.0 };
    if !round {
        return (low, high);
    }
    let step = ticks::linear_step(low, high, unit, ticks::USUAL);
    ((low / step - 1e-9).ceil().min((low / step).floor()) * step, (high / step - 1e-9).ceil() * step)
}

/// From a 1, 2 or 5 at or below the lowest to one at or above the highest.
fn log_range(low: f64, high: f64) -> (f64, f64) {
    if low <= 0.0 {
        return (1.0, 10.0);
    }
    let decade = |value: f64| 10_f64.powf(value.log10().floor());
    let below = |value: f64| [5.0, 2.0, 1.0].map(|m| m * decade(value)).into_iter().find(|b| *b <= value * 1.000_001);
    let above = |value: f64| [1.0, 2.0, 5.0].map(|m| m * decade(value)).into_iter().find(|b| *b >= value * 0.999_999);
    let (from, to) = (below(low).unwrap_or(low), above(high).unwrap_or(10.0 * decade(high)));
    if to > from { (from, to) } else { (from / 2.0, to * 2.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(axis: &Axis, values: &[f64]) -> (f64, f64) {
        axis.fit(values.iter().copied(), true).range.expect("fitted")
    }

    #[test]
    fn a_linear_range_holds_zero_and_ends_at_a_tick() {
        assert_eq!(range(&Axis::linear(""), &[40.0, 77.0]), (0.0, 80.0));
        assert_eq!(range(&Axis::linear(""), &[-0.13, 0.4, f64::NAN]), (-0.2, 0.4));
        assert_eq!(range(&Axis::linear(""), &[]), (0.0, 1.0));
    }

    #[test]
    fn a_logarithmic_range_leaves_out_what_has_no_place() {
        assert_eq!(range(&Axis::log(""), &[0.0, -1.0, 0.03, 7.0]), (0.02, 10.0));
        assert_eq!(range(&Axis::log(""), &[0.0]), (1.0, 10.0));
        assert_eq!(range(&Axis::log("").range(0.0, 5.0), &[1.5, 2.5]), (1.0, 5.0));
    }

    #[test]
    fn each_nine_of_a_quantile_is_as_wide_as_the_one_before() {
        let place = Axis::quantile("").fit([0.999].into_iter(), false).place(0.0, 300.0);
        for (q, pixel) in [(0.0, 0.0), (0.9, 100.0), (0.99, 200.0), (0.999, 300.0)] {
            assert!((place.at(q) - pixel).abs() < 1e-6, "{q}");
        }
        assert!(!place.holds(1.0));
    }
}
