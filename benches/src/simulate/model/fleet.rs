//! The converters: their permits, their cores, and who of them gets the next conversion.

use std::collections::VecDeque;

use super::settings::{Replica, Settings};
use crate::{
    flow::Flow,
    simulate::kernel::{Cores, Nanos, Picker, Tournament, seconds},
    stats::random::Random,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Off,
    Starting,
    Ready,
    /// Takes nothing new and goes when it is empty.
    Draining,
}

#[derive(Debug)]
struct Member {
    state: State,
    used: u32,
    cores: Cores,
    listed: bool,
}

/// All places for replicas, used or not.
#[derive(Debug)]
pub(super) struct Fleet {
    kind: Replica,
    flow: Flow,
    members: Vec<Member>,
    picker: Picker,
    /// Replicas with free permits in the order in which the broker gives them messages; one that is not ready any more
    /// is dropped when its turn comes.
    ring: VecDeque<u32>,
    ends: Tournament,
    paid: u32,
    paid_core_s: f64,
    paid_at: Nanos,
}

impl Fleet {
    pub(super) fn new(settings: &Settings) -> Self {
        // While some drain, as many may start.
        let places =
            settings.autoscaler.map_or(settings.replicas, |scaler| 2 * scaler.replicas_max.max(settings.replicas));
        let kind = settings.replica;
        let member = || Member { state: State::Off, used: 0, cores: Cores::new(kind.cores, kind.width), listed: false };
        let mut fleet = Self {
            kind,
            flow: settings.flow,
            members: (0..places).map(|_| member()).collect(),
            picker: Picker::new(places, kind.permits),
            ring: VecDeque::new(),
            ends: Tournament::new(places),
            paid: 0,
            paid_core_s: 0.0,
            paid_at: 0,
        };
        for replica in 0..settings.replicas {
            fleet.start(0, replica);
            fleet.ready(replica);
        }
        fleet
    }

    /// Takes a permit where the gateway would: the replica with the fewest uploads.
    pub(super) fn take_least_busy(&mut self, random: &mut Random) -> Option<u32> {
        let replica = self.picker.pick(random)?;
        self.set_used(replica, self.members[replica as usize].used + 1);
        Some(replica)
    }

    /// Takes a permit where the broker would: each replica with a free one in its turn.
    pub(super) fn take_in_turn(&mut self) -> Option<u32> {
        while let Some(replica) = self.ring.pop_front() {
            let member = &mut self.members[replica as usize];
            member.listed = false;
            let used = member.used + 1;
            if member.state == State::Ready && used <= self.kind.permits {
                self.set_used(replica, used);
                return Some(replica);
            }
        }
        None
    }

    pub(super) fn release(&mut self, now: Nanos, replica: u32) {
        let member = &self.members[replica as usize];
        let is_last = member.state == State::Draining && member.used == 1;
        self.set_used(replica, member.used - 1);
        if is_last {
            self.stop(now, replica);
        }
    }

    fn set_used(&mut self, replica: u32, used: u32) {
        let member = &mut self.members[replica as usize];
        let before = std::mem::replace(&mut member.used, used);
        if member.state != State::Ready {
            return;
        }
        match self.flow {
            Flow::Blocking => {
                self.picker.remove(replica, before);
                self.picker.add(replica, used);
            }
            Flow::Queued if used < self.kind.permits && !member.listed => {
                member.listed = true;
                self.ring.push_back(replica);
            }
            Flow::Queued => {}
        }
    }

    /// When the next job on any cores ends, and where.
    pub(super) fn next_end(&self) -> (u32, Nanos) {
        self.ends.first()
    }

    pub(super) fn join(&mut self, now: Nanos, replica: u32, job: u32, work_core_s: f64) {
        let cores = &mut self.members[replica as usize].cores;
        cores.join(now, job, work_core_s);
        self.ends.set(replica, cores.next_at());
    }

    pub(super) fn finish(&mut self, now: Nanos, replica: u32) -> Option<u32> {
        let cores = &mut self.members[replica as usize].cores;
        let job = cores.finish(now);
        self.ends.set(replica, cores.next_at());
        job
    }

    /// Begins to start, and to be paid for; false where the place is taken. It is ready after the cold start.
    pub(super) fn start(&mut self, now: Nanos, replica: u32) -> bool {
        if self.members[replica as usize].state != State::Off {
            return false;
        }
        self.pay(now);
        self.paid += 1;
        self.members[replica as usize].state = State::Starting;
        true
    }

    /// Takes conversions from now on; false where it was not starting.
    pub(super) fn ready(&mut self, replica: u32) -> bool {
        let member = &mut self.members[replica as usize];
        if member.state != State::Starting {
            return false;
        }
        member.state = State::Ready;
        let used = member.used;
        self.set_used(replica, used);
        true
    }

    /// Is gone at once, with all that it had.
    pub(super) fn kill(&mut self, now: Nanos, replica: u32) {
        let member = &mut self.members[replica as usize];
        self.picker.remove(replica, member.used);
        member.used = 0;
        member.cores.clear(now);
        self.stop(now, replica);
    }

    /// Takes nothing new and goes when it is empty.
    pub(super) fn drain(&mut self, now: Nanos, replica: u32) {
        let member = &mut self.members[replica as usize];
        self.picker.remove(replica, member.used);
        member.state = State::Draining;
        if member.used == 0 {
            self.stop(now, replica);
        }
    }

    fn stop(&mut self, now: Nanos, replica: u32) {
        self.pay(now);
        self.paid -= 1;
        self.members[replica as usize].state = State::Off;
        let next_at = self.members[replica as usize].cores.next_at();
        self.ends.set(replica, next_at);
    }

    fn pay(&mut self, now: Nanos) {
        self.paid_core_s += f64::from(self.paid) * self.kind.cores * seconds(now - self.paid_at);
        self.paid_at = now;
    }

    /// Core seconds that all replicas have had up to now, starting ones included.
    pub(super) fn provisioned_core_s(&mut self, now: Nanos) -> f64 {
        self.pay(now);
        self.paid_core_s
    }

    /// Core seconds that jobs have used up to now.
    pub(super) fn used_core_s(&mut self, now: Nanos) -> f64 {
        self.members.iter_mut().map(|member| member.cores.used(now)).sum()
    }

    pub(super) fn ready_replicas(&self) -> Vec<u32> {
        self.in_state(State::Ready)
    }

    pub(super) fn starting_replicas(&self) -> Vec<u32> {
        self.in_state(State::Starting)
    }

    pub(super) fn free_places(&self) -> Vec<u32> {
        self.in_state(State::Off)
    }

    fn in_state(&self, state: State) -> Vec<u32> {
        (0u32..).zip(&self.members).filter(|(_, member)| member.state == state).map(|(replica, _)| replica).collect()
    }

    pub(super) fn permits_used(&self) -> u32 {
        self.members.iter().map(|member| member.used).sum()
    }
}
