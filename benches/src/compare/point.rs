//! One offered load on one system.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use super::{
    check::{self, Checked},
    client::{Client, Noted},
    clips::Clips,
    depth,
    summary::{RunSummary, Stores},
    watcher::Watcher,
};
use crate::{
    flow::Flow,
    load::{self, Arrival, Arrivals, Outcome, Plan, Record},
    stats::{float, quantile::Quantiles},
    usage::{self, MemoryWatch},
};

/// Calls of the callers that may be under way.
const IN_FLIGHT_MAX: usize = 5_000;
/// Uploads before each run: they open connections and warm caches.
const WARM_UP: usize = 4;
/// Longest that one of them takes.
const WARM_UP_MAX: Duration = Duration::from_mins(1);
/// After the last arrival, at any load: longer than the longest wait for a permit and a lease together.
const DRAIN_MIN: Duration = Duration::from_secs(40);
/// The queue's backlog may take so much longer to convert than the capacity says.
const DRAIN_RESERVE: f64 = 1.5;

/// What is offered.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// What is offered, the same in both flows: a load, a kind of file, a failure.
    pub(super) what: String,
    pub(super) flow: Flow,
    pub(super) stores: Stores,
    pub(super) arrivals: Arrivals,
    /// Of the higher capacity of both flows.
    pub(super) load: Option<f64>,
    pub(super) rate_per_s: f64,
    pub(super) length: Duration,
    pub(super) seed: u64,
    pub(super) retry: bool,
}

/// Where it goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) base: String,
    pub(super) token: String,
    /// Empty where their use is not measured.
    pub(super) pids: Vec<u32>,
}

/// What came out.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) summary: RunSummary,
    pub(super) records: Vec<Record>,
}

impl Target {
    /// Callers of one run.
    pub(super) fn client(&self, run: &str, flow: Flow, clips: Clips, retry: bool) -> anyhow::Result<Client> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let watcher = Watcher::start(http.clone(), self.base.clone(), self.token.clone());
        let (base, token, run) = (self.base.clone(), self.token.clone(), run.to_owned());
        Ok(Client { http, base, token, flow, run, clips, retry, watcher, noted: Arc::default() })
    }

    /// A few uploads, one after the other; tells where the queued flow is off.
    pub(super) async fn warm_up(&self, flow: Flow, clips: &Clips) -> anyhow::Result<()> {
        let client = self.client(&format!("warm-{}", flow.name()), flow, clips.clone(), true)?;
        for number in 0..WARM_UP {
            let reply = client.clone().call(Arrival { number, deadline: Instant::now() + WARM_UP_MAX }).await;
            match reply.outcome {
                Outcome::Done => {}
                Outcome::Failed { status: Some(201) } => bail!("this tapedeck has no queued flow"),
                other => bail!("an upload before the run ended in {other:?}"),
            }
        }
        Ok(())
    }
}

impl Point {
    /// Names the run and its files.
    pub(super) fn id(&self) -> String {
        format!("{}-{}-{}", self.stores.name(), self.flow.name(), self.what)
    }

