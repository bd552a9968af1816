//! The load generator: open loop. Arrivals are scheduled before the run and come whether or not earlier ones were answered, as
//! people do; latency counts from the scheduled moment, so a system that stalls cannot slow down its own measurement.

mod arrivals;
mod closed;
mod generator;
mod own;

use std::{
    future::Future,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

pub(crate) use self::{closed::closed, generator::run};

/// What is offered.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Plan {
    /// Mean number of arrivals in a second.
    pub(crate) rate_per_s: f64,
    /// For so long arrivals come.
    pub(crate) length: Duration,
    pub(crate) arrivals: Arrivals,
    /// The same seed brings the same arrivals.
    pub(crate) seed: u64,
    /// An arrival that finds so many calls under way is dropped and counted, never delayed.
    pub(crate) in_flight_max: usize,
    /// So long after the last moment of `length` calls may still end.
    pub(crate) drain_max: Duration,
}

/// How the gaps between arrivals are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Arrivals {
    /// All alike.
    Constant,
    /// Exponentially distributed: callers that know nothing of each other.
    Poisson,
}

/// One call that is to be made now: it is spawned at its intended moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// From 0, also over the dropped ones.
    pub(crate) number: usize,
    /// The call has to have ended by then, and says what it knows.
    pub(crate) deadline: Instant,
}

/// What a call saw.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// When the answer to the upload was there.
    pub(crate) answered: Option<Instant>,
    /// When the mp3 was known to be there for download.
    pub(crate) finished: Option<Instant>,
    pub(crate) outcome: Outcome,
    /// Of the conversion, where one was acknowledged.
    pub(crate) id: Option<String>,
}

/// How an arrival ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(crate) enum Outcome {
    /// The mp3 is there.
    Done,
    /// 429 or 503.
    Refused { status: u16, retry_after_s: Option<f64> },
    /// Another status, or none where the connection broke.
    Failed { status: Option<u16> },
    /// Acknowledged, and later not there or not what was said.
    Lost,
    /// Not ended when the run was over.
    Unanswered,
    /// Never sent: too many were in flight.
    Dropped,
}

impl Outcome {
    /// Of an answer that is no success.
    pub(crate) fn of_unsuccessful(answer: &reqwest::Response) -> Self {
        let status = answer.status().as_u16();
        let header = answer.headers().get("retry-after").and_then(|value| value.to_str().ok());
        match status {
            429 | 503 => Self::Refused { status, retry_after_s: header.and_then(|value| value.parse().ok()) },
            _ => Self::Failed { status: Some(status) },
        }
    }
}

/// One arrival. Times are seconds since the run began.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Record {
    pub(crate) number: usize,
    pub(crate) intended_s: f64,
    pub(crate) sent_s: Option<f64>,
    pub(crate) answered_s: Option<f64>,
    pub(crate) finished_s: Option<f64>,
    pub(crate) outcome: Outcome,
    pub(crate) id: Option<String>,
}

impl Record {
    /// Of an arrival that has not been sent.
    fn unsent(number: usize, intended: Duration) -> Self {
        let (intended_s, outcome) = ((intended.as_secs_f64() * 1e6).round() / 1e6, Outcome::Dropped);
        Self { number, intended_s, sent_s: None, answered_s: None, finished_s: None, outcome, id: None }
    }

    /// Enters what was seen; the times are taken against the beginning of the run.
    fn enter(&mut self, started: Instant, sent: Instant, reply: Option<Reply>) {
        let unanswered = Reply { answered: None, finished: None, outcome: Outcome::Unanswered, id: None };
        let reply = reply.unwrap_or(unanswered);
        // To the microsecond: more would be noise in the files.
        let since = |moment: Instant| (moment.saturating_duration_since(started).as_secs_f64() * 1e6).round() / 1e6;
        self.sent_s = Some(since(sent));
        self.answered_s = reply.answered.map(since);
        self.finished_s = reply.finished.map(since);
        self.outcome = reply.outcome;
        self.id = reply.id;
    }

    /// Seconds from the intended moment to the answer.
    pub(crate) fn answer_s(&self) -> Option<f64> {
        Some(self.answered_s? - self.intended_s)
    }

    /// Seconds from the intended moment to the mp3.
    pub(crate) fn downloadable_s(&self) -> Option<f64> {
        Some(self.finished_s? - self.intended_s)
    }
}

/// A run and how good its generator was.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) plan: Plan,
    /// One for each arrival, in their order.
    pub(crate) records: Vec<Record>,
    pub(crate) generator: Generator,
}

/// What the generator itself did to the figures.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Generator {
    pub(crate) dropped: usize,
    /// Seconds from the intended moment to the sending: the 99th percentile of all, and the worst.
    pub(crate) lateness_p99_s: f64,
    pub(crate) lateness_max_s: f64,
    /// CPU time of this process over the run, in cores.
    pub(crate) cpu_share: f64,
    /// Why the generator, and not the system, may have been the limit.
    pub(crate) warnings: Vec<String>,
}

/// How one arrival calls the system.
pub(crate) trait Call: Send + Sync + 'static {
    fn call(&self, arrival: Arrival) -> impl Future<Output = Reply> + Send + 'static;
}

impl<F, R> Call for F
where
    F: Fn(Arrival) -> R + Send + Sync + 'static,
    R: Future<Output = Reply> + Send + 'static,
{
    fn call(&self, arrival: Arrival) -> impl Future<Output = Reply> + Send + 'static {
        self(arrival)
    }
}
