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
    model::{Arrivals, Clients, Point, Rules, Settings, Video},
    scenario,
};
use crate::flow::Flow;

/// Steps of all experiments, for a bar.
pub(super) const STEPS: u64 = fleet::STEPS + links::STEPS + day::STEPS + faults::STEPS + jump::STEPS;
/// Share of the capacity that is offered where nothing else is said: what an autoscaler's target leaves free, too.
pub(super) const LOAD: f64 = 0.7;
/// `QUEUE_MAX` of all experiments: the default of 1,000 is meant for a few converters, and with many it would refuse what they
/// have done within seconds. The deadline stays the services'.
pub(super) const QUEUE_MAX: u32 = 100_000;

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
            rules: Rules { queue_max: QUEUE_MAX, ..Rules::default() },
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

/// Seconds from a moment to the last point of a curve that was not well: 0 where all were, none where the last one still is not.
fn unwell_for<'a>(
    curve: impl IntoIterator<Item = &'a Point>,
    from_s: f64,
    is_well: impl Fn(&Point) -> bool,
) -> Option<f64> {
    let mut for_s = Some(0.0);
    for point in curve.into_iter().filter(|point| point.at_s > from_s) {
        match (is_well(point), for_s) {
            (false, _) => for_s = None,
            // A point stands for the time since the one before: that was the last.
            (true, None) => for_s = Some(point.at_s - from_s),
            (true, Some(_)) => {}
        }
    }
    for_s
}

/// A whole number of replicas for a share of what they can do.
pub(super) fn replicas_for(per_s: f64, capacity_per_s: f64, load: f64) -> u32 {
    whole(per_s / (capacity_per_s * load)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(waiting: [u32; 5]) -> Vec<Point> {
        let at = [1.0, 2.0, 3.0, 4.0, 5.0];
        at.into_iter().zip(waiting).map(|(at_s, waiting)| Point { at_s, waiting, ..Point::default() }).collect()
    }

    #[test]
    fn a_system_is_unwell_until_all_that_follows_is_well() {
        let unwell = |waiting| unwell_for(&curve(waiting), 1.0, |point| point.waiting == 0);
        assert_eq!(unwell([9, 0, 0, 0, 0]), Some(0.0));
        assert_eq!(unwell([0, 9, 0, 9, 0]), Some(4.0));
        assert_eq!(unwell([0, 9, 0, 0, 9]), None);
    }

    #[test]
    fn replicas_are_rounded_up() {
        assert_eq!([7.0, 7.1, 0.0].map(|per_s| replicas_for(per_s, 10.0, 0.7)), [1, 2, 1]);
    }
}
