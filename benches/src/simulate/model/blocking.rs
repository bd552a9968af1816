//! The blocking flow: a permit, then upload and conversion at a time, then the answer.

use std::collections::VecDeque;

use super::{
    Event, Model, Nanos,
    job::{Named, Phase},
    nanos,
};

/// Pauses of the gateway before a full replica is asked again: the first, and the longest.
const PAUSE_MIN: Nanos = 25_000_000;
const PAUSE_MAX: Nanos = 400_000_000;

/// Uploads that wait for a permit, in the order in which a free one wakes them.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// Some are void: whoever asked in vain has a newer entry at the end.
    line: VecDeque<Named>,
    count: u32,
}

impl Waiting {
    pub(super) fn len(&self) -> u32 {
        self.count
    }
}

impl Model<'_> {
    /// Asks the least busy replica; only when all are full, for a bounded time again.
    pub(super) fn ask(&mut self, slot: u32) {
        let rules = self.settings.rules;
        if let Some(replica) = self.fleet.take_least_busy(&mut self.luck) {
            self.admit(slot, replica);
        } else if self.waiting.count >= rules.admission_waiting_max {
            self.refuse(slot);
        } else {
            let give_up = self.now + nanos(rules.admission_wait_s);
            let job = self.jobs.get(slot);
            job.phase = Phase::Waiting;
            job.give_up = give_up;
            job.pause = PAUSE_MIN;
            self.waiting.count += 1;
            self.line_up(slot);
        }
    }

    /// To the end of the line; asks by itself after a pause, and up to as much again.
    fn line_up(&mut self, slot: u32) {
        let jitter = self.luck.unit();
        let named = self.jobs.renamed(slot);
        let job = self.jobs.get(slot);
        let pause = super::seconds(job.pause) * (1.0 + jitter);
        let at = (self.now + nanos(pause)).min(job.give_up);
        job.pause = (job.pause * 2).min(PAUSE_MAX);
        self.waiting.line.push_back(named);
        self.timers.set(at, Event::AskAgain(named));
    }

    pub(super) fn ask_again(&mut self, slot: u32) {
        if let Some(replica) = self.fleet.take_least_busy(&mut self.luck) {
            self.waiting.count -= 1;
            self.admit(slot, replica);
        } else if self.jobs.get(slot).give_up <= self.now {
            self.waiting.count -= 1;
            self.refuse(slot);
        } else {
            self.line_up(slot);
        }
    }

    /// A permit that came back wakes the first of the line.
    pub(super) fn serve_waiting(&mut self) {
        while self.waiting.count > 0 {
            let Some(replica) = self.fleet.take_least_busy(&mut self.luck) else { return };
            while let Some(named) = self.waiting.line.pop_front() {
                if let Some(slot) = self.jobs.meant(named) {
                    self.waiting.count -= 1;
                    self.admit(slot, replica);
                    break;
                }
            }
        }
        self.waiting.line.clear();
    }

    /// The upload begins, and its conversion with it.
    fn admit(&mut self, slot: u32, replica: u32) {
        self.jobs.renamed(slot);
        let video = self.jobs.get(slot).video;
        self.jobs.get(slot).upload_end = self.now + self.upload_time(video);
        self.convert(slot, replica);
    }
}
