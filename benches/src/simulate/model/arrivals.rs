//! When uploads begin, and with which video: an open loop, which does not wait for answers.

use std::f64::consts::TAU;

use super::{Model, Spread, settings::Arrivals};
use crate::{
    simulate::kernel::{Nanos, log_normal, nanos, seconds},
    stats::random::Random,
};

/// Seconds of a day, and its quietest hour.
const DAY_S: f64 = 86_400.0;
const QUIET_S: f64 = 4.0 * 3_600.0;

/// The stream of arrivals.
#[derive(Debug)]
pub(super) struct Stream {
    arrivals: Arrivals,
    random: Random,
    count: u32,
}

impl Stream {
    pub(super) fn new(arrivals: Arrivals, random: Random) -> Self {
        Self { arrivals, random, count: 0 }
    }

    pub(super) fn first(&mut self) -> Nanos {
        match self.arrivals {
            Arrivals::Constant { .. } => 0,
            Arrivals::Poisson { .. } | Arrivals::Day { .. } => self.next(0),
        }
    }

    /// The arrival that follows one at `now`.
    pub(super) fn next(&mut self, now: Nanos) -> Nanos {
        match self.arrivals {
            Arrivals::Poisson { per_s } => now + nanos(self.random.exponential(per_s.recip())),
            Arrivals::Constant { per_s } => {
                // From the count, not from the last one: rounding does not add up.
                self.count += 1;
                nanos(f64::from(self.count) / per_s)
            }
            Arrivals::Day { mean_per_s, peak } => self.thinned(now, mean_per_s, peak),
        }
    }

    /// Thinning (Lewis and Shedler): a process at the highest rate, of which each arrival stays with its moment's share.
    fn thinned(&mut self, now: Nanos, mean_per_s: f64, peak: f64) -> Nanos {
        let mut at = now;
        loop {
            at += nanos(self.random.exponential((mean_per_s * peak).recip()));
            if self.random.unit() * peak <= shape(seconds(at), peak) {
                return at;
            }
        }
    }
}

/// The rate at a second of the day, divided by its mean.
fn shape(second: f64, peak: f64) -> f64 {
    1.0 - (peak - 1.0) * ((second - QUIET_S) / DAY_S * TAU).cos()
}

impl Model<'_> {
    /// An upload begins, and the next one is known.
    pub(super) fn arrive(&mut self) {
        let video = self.draw_video();
        let work = self.settings.mix[video as usize].engine;
        let factor = match work.spread {
            Spread::Exponential => self.videos.exponential(1.0),
            Spread::LogNormal { sigma } => log_normal(&mut self.videos, sigma),
        };
        let slot = self.jobs.add(self.now, video, work.mean_core_s * factor);
        self.next_arrival = self.arrivals.next(self.now);
        self.outcome.offered += 1;
        self.present += 1;
        self.begin(slot);
    }

    fn draw_video(&mut self) -> u32 {
        let mix = &self.settings.mix;
        if mix.len() == 1 {
            return 0;
        }
        if let Some(seed) = self.settings.videos_seed {
            let index = Random::nth_below(seed, self.outcome.offered, mix.len());
            return u32::try_from(index).unwrap_or(0);
        }
        let mut left = self.videos.unit() * mix.iter().map(|video| video.weight).sum::<f64>();
        let chosen = mix.iter().position(|video| {
            left -= video.weight;
            left <= 0.0
        });
        chosen.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
    }
}
