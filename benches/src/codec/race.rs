//! Timings of several programs, interleaved, so that a slow moment of the machine hits all of them.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    contender::{Contender, Setting},
    cost::{self, Cost},
};
use crate::{
    console::{note, say},
    stats::Samples,
};

/// One conversion by several programs; the first is what the others are compared with.
#[derive(Debug)]
pub(super) struct Race {
    pub(super) title: &'static str,
    pub(super) setting: Setting,
    pub(super) lanes: Vec<Lane>,
    pub(super) rounds: usize,
}

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) name: &'static str,
    pub(super) contender: Contender,
    pub(super) input: PathBuf,
    pub(super) goal: Goal,
}

/// Of the first lane's time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Goal {
    /// At least so many times as fast.
    pub(super) speedup: Option<f64>,
    /// At most so much of its CPU time.
    pub(super) cpu: Option<f64>,
}

impl Race {
    /// Runs all rounds and prints a line for each lane.
    pub(super) fn run(&self) -> anyhow::Result<Value> {
        for lane in &self.lanes {
            warm(&lane.input)?;
        }
        let mut costs = vec![vec![]; self.lanes.len()];
        for round in 0..self.rounds {
            note(format!("  round {} of {}", round + 1, self.rounds));
            for turn in 0..self.lanes.len() {
                // Each goes first in its turn: what the one before leaves behind is no lane's lot.
                let at = (turn + round) % self.lanes.len();
                let lane = &self.lanes[at];
                costs[at].push(cost::run(&lane.contender, &lane.input, self.setting)?);
            }
        }
        say(self.title);
        let lanes = self.lanes.iter().zip(&costs).enumerate();
        Ok(lanes
            .map(|(at, (lane, own))| (lane.name.to_owned(), lane.report(at, own, &costs[0])))
            .collect::<Map<_, _>>()
            .into())
    }
}

impl Lane {
    fn report(&self, at: usize, own: &[Cost], first: &[Cost]) -> Value {
        let of = |value: fn(&Cost) -> f64| Samples::of(own.iter().map(value).collect());
        let (wall, cpu) = (of(|cost| cost.wall), of(|cost| cost.cpu));
        if at == 0 {
            say(format!("  {:<18}{wall} s   CPU {:.3} s", self.name, cpu.median));
            return json!({"wall_s": wall, "cpu_s": cpu});
        }
        let ratio = |value: fn(&Cost) -> f64| {
            Samples::of(own.iter().zip(first).map(|(own, first)| value(own) / value(first)).collect())
        };
        let (wall_ratio, cpu_ratio) = (ratio(|cost| cost.wall), ratio(|cost| cost.cpu));
        say(format!(
            "  {:<18}{wall} s   CPU {:.3} s   wall 1/{:.2} (1/{:.2} – 1/{:.2}){}   CPU {:.2} (of {:.2} – {:.2}){}",
            self.name,
            cpu.median,
            wall_ratio.median.recip(),
            wall_ratio.max.recip(),
            wall_ratio.min.recip(),
            self.goal.speedup.map_or_else(String::new, |speedup| {
                format!(", goal ≤ 1/{speedup} {}", verdict(wall_ratio.median <= speedup.recip()))
            }),
            cpu_ratio.median,
            cpu_ratio.min,
            cpu_ratio.max,
            self.goal.cpu.map_or_else(String::new, |goal| {
                format!(", goal ≤ {goal} {}", verdict(cpu_ratio.median <= goal))
            }),
        ));
        json!({
            "wall_s": wall, "cpu_s": cpu, "wall_ratio": wall_ratio, "cpu_ratio": cpu_ratio,
            "goal_wall_ratio": self.goal.speedup.map(f64::recip), "goal_cpu_ratio": self.goal.cpu,
        })
    }
}

/// How a figure stands to its goal.
pub(super) fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

/// Reads a file once, so that the first round finds it in memory as the others do.
fn warm(input: &Path) -> io::Result<()> {
    io::copy(&mut File::open(input)?, &mut io::sink()).map(drop)
}
