//! The cores of one replica, shared evenly by its conversions: processor sharing.
//!
//! What each job has got since a common start is one number for all of them, the **attained service**: it grows at the rate
//! of one job. A job that comes ends when that number has grown by its work, so the order of ends never changes, and an
//! event costs the logarithm of the number of jobs, not their number.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{NEVER, Nanos, nanos};
use crate::stats::float;

/// Cores and the jobs on them. Work is in core seconds.
#[derive(Debug)]
pub(in crate::simulate) struct Cores {
    count: f64,
    /// Most cores that one job can use.
    width: f64,
    /// Core seconds that every job has got which has been here since `attained` was 0.
    attained: f64,
    at: Nanos,
    /// By the attained service at which a job ends, as bits: positive floats are ordered like their bits.
    ends: BinaryHeap<Reverse<(u64, u32)>>,
    /// Core seconds used so far.
    used: f64,
}

impl Cores {
    pub(in crate::simulate) fn new(cores: f64, width: f64) -> Self {
        Self { count: cores, width, attained: 0.0, at: 0, ends: BinaryHeap::new(), used: 0.0 }
    }

    pub(in crate::simulate) fn join(&mut self, now: Nanos, job: u32, work: f64) {
        self.advance(now);
        if self.ends.is_empty() {
            // Now and then back to 0, or the number would grow until small jobs are lost in its rounding.
            self.attained = 0.0;
        }
        self.ends.push(Reverse(((self.attained + work.max(0.0)).to_bits(), job)));
    }

    /// The job that ends now, at the time that [`Self::next_at`] said.
    pub(in crate::simulate) fn finish(&mut self, now: Nanos) -> Option<u32> {
        self.advance(now);
        let Reverse((end, job)) = self.ends.pop()?;
        self.attained = self.attained.max(f64::from_bits(end));
        Some(job)
    }

    /// When the next job ends if none comes before; [`NEVER`] where there is none.
    pub(in crate::simulate) fn next_at(&self) -> Nanos {
        self.ends.peek().map_or(NEVER, |Reverse((end, _))| {
            let left = (f64::from_bits(*end) - self.attained).max(0.0);
            self.at.saturating_add(nanos(left / self.rate()))
        })
    }

    /// All jobs lose what they have got: the replica is gone.
    pub(in crate::simulate) fn clear(&mut self, now: Nanos) {
        self.advance(now);
        self.ends.clear();
    }

    /// Core seconds used up to now.
    pub(in crate::simulate) fn used(&mut self, now: Nanos) -> f64 {
        self.advance(now);
        self.used
    }

    /// Cores that each job has; 0 where there is none.
    fn rate(&self) -> f64 {
        match self.ends.len() {
            0 => 0.0,
            1 => self.width.min(self.count),
            jobs => self.width.min(self.count / float(jobs)),
        }
    }

    fn advance(&mut self, now: Nanos) {
        let got = self.rate() * float(now - self.at) / 1e9;
        self.attained += got;
        self.used += got * float(self.ends.len());
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::clock::SECOND, *};

    #[test]
    fn two_jobs_share_and_the_one_left_has_all() {
        let mut cores = Cores::new(1.0, 1.0);
        cores.join(0, 1, 1.0);
        cores.join(0, 2, 2.0);
        assert_eq!(cores.next_at(), 2 * SECOND);
        assert_eq!(cores.finish(2 * SECOND), Some(1));
        assert_eq!(cores.next_at(), 3 * SECOND);
        assert_eq!(cores.finish(3 * SECOND), Some(2));
        assert!((cores.used(9 * SECOND) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_job_uses_no_more_cores_than_its_width() {
        let mut cores = Cores::new(4.0, 2.0);
        cores.join(0, 1, 4.0);
        assert_eq!(cores.next_at(), 2 * SECOND);
        cores.join(SECOND, 2, 9.0);
        assert_eq!(cores.next_at(), 2 * SECOND);
        cores.join(SECOND, 3, 9.0);
        assert_eq!(cores.next_at(), 2_500_000_000);
    }
}
