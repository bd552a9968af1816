//! `--speed`: simulated uploads per second of wall time, on one core.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    model::{self, Arrivals, Settings},
    scenario,
};
use crate::{console::say, flow::Flow, stats::float};

/// Uploads of one measurement.
const UPLOADS: f64 = 2e6;
/// Measurements of each row; the best one counts, since what disturbs a run only slows it down.
const ROUNDS: usize = 3;

/// Prints a row for each size and flow, and gives them as JSON.
pub(super) fn run(seed: u64) -> Value {
    say(format!("simulated uploads per second of one core, best of {ROUNDS} runs of {UPLOADS:.0} uploads"));
    let mut rows = vec![];
    for (name, load, replicas) in [
        ("70 % of 1 converter", 0.7, 1),
        ("300 % of 1", 3.0, 1),
        ("70 % of 100", 0.7, 100),
        ("70 % of 1,000", 0.7, 1_000),
    ] {
        for flow in [Flow::Blocking, Flow::Queued] {
            let settings = setting(flow, load, replicas, seed);
            let mut per_s = 0.0_f64;
            let mut events = 0.0;
            for _ in 0..ROUNDS {
                let begun = Instant::now();
                let outcome = model::run(&settings);
                per_s = per_s.max(float(outcome.offered) / begun.elapsed().as_secs_f64());
                events = float(outcome.events) / float(outcome.offered);
            }
            say(format!("{name:20} {flow:10?} {:6.2} M/s, {events:.1} events each", per_s / 1e6));
            rows.push(json!({"name": name, "flow": flow, "uploads_per_s": per_s, "events_per_upload": events}));
        }
    }
    Value::Array(rows)
}

fn setting(flow: Flow, load: f64, replicas: u32, seed: u64) -> Settings {
    let mut settings = scenario::basic(flow, vec![scenario::assumed_video()]);
    let capacity = f64::from(replicas) * settings.replica.cores / settings.mix[0].engine.mean_core_s;
    settings.arrivals = Arrivals::Poisson { per_s: load * capacity };
    settings.horizon_s = UPLOADS / (load * capacity);
    settings.replicas = replicas;
    settings.arrivals_seed = seed;
    settings.seed = seed;
    settings
}
