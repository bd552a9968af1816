//! Ticks at round values, and their texts.

use super::{
    super::number,
    axis::{Axis, Scale, Unit},
};

/// Spaces between ticks that a range is rounded for.
pub(super) const USUAL: f64 = 6.0;
/// Decades on a logarithmic axis up to which 2 and 5 of each have ticks, too.
const DECADES_WITH_PARTS: f64 = 2.2;
/// Ticks of long times on a logarithmic axis: half a minute to a day.
const LONG_TIMES_S: [f64; 9] = [30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 36_000.0, 86_400.0];

/// A tick and its text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tick {
    pub(super) value: f64,
    pub(super) text: String,
}

/// The ticks within the range of an axis, at most about `spaces` apart.
pub(super) fn ticks(axis: &Axis, spaces: f64) -> Vec<Tick> {
    let (low, high) = axis.range.unwrap_or((0.0, 1.0));
    match axis.scale {
        Scale::Linear => linear(low, high, axis.unit, spaces),
        Scale::Log => log(low, high, axis.unit, spaces),
        Scale::Quantile => quantile(high),
    }
}

/// Between two ticks of a linear axis: 1, 2 or 5 times a power of ten of the unit that is written.
pub(super) fn linear_step(low: f64, high: f64, unit: Unit, spaces: f64) -> f64 {
    let (written, name) = written(low, high, unit);
    let rough = (high - low) / written / spaces;
    let decade = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    let hours = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0];
    let round = |steps: &[f64]| steps.iter().copied().find(|step| *step >= rough * 0.999_999);
    let step = round(if name == " h" && (1.0..=24.0).contains(&rough) { &hours } else { &steps });
    let step = step.unwrap_or(10.0 * decade) * written;
    if unit == Unit::Count { step.max(1.0) } else { step }
}

fn linear(low: f64, high: f64, unit: Unit, spaces: f64) -> Vec<Tick> {
    let step = linear_step(low, high, unit, spaces);
    let (written, name) = written(low, high, unit);
    let decimals = number::decimals_of(step / written);
    let mut ticks = vec![];
    let mut at = (low / step - 1e-9).ceil();
    while at * step <= high + step * 1e-9 {
        // Adding 0 takes the sign from a negative zero.
        let value = at * step + 0.0;
        ticks.push(Tick { value, text: number::fixed(value / written, decimals) + name });
        at += 1.0;
    }
    ticks
}

