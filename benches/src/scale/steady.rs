//! One cell: how much a number of converters carries, and how fast they answer below that.

use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep_until;

use super::{
    local::Usage,
    metrics::Counts,
    plan::{Cell, Lengths},
    target::Target,
    upload::Uploader,
};
use crate::{
    flow::Flow,
    load::{self, Arrivals, Outcome, Plan, Record},
    stats::float,
};

/// Offered in the second part, as a share of what the first part carried: busy, and short of the knee.
pub(super) const LOAD: f64 = 0.7;
/// Callers in a closed loop for each converter, and some more: none ever waits for work.
const CALLERS_PER_REPLICA: usize = 2;
const CALLERS_MORE: usize = 2;
/// Longest wait for the answers of a part that is over.
pub(super) const DRAIN_MAX: Duration = Duration::from_secs(45);
/// Many more than wait at 70 %, and few enough that a system that stands still is not buried.
const IN_FLIGHT_MAX: usize = 256;

/// What a cell gave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Steady {
    pub(super) cell: Cell,
    /// Its place among all cells.
    pub(super) order: usize,
    pub(super) throughput: Throughput,
    /// `None` where nothing was carried.
    pub(super) latency: Option<Latency>,
}

/// From a closed loop, without its warm-up.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Throughput {
    pub(super) callers: usize,
    pub(super) seconds: f64,
    pub(super) done: usize,
    pub(super) refused: usize,
    pub(super) failed: usize,
    /// mp3s in a second.
    pub(super) per_s: f64,
    /// Conversions by each converter's own count.
    pub(super) counts: Counts,
    /// `None` where the converters are elsewhere.
    pub(super) usage: Option<Usage>,
}

/// From an open loop at [`LOAD`].
#[derive(Debug, Clone, Serialize)]
pub(super) struct Latency {
    pub(super) rate_per_s: f64,
    pub(super) offered: usize,
    pub(super) refused: usize,
    pub(super) failed: usize,
    /// Sent and not ended within [`DRAIN_MAX`], or never sent.
    pub(super) unfinished: usize,
    /// Of those that succeeded, in the order of their arrivals.
    pub(super) answer_s: Vec<f64>,
    pub(super) downloadable_s: Vec<f64>,
    /// Why the generator may have been the limit.
    pub(super) warnings: Vec<String>,
}

pub(super) fn callers(replicas: u32) -> usize {
    CALLERS_PER_REPLICA * usize::try_from(replicas).unwrap_or(1) + CALLERS_MORE
}

/// Measures one cell.
pub(super) async fn measure(
    target: &mut Target,
    uploader: &Uploader,
    http: &reqwest::Client,
    (order, cell): (usize, Cell),
    lengths: Lengths,
    seed: u64,
) -> anyhow::Result<Steady> {
    target.scale(cell.replicas, cell.arm).await?;
    let throughput = throughput(target, uploader, http, cell, lengths).await?;
    let latency = match throughput.per_s * LOAD {
        rate if rate > 0.0 => Some(latency(uploader, cell.flow, rate, lengths.latency, seed).await?),
        _ => None,
    };
    Ok(Steady { cell, order, throughput, latency })
}

async fn throughput(
    target: &Target,
    uploader: &Uploader,
    http: &reqwest::Client,
    cell: Cell,
    lengths: Lengths,
) -> anyhow::Result<Throughput> {
    let (callers, flow) = (callers(cell.replicas), cell.flow);
    let one = {
        let uploader = uploader.clone();
        move |arrival| uploader.clone().upload_and_rest(flow, arrival)
    };
    let (from, to) = (lengths.warm_up, lengths.warm_up + lengths.throughput);
    let started = Instant::now();
    let look = async |at: Duration| {
        sleep_until((started + at).into()).await;
        anyhow::Ok((target.counts(http).await?, target.used()?))
    };
    let looks = async { anyhow::Ok((look(from).await?, look(to).await?)) };
    let (records, ((counts_before, used_before), (counts, used))) =
        tokio::try_join!(load::closed(callers, to, DRAIN_MAX, one), looks)?;
    let cpus = target.cpus();
    let usage = used.zip(used_before).map(|(used, before)| used.since(&before, cpus, lengths.throughput));
    let tally = Tally::of(&records, from.as_secs_f64(), to.as_secs_f64());
    let seconds = lengths.throughput.as_secs_f64();
    let counts = counts.since(&counts_before);
    let Tally { done, refused, failed } = tally;
    let per_s = float(done) / seconds;
    Ok(Throughput { callers, seconds, done, refused, failed, per_s, counts, usage })
}

async fn latency(
    uploader: &Uploader,
    flow: Flow,
    rate_per_s: f64,
    length: Duration,
    seed: u64,
) -> anyhow::Result<Latency> {
    let (arrivals, in_flight_max, drain_max) = (Arrivals::Poisson, IN_FLIGHT_MAX, DRAIN_MAX);
    let plan = Plan { rate_per_s, length, arrivals, seed, in_flight_max, drain_max };
    let uploader = uploader.clone();
    let run = load::run(plan, move |arrival| uploader.clone().upload(flow, arrival)).await?;
    let Tally { done, refused, failed } = Tally::of(&run.records, 0.0, f64::INFINITY);
    let succeeded = || run.records.iter().filter(|record| record.outcome == Outcome::Done);
    Ok(Latency {
        rate_per_s,
        offered: run.records.len(),
        refused,
        failed,
        unfinished: run.records.len() - done - refused - failed,
        answer_s: succeeded().filter_map(Record::answer_s).collect(),
        downloadable_s: succeeded().filter_map(Record::downloadable_s).collect(),
        warnings: run.generator.warnings,
    })
}

/// How the calls ended that ended within a span of time.
#[derive(Debug, PartialEq, Eq)]
struct Tally {
    done: usize,
    refused: usize,
    failed: usize,
}

impl Tally {
    /// From second `from` of the run on and before `to`.
    fn of(records: &[Record], from: f64, to: f64) -> Self {
        let within = |at: Option<f64>| at.is_some_and(|at| from <= at && at < to);
        let mut tally = Self { done: 0, refused: 0, failed: 0 };
        for record in records {
            match record.outcome {
                Outcome::Done if within(record.finished_s) => tally.done += 1,
                Outcome::Refused { .. } if within(record.answered_s) => tally.refused += 1,
                Outcome::Failed { .. } | Outcome::Lost if within(record.answered_s) => tally.failed += 1,
                _ => {}
            }
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_in_the_warm_up_or_after_the_end_is_not_counted() {
        let record = |at: f64, outcome| Record {
            number: 0,
            intended_s: 0.0,
            sent_s: Some(0.0),
            answered_s: Some(at),
            finished_s: (outcome == Outcome::Done).then_some(at),
            outcome,
            id: None,
        };
        let refused = Outcome::Refused { status: 503, retry_after_s: None };
        let failed = Outcome::Failed { status: Some(502) };
        let records = [
            record(2.9, Outcome::Done),
            record(3.0, Outcome::Done),
            record(10.9, Outcome::Done),
            record(11.0, Outcome::Done),
            record(5.0, refused),
            record(1.0, refused),
            record(6.0, failed),
            record(7.0, Outcome::Unanswered),
        ];
        assert_eq!(Tally::of(&records, 3.0, 11.0), Tally { done: 2, refused: 1, failed: 1 });
    }
}
