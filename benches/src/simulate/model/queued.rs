//! The queued flow: upload and answer, then a message, then a worker with a permit.

use super::{Event, Model, job::Phase, nanos};
use crate::flow::Flow;

impl Model<'_> {
    /// Needs no permit, but room in the queue.
    pub(super) fn upload(&mut self, slot: u32) {
        self.end_overdue();
        if self.queue.len() >= self.settings.rules.queue_max as usize {
            self.refuse(slot);
            return;
        }
        let give_up = self.now + nanos(self.settings.rules.queue_timeout_s);
        let job = self.jobs.get(slot);
        job.phase = Phase::Uploading;
        job.give_up = give_up;
        let video = job.video;
        let at = self.now + self.upload_time(video);
        self.later(at, Event::Uploaded(self.jobs.named(slot)));
    }

    /// The last byte is there: the store and the document cost work.
    pub(super) fn uploaded(&mut self, slot: u32) {
        let replicas = if self.settings.replica.accepts { self.fleet.ready_replicas() } else { vec![] };
        let job = self.jobs.get(slot);
        job.phase = Phase::Accepting;
        let video = &self.settings.mix[job.video as usize];
        let work = video.accept_core_s;
        if replicas.is_empty() || work <= 0.0 {
            self.outcome.costs.accept_core_s += work;
            self.later(self.now + nanos(work + video.fixed.accept_s), Event::Accepted(self.jobs.named(slot)));
        } else {
            job.replica = replicas[slot as usize % replicas.len()];
            let replica = job.replica;
            self.fleet.join(self.now, replica, slot, work);
        }
    }

    /// The 202.
    pub(super) fn accepted(&mut self, slot: u32) {
        let now = self.now;
        let job = self.jobs.get(slot);
        job.stored_at = now;
        let took = now - job.arrived;
        self.outcome.costs.video_bytes += self.settings.mix[job.video as usize].bytes;
        self.outcome.answer.record(took);
        self.enqueue(slot);
    }

    /// At the end of the queue, the first time and after a lease; unless its time ran out meanwhile.
    pub(super) fn enqueue(&mut self, slot: u32) {
        if self.is_overdue(slot) {
            self.fail(slot);
            return;
        }
        self.jobs.get(slot).phase = Phase::Queued;
        self.queue.push_back(slot);
        self.dispatch();
    }

    /// Workers that hold a permit take messages, oldest first.
    pub(super) fn dispatch(&mut self) {
        if self.settings.flow != Flow::Queued || self.now < self.broker_back {
            return;
        }
        loop {
            self.end_overdue();
            let Some(&slot) = self.queue.front() else { return };
            let Some(replica) = self.fleet.take_in_turn() else { return };
            self.queue.pop_front();
            let job = self.jobs.get(slot);
            job.attempts += 1;
            self.convert(slot, replica);
        }
    }

    /// What is overdue at the head of the queue has failed. One that came back after a lease may stand further behind, and
    /// fails when it comes to the head.
    fn end_overdue(&mut self) {
        while let Some(&slot) = self.queue.front().filter(|slot| self.is_overdue(**slot)) {
            self.queue.pop_front();
            self.fail(slot);
        }
    }

    fn is_overdue(&self, slot: u32) -> bool {
        self.jobs.row(slot).give_up <= self.now
    }
}