/// The unit that numbers between these ends are written in, and its name: the same for all ticks of an axis.
fn written(low: f64, high: f64, unit: Unit) -> (f64, &'static str) {
    let size = low.abs().max(high.abs());
    let largest = |units: &[(f64, &'static str)]| {
        units.iter().copied().rev().find(|(written, _)| size >= *written).unwrap_or(units[0])
    };
    match unit {
        Unit::Plain | Unit::Count => (1.0, ""),
        Unit::Percent => (1.0, " %"),
        Unit::Bytes => {
            let kib = 1024.0_f64;
            largest(&[(1.0, " B"), (kib, " KiB"), (kib.powi(2), " MiB"), (kib.powi(3), " GiB"), (kib.powi(4), " TiB")])
        }
        Unit::Seconds if size >= 3.0 * 3600.0 => (3600.0, " h"),
        Unit::Seconds if size >= 300.0 => (60.0, " min"),
        Unit::Seconds => largest(&[(1e-6, " µs"), (1e-3, " ms"), (1.0, " s")]),
    }
}

fn log(low: f64, high: f64, unit: Unit, spaces: f64) -> Vec<Tick> {
    let decades = (high / low).log10();
    let parts: &[f64] = if decades <= DECADES_WITH_PARTS { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = (decades / spaces.max(1.0)).ceil().max(1.0);
    let mut values = vec![];
    let mut exponent = low.log10().floor();
    while 10_f64.powf(exponent) <= high * 1.000_001 {
        if exponent.rem_euclid(every) < 0.5 {
            values.extend(parts.iter().map(|part| part * 10_f64.powf(exponent)));
        }
        exponent += 1.0;
    }
    if unit == Unit::Seconds && high > 60.0 {
        values.retain(|value| *value < LONG_TIMES_S[0]);
        let few = decades > DECADES_WITH_PARTS;
        values.extend(LONG_TIMES_S.iter().copied().enumerate().filter(|(at, _)| !few || at % 2 == 1).map(|(_, v)| v));
    }
    values.retain(|value| *value >= low * 0.999_999 && *value <= high * 1.000_001);
    values.into_iter().map(|value| Tick { value, text: text(value, unit) }).collect()
}

/// Half, and one more nine each time: 0 %, 50 %, 90 %, 99 %.
fn quantile(high: f64) -> Vec<Tick> {
    let nines = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
    let inside = nines.into_iter().filter(|q| *q <= high + 1e-12);
    inside.map(|value| Tick { value, text: format!("{} %", trimmed(value * 100.0)) }).collect()
}

fn trimmed(percent: f64) -> String {
    let text = format!("{percent:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// One value, with the unit that suits it alone.
pub(super) fn text(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Plain | Unit::Count => number::short(value),
        Unit::Percent => format!("{} %", number::short(value)),
        Unit::Bytes => number::bytes(value),
        Unit::Seconds => {
            let text = number::seconds(value);
            let (digits, unit) = text.split_once(' ').unwrap_or((&text, ""));
            let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
            let (digits, unit) = if (digits, unit) == ("60", "s") { ("1", "min") } else { (digits, unit) };
            let (digits, unit) = if (digits, unit) == ("60", "min") { ("1", "h") } else { (digits, unit) };
            format!("{digits} {unit}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        ticks(axis, USUAL).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_have_one_unit() {
        let axis = |unit, low, high| Axis::linear("").unit(unit).range(low, high);
        assert_eq!(
            texts(&axis(Unit::Percent, 0.0, 300.0)),
            ["0 %", "50 %", "100 %", "150 %", "200 %", "250 %", "300 %"]
        );
        assert_eq!(texts(&axis(Unit::Plain, -0.2, 0.3)), ["-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]);
        assert_eq!(texts(&axis(Unit::Count, 0.0, 2.0)), ["0", "1", "2"]);
        assert_eq!(texts(&axis(Unit::Plain, 0.0, 45_000.0)), ["0", "10,000", "20,000", "30,000", "40,000"]);
        assert_eq!(texts(&axis(Unit::Seconds, 0.0, 0.25)), ["0 ms", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms"]);
        assert_eq!(texts(&axis(Unit::Seconds, 0.0, 600.0)), ["0 min", "2 min", "4 min", "6 min", "8 min", "10 min"]);
        assert_eq!(texts(&axis(Unit::Seconds, 0.0, 86_400.0)), ["0 h", "6 h", "12 h", "18 h", "24 h"]);
        let mib = 1024.0 * 1024.0;
        assert_eq!(texts(&axis(Unit::Bytes, 0.0, 60.0 * mib)).last().map(String::as_str), Some("60 MiB"));
    }

    #[test]
    fn logarithmic_ticks_are_decades_or_parts_of_few() {
        let axis = |low, high| Axis::log("").unit(Unit::Seconds).range(low, high);
        assert_eq!(texts(&axis(0.001, 10.0)), ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert_eq!(texts(&axis(0.05, 1.0)), ["50 ms", "100 ms", "200 ms", "500 ms", "1 s"]);
        assert_eq!(texts(&axis(0.1, 3600.0)), ["100 ms", "1 s", "10 s", "1 min", "10 min", "1 h"]);
        assert_eq!(texts(&Axis::log("").range(1.0, 1000.0)), ["1", "10", "100", "1,000"]);
    }

    #[test]
    fn each_nine_of_a_quantile_has_a_tick() {
        let axis = Axis::quantile("").range(0.0, 0.9995);
        assert_eq!(texts(&axis), ["0 %", "50 %", "90 %", "99 %", "99.9 %"]);
    }
}
