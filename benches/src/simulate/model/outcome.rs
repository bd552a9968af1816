//! What came out of a run.

use serde::Serialize;

#[cfg(test)]
use crate::simulate::kernel::seconds;
use crate::{
    simulate::kernel::{Durations, Nanos},
    stats::float,
};

/// Counts, durations and costs of a run.
#[derive(Debug)]
pub(in crate::simulate) struct Outcome {
    /// Uploads that clients wanted, each counted once however often it asked.
    pub(in crate::simulate) offered: u64,
    pub(in crate::simulate) completed: u64,
    /// Clients that left without an mp3 after a 503.
    pub(in crate::simulate) refused: u64,
    /// Ended without an mp3 after it was admitted: lost once too often, or too long in the queue.
    pub(in crate::simulate) failed: u64,
    /// Neither of these when the run ended.
    pub(in crate::simulate) in_flight: u64,
    /// Completed before arrivals ended: what goodput counts.
    pub(in crate::simulate) completed_in_time: u64,
    /// 503 answers, and conversions begun again after a replica was lost.
    pub(in crate::simulate) refusals: u64,
    pub(in crate::simulate) repeated: u64,
    /// From the intended start, to the last answer and to the downloadable mp3.
    pub(in crate::simulate) answer: Durations,
    pub(in crate::simulate) downloadable: Durations,
    /// Integral of the uploads in the system over time.
    pub(in crate::simulate) present_s: f64,
    pub(in crate::simulate) ended_at: Nanos,
    pub(in crate::simulate) costs: Costs,
    pub(in crate::simulate) curve: Vec<Point>,
    /// Arrivals, admissions and ends handled, and events in all: for speed.
    pub(in crate::simulate) events: u64,
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(in crate::simulate) struct Costs {
    /// Core seconds that replicas had, starting ones included, and that conversions used.
    pub(in crate::simulate) provisioned_core_s: f64,
    pub(in crate::simulate) used_core_s: f64,
    /// Core seconds of accepting that ran elsewhere.
    pub(in crate::simulate) accept_core_s: f64,
    /// Bytes of videos in the store, times the seconds they were there.
    pub(in crate::simulate) video_byte_s: f64,
    /// Bytes written to the store.
    pub(in crate::simulate) video_bytes: f64,
    pub(in crate::simulate) mp3_bytes: f64,
}

/// The system at one time.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(in crate::simulate) struct Point {
    pub(in crate::simulate) at_s: f64,
    /// Videos in the queue, or uploads that wait for a permit.
    pub(in crate::simulate) waiting: u32,
    pub(in crate::simulate) converting: u32,
    pub(in crate::simulate) replicas: u32,
    /// Since the point before.
    pub(in crate::simulate) offered: u64,
    pub(in crate::simulate) completed: u64,
    pub(in crate::simulate) refusals: u64,
    /// Of what became downloadable since the point before; none where there was too little.
    pub(in crate::simulate) downloadable_p50_s: Option<f64>,
    pub(in crate::simulate) downloadable_p99_s: Option<f64>,
}

impl Outcome {
    pub(super) fn new() -> Self {
        Self {
            offered: 0,
            completed: 0,
            refused: 0,
            failed: 0,
            in_flight: 0,
            completed_in_time: 0,
            refusals: 0,
            repeated: 0,
            answer: Durations::new(),
            downloadable: Durations::new(),
            present_s: 0.0,
            ended_at: 0,
            costs: Costs::default(),
            curve: vec![],
            events: 0,
        }
    }

    /// Mp3s per second while uploads came, `horizon_s` long.
    pub(in crate::simulate) fn goodput_per_s(&self, horizon_s: f64) -> f64 {
        float(self.completed_in_time) / horizon_s
    }

    /// Uploads in the system, on average over the run.
    #[cfg(test)]
    pub(in crate::simulate) fn present_mean(&self) -> f64 {
        self.present_s / seconds(self.ended_at)
    }

    /// The same bytes for the same run: all that came out of it.
    #[cfg(test)]
    pub(in crate::simulate) fn fingerprint(&self) -> String {
        let Self { offered, completed, refused, failed, in_flight, refusals, repeated, events, .. } = self;
        format!(
            "{offered} {completed} {refused} {failed} {in_flight} {refusals} {repeated} {events} {:?} {:?} {:?} {:?} {}",
            self.answer.counts(),
            self.downloadable.counts(),
            self.costs,
            self.curve,
            self.ended_at
        )
    }
}
