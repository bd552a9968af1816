//! The model of both flows: one run from settings to outcome.
//!
//! What is simplified: an upload's conversion may use the cores before its bytes have come, as long as it does not end before
//! the last one; one gateway sees all uploads; a queued conversion that has begun in time is not stopped by its deadline; the
//! queue counts videos, not their bytes; a run has one flow. [`settings`] says what is given.

mod arrivals;
mod blocking;
mod ends;
mod fleet;
mod job;
mod outcome;
mod queued;
mod scaling;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use self::{
    arrivals::Stream,
    blocking::Waiting,
    fleet::Fleet,
    job::{Jobs, Named, Phase},
    scaling::Scaler,
};
pub(super) use self::{
    outcome::{Costs, Outcome, Point},
    settings::{Arrivals, Autoscaler, Clients, Fault, Fixed, Replica, Rules, Settings, Spread, Video, What, Work},
};
use super::kernel::{Durations, NEVER, Nanos, Timers, nanos, seconds, stream, whole};
use crate::{
    flow::Flow,
    stats::{float, random::Random},
};

/// Where a converter begins its running mean of how long a conversion holds its permit.
const HOLD_MEAN_S: f64 = 2.0;

/// What happens at a time that was known before.
#[derive(Debug, Clone, Copy)]
enum Event {
    /// A waiting upload asks the replicas again.
    AskAgain(Named),
    /// A client tries again: after a `Retry-After`, or with its key after a lease.
    Return(Named),
    Uploaded(Named),
    Accepted(Named),
    /// The mp3 is there.
    Committed(Named),
    /// The lease of a lost conversion has ended.
    Requeued(Named),
    Fault(usize),
    BrokerBack,
    Start(u32),
    Ready(u32),
    Scale,
    Sample,
}

/// Runs a setting to its end.
pub(super) fn run(settings: &Settings) -> Outcome {
    Model::new(settings).run()
}

struct Model<'a> {
    settings: &'a Settings,
    now: Nanos,
    next_arrival: Nanos,
    arrivals: Stream,
    /// Draws videos and their work.
    videos: Random,
    /// Draws what the services and clients leave to chance.
    luck: Random,
    timers: Timers<Event>,
    jobs: Jobs,
    fleet: Fleet,
    waiting: Waiting,
    queue: VecDeque<u32>,
    broker_back: Nanos,
    scaler: Option<Scaler>,
    /// A running mean of how long a conversion holds its permit.
    hold_mean_s: f64,
    present: u64,
    window: Durations,
    outcome: Outcome,
}

impl<'a> Model<'a> {
    fn new(settings: &'a Settings) -> Self {
        let mut arrivals = Stream::new(settings.arrivals, stream(settings.arrivals_seed, 0));
        let mut timers = Timers::new();
        for (index, fault) in settings.faults.iter().enumerate() {
            timers.set(nanos(fault.at_s), Event::Fault(index));
        }
        if let Some(scaler) = settings.autoscaler {
            timers.set(nanos(scaler.period_s), Event::Scale);
        }
        if settings.samples > 0 {
            timers.set(nanos(settings.horizon_s / f64::from(settings.samples)), Event::Sample);
        }
        Self {
            settings,
            now: 0,
            next_arrival: arrivals.first(),
            arrivals,
            videos: stream(settings.seed, 1),
            luck: stream(settings.seed, 2),
            timers,
            jobs: Jobs::default(),
            fleet: Fleet::new(settings),
            waiting: Waiting::default(),
            queue: VecDeque::new(),
            broker_back: 0,
            scaler: settings.autoscaler.map(Scaler::new),
            hold_mean_s: HOLD_MEAN_S,
            present: 0,
            window: Durations::new(),
            outcome: Outcome::new(),
        }
    }

