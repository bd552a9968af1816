//! One absolute instant per request, made where it arrives; the rest travels as `Request-Deadline-Ms`.

use std::time::{Duration, Instant};

use actix_web::http::header::HeaderMap;

use crate::Problem;

/// The caller's patience in milliseconds.
pub const HEADER: &str = "request-deadline-ms";

/// The instant after which nobody waits for the answer any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// `patience` from now.
    pub fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// The caller's `Request-Deadline-Ms`, cut to `patience_max`; without the header `patience_max` from now.
    pub fn of_request(headers: &HeaderMap, patience_max: Duration) -> Result<Self, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(Self::after(patience_max)) };
        match value.to_str().ok().and_then(|text| text.parse().ok()) {
            Some(ms) if ms > 0 => Ok(Self::after(Duration::from_millis(ms).min(patience_max))),
            _ => Err(Problem::new(
                400,
                "/problems/bad-request",
                "Malformed request",
                "Request-Deadline-Ms must be a whole number of milliseconds, at least 1",
            )),
        }
    }

    /// Time left; zero once it has passed.
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Time left in whole milliseconds, as the header carries it.
    pub fn remaining_ms(self) -> u64 {
        u64::try_from(self.remaining().as_millis()).unwrap_or(u64::MAX)
    }

    /// The instant itself, for `tokio::time::sleep_until`.
    pub fn instant(self) -> tokio::time::Instant {
        self.0.into()
    }
}
