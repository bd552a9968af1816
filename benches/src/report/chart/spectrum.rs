//! The spectrum of latencies: each quantile, with as much room for each further nine as for the one before.

use hdrhistogram::Histogram;

use super::{Axis, Chart, Plot, Series, Unit};
use crate::stats::float;

/// Samples that must lie beyond a quantile for it to say something: p90 from 100, p99 from 1,000.
const SAMPLES_BEYOND: f64 = 10.0;
/// Points for each halving of what is left above a quantile.
const POINTS_PER_HALVING: u32 = 8;

/// One curve for each named histogram; `unit_s` is the unit of its values in seconds. Beyond the last quantile that the
/// samples carry a curve is dotted.
pub(crate) fn spectrum<'a>(
    name: impl Into<String>,
    title: impl Into<String>,
    caption: impl Into<String>,
    histograms: impl IntoIterator<Item = (&'a str, &'a Histogram<u64>)>,
    unit_s: f64,
) -> Chart {
    let mut plot = Plot::new(
        Axis::quantile("share of answers that took at most this long"),
        Axis::log("time").unit(Unit::Seconds),
    );
    for (color, (label, histogram)) in histograms.into_iter().enumerate() {
        let (carried, beyond) = curve(histogram, unit_s);
        plot = plot.series(Series::curve(label, carried).color(color));
        plot = plot.series(Series::curve(label, beyond).color(color).dashed());
    }
    Chart::new(name, title, caption, plot)
}

type Points = Vec<(f64, f64)>;

/// Quantiles and their values, up to the last that is carried, and from there to the largest value.
fn curve(histogram: &Histogram<u64>, unit_s: f64) -> (Points, Points) {
    let samples = float(histogram.len());
    let largest = 1.0 - 1.0 / samples;
    let carried = 1.0 - SAMPLES_BEYOND / samples;
    let value = |q: f64| (q, float(histogram.value_at_quantile(q)) * unit_s);
    let steps = (0..).map(|step| 1.0 - 0.5_f64.powf(f64::from(step) / f64::from(POINTS_PER_HALVING)));
    let inside: Points = steps.take_while(|&q| q < largest).map(value).collect();
    let (mut low, high): (Points, Points) = inside.into_iter().partition(|(q, _)| *q < carried);
    if carried > 0.0 {
        low.push(value(carried));
    }
    let joined = low.last().copied().into_iter();
    let end = (samples > 1.0).then(|| (largest, float(histogram.max()) * unit_s));
    (low.clone(), joined.chain(high).chain(end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: u64) -> (Points, Points) {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits");
        (1..=samples).for_each(|sample| histogram.record(sample).expect("in range"));
        curve(&histogram, 1.0)
    }

    #[test]
    fn a_curve_is_solid_as_far_as_ten_samples_lie_beyond() {
        let (carried, beyond) = of(1000);
        let last = carried.last().expect("a point");
        assert!((last.0 - 0.99).abs() < 1e-9 && (last.1 - 990.0).abs() <= 1.0, "{last:?}");
        assert_eq!(beyond.first(), Some(last));
        assert!((beyond.last().expect("a point").0 - 0.999).abs() < 1e-9);
    }

    #[test]
    fn few_samples_carry_nothing() {
        assert_eq!(of(0), (vec![], vec![]));
        assert_eq!(of(9).0, []);
        assert_eq!(of(9).1.last().map(|point| point.1), Some(9.0));
    }
}
