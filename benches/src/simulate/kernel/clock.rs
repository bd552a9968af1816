//! Time in the model: whole nanoseconds since its start, so that no order of events hangs on rounding.

use crate::stats::float;

/// Nanoseconds; 64 bits are 584 years.
pub(in crate::simulate) type Nanos = u64;

/// One second.
#[cfg(test)]
pub(super) const SECOND: Nanos = 1_000_000_000;

/// Rounded up, since an event must not come before its time. Negative and endless values are cut to what fits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub(in crate::simulate) fn nanos(seconds: f64) -> Nanos {
    (seconds * 1e9).ceil() as Nanos
}

/// In seconds; exact up to 104 days.
pub(in crate::simulate) fn seconds(nanos: Nanos) -> f64 {
    float(nanos) / 1e9
}

/// A count, rounded up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
pub(in crate::simulate) fn whole(number: f64) -> u32 {
    number.ceil() as u32
}
