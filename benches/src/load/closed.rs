//! The closed loop: some callers, each of which waits for its answer before it calls again. It finds how much a system
//! carries. Latencies are not its business: a stalled system is not asked, so most of what would have waited is never seen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Arrival, Call, Record};

/// Calls for `length` with so many callers; no call lasts longer than `drain_max` beyond it. In the order of their ends
/// within one caller.
pub(crate) async fn closed(
    callers: usize,
    length: Duration,
    drain_max: Duration,
    call: impl Call,
) -> anyhow::Result<Vec<Record>> {
    let (call, number) = (Arc::new(call), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let (end, deadline) = (started + length, started + length + drain_max);
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (call, number) = (Arc::clone(&call), Arc::clone(&number));
        tasks.spawn(async move {
            let mut records = vec![];
            while Instant::now() < end {
                let sent = Instant::now();
                let number = number.fetch_add(1, Ordering::Relaxed);
                let reply = call.call(Arrival { number, deadline });
                let reply = tokio::time::timeout_at(deadline.into(), reply).await.ok();
                let mut record = Record::unsent(number, sent - started);
                record.enter(started, sent, reply);
                records.push(record);
            }
            records
        });
    }
    let mut records = vec![];
    while let Some(of_caller) = tasks.join_next().await {
        records.extend(of_caller?);
    }
    Ok(records)
}
