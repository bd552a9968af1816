//! Waiting for what must happen, with a deadline.

use std::time::{Duration, Instant};

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits for a condition, at most [`PATIENCE`].
pub(crate) async fn until(what: &str, condition: impl AsyncFnMut() -> bool) {
    within(PATIENCE, what, condition).await;
}

/// Waits for a condition, at most `limit`; answers how long it took.
pub(crate) async fn within(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !condition().await {
        assert!(began.elapsed() < limit, "waited {limit:?} and not: {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    began.elapsed()
}
