//! Which loads are offered, in which order.

use std::time::Duration;

use super::{
    Args,
    point::Point,
    summary::{PerFlow, Stores},
};
use crate::{flow::Flow, load::Arrivals};

/// An ordinary day and a busy one: their runs are so many times longer.
const LONG_LOADS: [f64; 2] = [HALF, 0.9];
const LONG_FACTOR: u32 = 3;
/// At half of the capacity the samples are to carry a 99th percentile, which takes a thousand.
const HALF_FACTOR: u32 = 13;
const HALF_LENGTH_MAX: Duration = Duration::from_secs(260);
/// Of the constant arrivals.
const CONSTANT_LOAD: f64 = 0.5;
/// Uploads of a burst, and the time in which they come.
const BURST: u32 = 50;
const BURST_LENGTH: Duration = Duration::from_millis(10);
/// At least, of a run with a failure: a broker may take twenty seconds to start, and arrivals have to come after it.
pub(super) const FAULT_LENGTH_MIN: Duration = Duration::from_mins(1);
/// Of runs with a failure, of runs with files of one length.
pub(super) const HALF: f64 = 0.5;

/// Makes points of one run of the lab.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub(super) args: &'a Args,
    pub(super) stores: Stores,
    pub(super) capacity: PerFlow,
}

impl Planner<'_> {
    /// For each load both flows, and each of them first in its turn. With constant arrivals at the end.
    pub(super) fn sweep(&self) -> Vec<Point> {
        let mut points = vec![];
        for (turn, percent) in self.args.loads.iter().enumerate() {
            let load = percent / 100.0;
            let is_long = LONG_LOADS.iter().any(|long| (long - load).abs() < 1e-9);
            let long = self.seconds() * if is_long { LONG_FACTOR } else { 1 };
            let is_half = (load - HALF).abs() < 1e-9;
            let length = if is_half { long.max(HALF_LENGTH_MAX.min(self.seconds() * HALF_FACTOR)) } else { long };
            points.extend(in_turn(turn).map(|flow| Point {
                load: Some(load),
                length,
                ..self.point(format!("{percent:03}"), flow, load)
            }));
        }
        points.extend(Flow::BOTH.map(|flow| Point {
            arrivals: Arrivals::Constant,
            ..self.point("constant".to_owned(), flow, CONSTANT_LOAD)
        }));
        points
    }

    /// Files of one length, at half of what one at a time allows: the engine takes all cores.
    pub(super) fn fixed(&self, name: &str, alone_s: f64) -> Vec<Point> {
        let point = |flow: Flow| Point { rate_per_s: HALF / alone_s, ..self.point(name.to_owned(), flow, HALF) };
        Flow::BOTH.map(point).into()
    }

    pub(super) fn bursts(&self) -> Vec<Point> {
        let point = |flow: Flow| {
            let rate_per_s = f64::from(BURST) / BURST_LENGTH.as_secs_f64();
            let arrivals = Arrivals::Constant;
            Point {
                load: None,
                rate_per_s,
                length: BURST_LENGTH,
                arrivals,
                ..self.point("burst".to_owned(), flow, 0.0)
            }
        };
        Flow::BOTH.map(point).into()
    }

    pub(super) fn fault(&self, name: &str, flow: Flow) -> Point {
        Point { length: self.seconds().max(FAULT_LENGTH_MIN), ..self.point(name.replace(' ', "-"), flow, HALF) }
    }

    fn point(&self, what: String, flow: Flow, load: f64) -> Point {
        let rate_per_s = self.capacity.max().unwrap_or(1.0) * load;
        let (stores, length, seed, retry) = (self.stores, self.seconds(), self.args.seed, self.args.retry);
        Point { what, flow, stores, arrivals: Arrivals::Poisson, load: Some(load), rate_per_s, length, seed, retry }
    }

    fn seconds(&self) -> Duration {
        Duration::from_secs(self.args.seconds)
    }
}

fn in_turn(turn: usize) -> [Flow; 2] {
    let [first, second] = Flow::BOTH;
    if turn.is_multiple_of(2) { [first, second] } else { [second, first] }
}
