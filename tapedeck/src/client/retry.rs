//! Trying again: as often as makes sense, never faster than the server asks.

use std::time::{Duration, Instant};

use crate::error::Error;

/// Failures of the way to the server in a row, after which it is given up.
const FAILURES_MAX: u32 = 6;
/// Wait after the first failure; it doubles with each further one.
const WAIT_FIRST: Duration = Duration::from_millis(500);
/// Longest wait that this program chooses itself.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Counts failures and decides about the next try.
#[derive(Debug)]
pub(super) struct Retries {
    give_up_at: Instant,
    failures: u32,
    /// Whether the server has something of ours, so that an outage is waited out.
    is_expected: bool,
}

impl Retries {
    /// Gives up after `patience` at the latest.
    pub(super) fn new(patience: Duration) -> Self {
        Self { give_up_at: Instant::now() + patience, failures: 0, is_expected: false }
    }

    /// The same for questions after what the server has taken.
    pub(super) fn of_accepted(patience: Duration) -> Self {
        Self { is_expected: true, ..Self::new(patience) }
    }

    /// Time left for one more try.
    pub(super) fn remaining(&self) -> Duration {
        self.give_up_at.saturating_duration_since(Instant::now())
    }

    /// How long to wait before the next try; the error itself where there should be none.
    pub(super) fn after(&mut self, error: Error) -> Result<(Error, Duration), Error> {
        // Where nothing answered at all, nothing ever ran: waiting would only hide that.
        let nobody = matches!(error, Error::Unreachable { .. }) && self.failures == 0 && !self.is_expected;
        if nobody || !error.is_temporary() {
            return Err(error);
        }
        let wait = if let Some(asked) = error.retry_after() {
            asked + jitter(WAIT_FIRST)
        } else {
            self.failures += 1;
            let doubled = WAIT_FIRST.saturating_mul(2_u32.saturating_pow(self.failures - 1)).min(WAIT_MAX);
            doubled / 2 + jitter(doubled / 2)
        };
        if self.failures >= FAILURES_MAX || wait >= self.remaining() {
            return Err(error);
        }
        Ok((error, wait))
    }
}

/// Between nothing and `span`, so that many clients do not come back at once.
fn jitter(span: Duration) -> Duration {
    let [random] = chassis::hex::random::<1>();
    span * u32::from(random) / 256
}

#[cfg(test)]
mod tests {
    use chassis::Problem;

    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> Error {
        let mut problem = Problem::new(status, "/problems/x", "Title", "detail");
        problem.retry_after = retry_after;
        Error::Refused(Box::new(problem))
    }

    #[test]
    fn the_server_says_when_to_come_back() {
        let mut retries = Retries::new(Duration::from_mins(1));
        let (_, wait) = retries.after(refused(503, Some(7))).expect("a second try");
        assert!(wait >= Duration::from_secs(7) && wait < Duration::from_secs(8), "{wait:?}");
        assert!(retries.after(refused(503, Some(90))).is_err(), "that is longer than the patience");
    }

    #[test]
    fn failures_end_after_their_limit() {
        let mut retries = Retries::new(Duration::from_hours(1));
        let tries = std::iter::from_fn(|| retries.after(refused(502, None)).ok()).take(100).count();
        assert_eq!(tries, usize::try_from(FAILURES_MAX).expect("a small number") - 1);
    }

    #[test]
    fn a_final_answer_is_not_tried_again() {
        assert!(Retries::new(Duration::from_mins(1)).after(refused(422, Some(1))).is_err());
    }
}
