//! Uploads under way, in a table whose rows are used again.

use crate::simulate::kernel::Nanos;

/// One upload.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// When its client wanted to begin.
    pub(super) arrived: Nanos,
    pub(super) phase: Phase,
    /// Changes whenever events that were set for it are void.
    pub(super) mark: u32,
    /// Which of the mix.
    pub(super) video: u32,
    /// Where it holds a permit, or is being accepted.
    pub(super) replica: u32,
    /// Core seconds; the same video costs the same when it is converted again.
    pub(super) work_core_s: f64,
    pub(super) upload_end: Nanos,
    pub(super) began: Nanos,
    pub(super) stored_at: Nanos,
    /// When it asks no more for a permit; in the queued flow, when its time in the queue is over.
    pub(super) give_up: Nanos,
    pub(super) pause: Nanos,
    pub(super) asked_again: u32,
    pub(super) attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not begun, between two tries, or waiting for the end of a lease.
    Away,
    /// Asks full replicas again.
    Waiting,
    /// Sends its video to the queue.
    Uploading,
    Accepting,
    Queued,
    /// Holds a permit.
    Converting,
}

/// A job as an event names it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) slot: u32,
    pub(super) mark: u32,
}

/// All jobs. A row that is used again keeps counting its mark, so old events do not meet a new job.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    rows: Vec<Job>,
    free: Vec<u32>,
}

impl Jobs {
    pub(super) fn add(&mut self, arrived: Nanos, video: u32, work_core_s: f64) -> u32 {
        let job = |mark| Job {
            arrived,
            phase: Phase::Away,
            mark,
            video,
            replica: 0,
            work_core_s,
            upload_end: 0,
            began: 0,
            stored_at: 0,
            give_up: 0,
            pause: 0,
            asked_again: 0,
            attempts: 0,
        };
        if let Some(slot) = self.free.pop() {
            let row = &mut self.rows[slot as usize];
            *row = job(row.mark);
            slot
        } else {
            self.rows.push(job(0));
            u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX)
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        let row = self.get(slot);
        row.phase = Phase::Away;
        row.mark += 1;
        self.free.push(slot);
    }

    pub(super) fn get(&mut self, slot: u32) -> &mut Job {
        &mut self.rows[slot as usize]
    }

    pub(super) fn row(&self, slot: u32) -> &Job {
        &self.rows[slot as usize]
    }

    pub(super) fn named(&self, slot: u32) -> Named {
        Named { slot, mark: self.rows[slot as usize].mark }
    }

    /// Makes all events void that were set for a job, and names it anew.
    pub(super) fn renamed(&mut self, slot: u32) -> Named {
        self.get(slot).mark += 1;
        self.named(slot)
    }

    /// The job's row, unless the event is void.
    pub(super) fn meant(&self, named: Named) -> Option<u32> {
        (self.rows[named.slot as usize].mark == named.mark).then_some(named.slot)
    }

    /// Jobs in one of these phases at a replica.
    pub(super) fn at(&self, replica: u32, phase: Phase) -> Vec<u32> {
        (0u32..)
            .zip(&self.rows)
            .filter(|(_, job)| job.phase == phase && job.replica == replica)
            .map(|(slot, _)| slot)
            .collect()
    }
}
