//! How uploads end: with an mp3, with a refusal, or with another try; and the curve of it all.

use super::{Durations, Event, Model, Nanos, Point, job::Phase, nanos, seconds};
use crate::flow::Flow;

/// Bounds of what `Retry-After` promises: as in the converter's permits.
const RETRY_MIN_S: f64 = 1.0;
const RETRY_MAX_S: f64 = 30.0;
/// The running mean of how long a permit is held takes an eighth of each new time.
const HOLD_SHARE: f64 = 1.0 / 8.0;

impl Model<'_> {
    pub(super) fn committed(&mut self, slot: u32) {
        let job = self.jobs.get(slot);
        let (replica, took, held) = (job.replica, self.now - job.arrived, self.now - job.began);
        self.outcome.costs.mp3_bytes += self.settings.mix[job.video as usize].mp3_bytes;
        self.drop_video(slot, self.now);
        self.hold_mean_s += (seconds(held) - self.hold_mean_s) * HOLD_SHARE;
        self.outcome.completed += 1;
        self.outcome.completed_in_time += u64::from(self.now <= nanos(self.settings.horizon_s));
        self.outcome.downloadable.record(took);
        if self.settings.samples > 0 {
            self.window.record(took);
        }
        self.leave(slot);
        self.fleet.release(self.now, replica);
        self.permit_freed();
    }

    /// Admitted, and given up. What was overdue is found late here: its video went when its time was over.
    pub(super) fn fail(&mut self, slot: u32) {
        self.drop_video(slot, self.now.min(self.jobs.row(slot).give_up));
        self.outcome.failed += 1;
        self.leave(slot);
    }

    /// The store kept it until then.
    fn drop_video(&mut self, slot: u32, at: Nanos) {
        if self.settings.flow == Flow::Queued {
            let job = self.jobs.row(slot);
            let bytes = self.settings.mix[job.video as usize].bytes;
            self.outcome.costs.video_byte_s += bytes * seconds(at.saturating_sub(job.stored_at));
        }
    }

    pub(super) fn leave(&mut self, slot: u32) {
        self.jobs.remove(slot);
        self.present -= 1;
    }

    /// A 503 with `Retry-After`: the client comes back, or leaves.
    pub(super) fn refuse(&mut self, slot: u32) {
        self.outcome.refusals += 1;
        let wait_s = (self.hold_mean_s / f64::from(self.settings.replica.permits)).clamp(RETRY_MIN_S, RETRY_MAX_S);
        if !self.return_after(slot, wait_s.ceil()) {
            self.outcome.refused += 1;
            self.leave(slot);
        }
    }

    /// Whether the client tries again, after this time and up to half as much again.
    pub(super) fn return_after(&mut self, slot: u32, wait_s: f64) -> bool {
        let at = self.now + nanos(wait_s * (1.0 + self.luck.unit() / 2.0));
        let clients = self.settings.clients;
        let job = self.jobs.get(slot);
        job.phase = Phase::Away;
        if job.asked_again >= clients.asks_again_max || seconds(at - job.arrived) > clients.patience_s {
            return false;
        }
        job.asked_again += 1;
        let named = self.jobs.renamed(slot);
        self.timers.set(at, Event::Return(named));
        true
    }

    pub(super) fn sample(&mut self) {
        let before = self
            .outcome
            .curve
            .iter()
            .fold((0, 0, 0), |sum, point| (sum.0 + point.offered, sum.1 + point.completed, sum.2 + point.refusals));
        let waiting = u32::try_from(self.queue.len()).unwrap_or(u32::MAX) + self.waiting.len();
        let window = std::mem::replace(&mut self.window, Durations::new());
        self.outcome.curve.push(Point {
            at_s: seconds(self.now),
            waiting,
            converting: self.fleet.permits_used(),
            replicas: u32::try_from(self.fleet.ready_replicas().len()).unwrap_or(u32::MAX),
            offered: self.outcome.offered - before.0,
            completed: self.outcome.completed - before.1,
            refusals: self.outcome.refusals - before.2,
            downloadable_p50_s: window.quantile(0.5),
            downloadable_p99_s: window.quantile(0.99),
        });
        self.timers.set(self.now + nanos(self.settings.horizon_s / f64::from(self.settings.samples)), Event::Sample);
    }
}
