//! Numbers for people.

/// Three digits that count: `0.0123`, `4.57`, `45.7`, `457`, `45,700`; a dash for what is no number.
pub(crate) fn digits(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0".to_owned(),
        _ if size >= 999.5 => {
            let unit = 10_f64.powf(size.log10().floor() - 2.0);
            signed(value, &grouped_f64((size / unit).round() * unit))
        }
        _ if size < 1e-6 => format!("{value:.2e}"),
        _ => format!("{value:.*}", decimals(size)),
    }
}

/// A whole number with commas between its thousands.
pub(crate) fn grouped(value: u64) -> String {
    let text = value.to_string();
    let mut grouped = String::with_capacity(text.len() + text.len() / 3);
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A time as a person says it: `850 µs`, `12.3 ms`, `4.57 s`, `2 min`, `3 h`.
pub(crate) fn seconds(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if size == 0.0 => "0 s".to_owned(),
        _ if size < 999.5e-6 => format!("{} µs", digits(value * 1e6)),
        _ if size < 0.9995 => format!("{} ms", digits(value * 1e3)),
        _ if size < 120.0 => format!("{} s", digits(value)),
        _ if size < 7200.0 => format!("{} min", digits(value / 60.0)),
        _ => format!("{} h", digits(value / 3600.0)),
    }
}

/// Bytes in powers of 1024: `512 B`, `1.5 MiB`.
pub(crate) fn bytes(value: f64) -> String {
    let mut units = ["B", "KiB", "MiB", "GiB", "TiB"].into_iter();
    let (mut value, mut unit) = (value, units.next().unwrap_or_default());
    for larger in units {
        if value.abs() < 1000.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    format!("{} {unit}", short(value))
}

/// As [`digits`], without zeros at the end: for ticks of axes.
pub(crate) fn short(value: f64) -> String {
    let text = digits(value);
    if text.contains('.') && !text.contains('e') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A number with so many digits behind the point, and commas between its thousands.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, part) = text.split_at(text.find('.').unwrap_or(text.len()));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), grouped);
    let zero = text.bytes().all(|byte| byte == b'0' || byte == b'.');
    signed(if zero { 0.0 } else { value }, &(whole + part))
}

/// Digits behind the point that a step of 1, 2 or 5 times a power of ten has.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 9")]
pub(crate) fn decimals_of(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize
}

fn signed(value: f64, text: &str) -> String {
    if value < 0.0 { format!("-{text}") } else { text.to_owned() }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; nothing here is that large")]
fn grouped_f64(value: f64) -> String {
    grouped(value as u64)
}

/// Digits behind the point so that three count.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
fn decimals(size: f64) -> usize {
    // What rounds up to a power of ten has its digits.
    (2.0 - (size * 1.0005).log10().floor()).clamp(0.0, 8.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        let values = [0.0, 0.012_34, 0.9999, 4.567, 45.67, 456.7, 999.7, 45_678.0, -1.5, -2_000.0, f64::NAN];
        let texts = values.map(digits);
        assert_eq!(texts, ["0", "0.0123", "1.00", "4.57", "45.7", "457", "1,000", "45,700", "-1.50", "-2,000", "–"]);
    }

    #[test]
    fn times_have_the_unit_a_person_takes() {
        let texts = [0.000_85, 0.0123, 0.9999, 4.5, 300.0, 10_800.0].map(seconds);
        assert_eq!(texts, ["850 µs", "12.3 ms", "1.00 s", "4.50 s", "5.00 min", "3.00 h"]);
    }

    #[test]
    fn bytes_are_counted_in_powers_of_1024() {
        assert_eq!([0.0, 512.0, 1_572_864.0].map(bytes), ["0 B", "512 B", "1.5 MiB"]);
    }
}