    /// Offers the load, waits for the end of all calls, and checks what is there.
    pub(super) async fn run(&self, target: &Target, clips: &Clips) -> anyhow::Result<Measured> {
        let clips = clips.clone().seeded(self.seed);
        let client = target.client(&self.id(), self.flow, clips, self.retry)?;
        let before = if target.pids.is_empty() { None } else { Some(usage::cpu_s(&target.pids)?) };
        let memory = MemoryWatch::start(target.pids.clone());
        let callers = client.clone();
        let mut run = load::run(self.plan(), move |arrival| callers.clone().call(arrival)).await?;
        let memory = before.map(|_| memory.finish());
        let noted = std::mem::take(&mut *client.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let cpu_s = before.map(|before| usage::cpu_s(&target.pids).map(|after| after - before)).transpose()?;
        let checked = check::check(&client, &noted.receipts).await?;
        for record in &mut run.records {
            if checked.lost.contains(&record.number) {
                record.outcome = Outcome::Lost;
            }
        }
        ensure!(!run.records.is_empty(), "{}: nothing was offered", self.id());
        let mut summary = self.summary(&run, &noted, &checked);
        summary.memory_peak_bytes = memory;
        let done = checked.done.len();
        summary.cpu_s_per_mp3 = cpu_s.filter(|_| done > 0).map(|cpu_s| cpu_s / float(done));
        Ok(Measured { summary, records: run.records })
    }

    fn plan(&self) -> Plan {
        // What is above the capacity is converted afterwards.
        let backlog = self.length.mul_f64((self.load.unwrap_or(1.0) - 1.0).max(0.0) * DRAIN_RESERVE);
        let Self { rate_per_s, length, arrivals, seed, .. } = *self;
        Plan { rate_per_s, length, arrivals, seed, in_flight_max: IN_FLIGHT_MAX, drain_max: DRAIN_MIN + backlog }
    }

    fn summary(&self, run: &load::Run, noted: &Noted, checked: &Checked) -> RunSummary {
        let records = &run.records;
        let count = |of: fn(&Outcome) -> bool| records.iter().filter(|record| of(&record.outcome)).count();
        let good = || records.iter().filter(|record| record.outcome == Outcome::Done);
        let answers: Vec<_> =
            records.iter().filter(|record| record.id.is_some()).filter_map(Record::answer_s).collect();
        let finishes: Vec<_> = good().filter_map(Record::downloadable_s).collect();
        let length_s = self.length.as_secs_f64();
        let in_time = good().filter(|record| record.finished_s.is_some_and(|at| at <= length_s)).count();
        let end_s = good().filter_map(|record| record.finished_s).fold(length_s, f64::max);
        let untold = |at: &usize| records.get(*at).is_some_and(|record| record.outcome != Outcome::Done);
        RunSummary {
            id: self.id(),
            what: self.what.clone(),
            flow: self.flow,
            stores: self.stores,
            arrivals: self.arrivals,
            load: self.load,
            rate_per_s: self.rate_per_s,
            seconds: length_s,
            seed: self.seed,
            permits: permits(),
            offered: records.len(),
            completed: count(|outcome| *outcome == Outcome::Done),
            refused: count(|outcome| matches!(outcome, Outcome::Refused { .. })),
            failed: count(|outcome| matches!(outcome, Outcome::Failed { .. })),
            unanswered: count(|outcome| *outcome == Outcome::Unanswered),
            lost: count(|outcome| *outcome == Outcome::Lost),
            done_untold: checked.done.keys().filter(|at| untold(at)).count(),
            dropped: run.generator.dropped,
            in_flight_max: run.plan.in_flight_max,
            goodput_per_s: float(in_time) / length_s,
            answer_s: Quantiles::of(&answers, self.seed),
            downloadable_s: Quantiles::of(&finishes, self.seed),
            cpu_s_per_mp3: None,
            bytes_stored_per_mp3: self.stored(noted, checked),
            memory_peak_bytes: None,
            queue_depth: depth::over_time(records, end_s),
            seen: noted.seen.clone(),
            generator_cpu_share: run.generator.cpu_share,
            warnings: run.generator.warnings.clone(),
        }
    }

    fn stored(&self, noted: &Noted, checked: &Checked) -> Option<f64> {
        let mp3s: u64 = checked.done.values().sum();
        let videos = match self.flow {
            Flow::Blocking => 0,
            Flow::Queued => noted.receipts.iter().map(|receipt| receipt.video_bytes).sum(),
        };
        (!checked.done.is_empty()).then(|| float(mp3s + videos) / float(checked.done.len()))
    }
}

/// The default of `CONVERSIONS_MAX`.
pub(super) fn permits() -> usize {
    4 * std::thread::available_parallelism().map_or(1, usize::from)
}