    fn run(mut self) -> Outcome {
        let horizon = nanos(self.settings.horizon_s);
        let end = nanos(self.settings.horizon_s + self.settings.drain_s);
        loop {
            if self.next_arrival >= horizon {
                self.next_arrival = NEVER;
                if self.present == 0 {
                    break;
                }
            }
            let (replica, end_at) = self.fleet.next_end();
            let timer_at = self.timers.next_at();
            let next = end_at.min(timer_at).min(self.next_arrival);
            if next > end {
                self.advance(end);
                break;
            }
            self.advance(next);
            self.outcome.events += 1;
            if next == end_at {
                self.off_cores(replica);
            } else if next == timer_at {
                if let Some(event) = self.timers.pop() {
                    self.happen(event);
                }
            } else {
                self.arrive();
            }
        }
        self.ended()
    }

    fn advance(&mut self, to: Nanos) {
        self.outcome.present_s += float(self.present) * seconds(to - self.now);
        self.now = to;
    }

    fn ended(mut self) -> Outcome {
        let outcome = &mut self.outcome;
        outcome.in_flight = self.present;
        outcome.ended_at = self.now;
        outcome.costs.provisioned_core_s = self.fleet.provisioned_core_s(self.now);
        outcome.costs.used_core_s = self.fleet.used_core_s(self.now);
        if self.settings.flow == Flow::Blocking {
            // One and the same instant.
            outcome.answer = outcome.downloadable.clone();
        }
        self.outcome
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::AskAgain(named) => self.for_meant(named, Self::ask_again),
            Event::Return(named) => self.for_meant(named, Self::begin),
            Event::Uploaded(named) => self.for_meant(named, Self::uploaded),
            Event::Accepted(named) => self.for_meant(named, Self::accepted),
            Event::Committed(named) => self.for_meant(named, Self::committed),
            Event::Requeued(named) => self.for_meant(named, Self::enqueue),
            Event::Fault(index) => self.fault(self.settings.faults[index].what),
            Event::BrokerBack => self.dispatch(),
            Event::Start(replica) => self.start(replica),
            Event::Ready(replica) => self.ready(replica),
            Event::Scale => self.scale(),
            Event::Sample => self.sample(),
        }
    }

    fn for_meant(&mut self, named: Named, then: fn(&mut Self, u32)) {
        if let Some(slot) = self.jobs.meant(named) {
            then(self, slot);
        }
    }

    /// One try of a client.
    fn begin(&mut self, slot: u32) {
        match self.settings.flow {
            Flow::Blocking => self.ask(slot),
            Flow::Queued => self.upload(slot),
        }
    }

    fn upload_time(&self, video: u32) -> Nanos {
        nanos(self.settings.mix[video as usize].bytes / self.settings.clients.uplink_bytes_per_s)
    }

    /// Lets a job with a permit onto the cores.
    fn convert(&mut self, slot: u32, replica: u32) {
        let now = self.now;
        let job = self.jobs.get(slot);
        job.phase = Phase::Converting;
        job.replica = replica;
        job.began = now;
        let work = job.work_core_s;
        self.fleet.join(now, replica, slot, work);
    }

    /// The first job on these cores is through.
    fn off_cores(&mut self, replica: u32) {
        let Some(slot) = self.fleet.finish(self.now, replica) else { return };
        let job = self.jobs.get(slot);
        let fixed = self.settings.mix[job.video as usize].fixed;
        let (from, wait_s, event): (_, _, fn(Named) -> Event) = match (job.phase, self.settings.flow) {
            (Phase::Accepting, _) => (self.now, fixed.accept_s, Event::Accepted),
            (_, Flow::Blocking) => (self.now.max(job.upload_end), fixed.blocking_s, Event::Committed),
            (_, Flow::Queued) => (self.now, fixed.worker_s, Event::Committed),
        };
        self.later(from + nanos(wait_s), event(self.jobs.named(slot)));
    }

    /// At once where it is now: what costs no time needs no timer.
    fn later(&mut self, at: Nanos, event: Event) {
        if at <= self.now { self.happen(event) } else { self.timers.set(at, event) }
    }

    /// Somebody may get a permit now.
    fn permit_freed(&mut self) {
        match self.settings.flow {
            Flow::Blocking => self.serve_waiting(),
            Flow::Queued => self.dispatch(),
        }
    }
}
