//! Beyond the machine that was measured: more converters, a day, faults, slow links, money.

pub(super) mod cost;
pub(super) mod day;
pub(super) mod faults;
pub(super) mod fleet;
pub(super) mod jump;
pub(super) mod links;

use indicatif::ProgressBar;

use super::{
    kernel::whole,
    model::{Arrivals, Clients, Flow, Settings, Video},
    scenario,
};

/// Steps of all experiments, for a bar.
pub(super) const STEPS: u64 = fleet::STEPS + links::STEPS + day::STEPS + faults::STEPS + jump::STEPS;
/// Both flows, in the order of their colours.
pub(super) const FLOWS: [Flow; 2] = [Flow::Blocking, Flow::Queued];
/// Share of the capacity that is offered where nothing else is said: what an autoscaler's target leaves free, too.
pub(super) const LOAD: f64 = 0.7;

/// What all experiments share.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) blocking: Vec<Video>,
    pub(super) queued: Vec<Video>,
    pub(super) uplink_bytes_per_s: f64,
    pub(super) cold_start_s: f64,
    pub(super) seed: u64,
    /// A tenth of the uploads, to try something.
    pub(super) short: bool,
    pub(super) bar: ProgressBar,
}

impl World {
    pub(super) fn mix(&self, flow: Flow) -> &[Video] {
        match flow {
            Flow::Blocking => &self.blocking,
            Flow::Queued => &self.queued,
        }
    }

    /// Says what is simulated next.
    fn step(&self, what: String) {
        self.bar.set_message(what);
        self.bar.inc(1);
    }

    /// Mp3s per second that the cores of one converter can make.
    pub(super) fn capacity_per_s(&self, flow: Flow) -> f64 {
        let mix = self.mix(flow);
        let weights: f64 = mix.iter().map(|video| video.weight).sum();
        let work: f64 = mix.iter().map(|video| video.weight * video.engine.mean_core_s).sum();
        scenario::REPLICA.cores * weights / work
    }

    /// This many converters at a rate, for a time.
    pub(super) fn settings(&self, flow: Flow, replicas: u32, per_s: f64, horizon_s: f64) -> Settings {
        Settings {
            arrivals: Arrivals::Poisson { per_s },
            horizon_s,
            replicas,
            cold_start_s: self.cold_start_s,
            clients: Clients { uplink_bytes_per_s: self.uplink_bytes_per_s, ..Clients::leaving() },
            arrivals_seed: self.seed,
            seed: self.seed,
            ..scenario::basic(flow, self.mix(flow).to_vec())
        }
    }

    /// Long enough for so many uploads.
    pub(super) fn horizon_s(&self, uploads: f64, per_s: f64, at_least_s: f64) -> f64 {
        let uploads = if self.short { uploads / 10.0 } else { uploads };
        (uploads / per_s).max(at_least_s)
    }
}

/// The first time from which on, for three points, `is_well` holds.
pub(super) fn recovered_at<T>(
    curve: &[T],
    from: f64,
    at: impl Fn(&T) -> f64,
    is_well: impl Fn(&T) -> bool,
) -> Option<f64> {
    let after: Vec<_> = curve.iter().filter(|point| at(point) > from).collect();
    after.windows(3).find(|points| points.iter().all(|point| is_well(point))).map(|points| at(points[0]))
}

/// A whole number of replicas for a share of what they can do.
pub(super) fn replicas_for(per_s: f64, capacity_per_s: f64, load: f64) -> u32 {
    whole(per_s / (capacity_per_s * load)).max(1)
}
