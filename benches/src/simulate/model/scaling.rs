//! Replicas that come and go: faults, cold starts, the autoscaler.

use std::collections::VecDeque;

use super::{Autoscaler, Event, Model, Nanos, What, fleet::Fleet, job::Phase, nanos, whole};
use crate::flow::Flow;

/// The autoscaler changes nothing while use is this near to its target (Kubernetes' `horizontal-pod-autoscaler-tolerance`).
const TOLERANCE: f64 = 0.1;
/// It at most doubles the replicas in a period, or adds this many (Kubernetes' default policy).
const ADDED_MAX: u32 = 4;

/// What the autoscaler remembers.
#[derive(Debug)]
pub(super) struct Scaler {
    rules: Autoscaler,
    used_core_s: f64,
    /// What was wanted, within the stabilisation time.
    wanted: VecDeque<(Nanos, u32)>,
}

impl Scaler {
    pub(super) fn new(rules: Autoscaler) -> Self {
        Self { rules, used_core_s: 0.0, wanted: VecDeque::new() }
    }

    /// How many replicas there should be, from the use of cores in the last period.
    fn decide(&mut self, now: Nanos, fleet: &mut Fleet, cores: f64) -> u32 {
        let rules = self.rules;
        let used_core_s = fleet.used_core_s(now);
        let used = (used_core_s - std::mem::replace(&mut self.used_core_s, used_core_s)) / rules.period_s;
        let ready = u32::try_from(fleet.ready_replicas().len()).unwrap_or(u32::MAX);
        let there = ready + u32::try_from(fleet.starting_replicas().len()).unwrap_or(u32::MAX);
        if self.wanted.is_empty() {
            self.wanted.push_back((now, there));
        }
        let wanted = used / (rules.target * cores);
        let is_near = (wanted / f64::from(ready.max(1)) - 1.0).abs() <= TOLERANCE;
        let wanted = if is_near { there } else { whole(wanted) };
        let wanted = wanted.min((2 * there).max(there + ADDED_MAX)).clamp(rules.replicas_min, rules.replicas_max);
        self.wanted.push_back((now, wanted));
        let since = now.saturating_sub(nanos(rules.stabilisation_s));
        while self.wanted.front().is_some_and(|(at, _)| *at < since) {
            self.wanted.pop_front();
        }
        let most = self.wanted.iter().map(|(_, wanted)| *wanted).max().unwrap_or(wanted);
        // Up at once; down to the most that was wanted lately.
        if wanted >= there { wanted } else { most.min(there) }
    }
}

impl Model<'_> {
    pub(super) fn scale(&mut self) {
        let Some(scaler) = &mut self.scaler else { return };
        let wanted = scaler.decide(self.now, &mut self.fleet, self.settings.replica.cores) as usize;
        let period = nanos(scaler.rules.period_s);
        let (ready, starting) = (self.fleet.ready_replicas(), self.fleet.starting_replicas());
        let there = ready.len() + starting.len();
        for replica in self.fleet.free_places().into_iter().take(wanted.saturating_sub(there)) {
            self.start(replica);
        }
        // The youngest go first: those that have not even started.
        for replica in starting.into_iter().chain(ready.into_iter().rev()).take(there.saturating_sub(wanted)) {
            self.fleet.drain(self.now, replica);
        }
        self.timers.set(self.now + period, Event::Scale);
    }

    /// A replica is wanted; it takes conversions after the cold start.
    pub(super) fn start(&mut self, replica: u32) {
        if self.fleet.start(self.now, replica) {
            self.later(self.now + nanos(self.settings.cold_start_s), Event::Ready(replica));
        }
    }

    pub(super) fn ready(&mut self, replica: u32) {
        if self.fleet.ready(replica) {
            self.permit_freed();
        }
    }

    pub(super) fn fault(&mut self, what: What) {
        match what {
            What::Killed { share, back_after_s } => {
                let ready = self.fleet.ready_replicas();
                let killed = whole(f64::from(u32::try_from(ready.len()).unwrap_or(u32::MAX)) * share - 1e-9);
                for replica in ready.into_iter().take(killed as usize) {
                    self.kill(replica);
                    self.timers.set(self.now + nanos(back_after_s), Event::Start(replica));
                }
                self.permit_freed();
            }
            What::BrokerDown { for_s } => {
                self.broker_back = self.now + nanos(for_s);
                self.timers.set(self.broker_back, Event::BrokerBack);
            }
        }
    }

    /// Blocking uploads get a 502 at once, and their clients come back with their keys after the lease. Queued ones go
    /// back to the queue after it. What was being accepted goes on: that is the gateway's work.
    fn kill(&mut self, replica: u32) {
        self.fleet.kill(self.now, replica);
        for slot in self.jobs.at(replica, Phase::Accepting) {
            let named = self.jobs.renamed(slot);
            self.later(self.now, Event::Accepted(named));
        }
        let lease_s = self.settings.rules.lease_s;
        for slot in self.jobs.at(replica, Phase::Converting) {
            let goes_on = match self.settings.flow {
                Flow::Blocking => self.return_after(slot, lease_s),
                Flow::Queued => self.requeue_after(slot, lease_s),
            };
            if goes_on {
                self.outcome.repeated += 1;
            } else {
                self.fail(slot);
            }
        }
    }

    fn requeue_after(&mut self, slot: u32, lease_s: f64) -> bool {
        let named = self.jobs.renamed(slot);
        let job = self.jobs.get(slot);
        job.phase = Phase::Away;
        let goes_on = job.attempts < self.settings.rules.attempts_max;
        if goes_on {
            self.timers.set(self.now + nanos(lease_s), Event::Requeued(named));
        }
        goes_on
    }
}
