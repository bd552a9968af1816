//! What is run, and in which order.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{flow::Flow, stats::random::Random};

/// How the gateway finds the converters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Arm {
    /// It knows each of them, as behind a headless service.
    Headless,
    /// It knows one address, behind which connections are spread.
    ClusterIp,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Cell {
    pub(super) kind: Kind,
    pub(super) flow: Flow,
    pub(super) arm: Arm,
    /// How many converters take part; where one is added, before it is.
    pub(super) replicas: u32,
    /// From 1.
    pub(super) repeat: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// How much they carry, and how fast they answer below that.
    Steady,
    /// How soon one more takes its part.
    Added,
}

/// What there is to choose.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub(super) flows: &'a [Flow],
    pub(super) replicas: &'a [u32],
    /// Compared with the other arm, and grown by one; none where it is `None`.
    pub(super) compared: Option<u32>,
    pub(super) repeats: u32,
    pub(super) arms: &'a [Arm],
    pub(super) seed: u64,
}

impl Choice<'_> {
    /// All cells, in an order that has nothing to do with N or time: what warms up or goes wrong on the machine hits all alike.
    pub(super) fn cells(&self) -> Vec<Cell> {
        let mut cells = vec![];
        for repeat in 1..=self.repeats {
            for flow in self.flows.iter().copied() {
                let of = |kind, arm, replicas| Cell { kind, flow, arm, replicas, repeat };
                cells.extend(self.replicas.iter().map(|replicas| of(Kind::Steady, Arm::Headless, *replicas)));
                // The broker hands out what is queued, whatever the gateway knows: the second arm is of the blocking flow.
                let second = flow == Flow::Blocking && self.arms.contains(&Arm::ClusterIp);
                cells.extend(self.compared.filter(|_| second).map(|n| of(Kind::Steady, Arm::ClusterIp, n)));
                cells.extend(self.compared.map(|n| of(Kind::Added, Arm::Headless, n)));
                cells.extend(self.compared.filter(|_| second).map(|n| of(Kind::Added, Arm::ClusterIp, n)));
            }
        }
        let mut random = Random::seeded(self.seed);
        // Fisher-Yates.
        for last in (1..cells.len()).rev() {
            cells.swap(last, random.below(last + 1));
        }
        cells
    }
}

/// So long each part of a cell takes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Lengths {
    /// Before anything counts: the gateway looks for converters once a second.
    pub(super) warm_up: Duration,
    pub(super) throughput: Duration,
    pub(super) latency: Duration,
    pub(super) added: Duration,
}

impl Lengths {
    pub(super) fn of(&self, kind: Kind) -> Duration {
        self.warm_up
            + match kind {
                Kind::Steady => self.throughput + self.latency,
                Kind::Added => self.added,
            }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Headless => "headless",
            Self::ClusterIp => "ClusterIP",
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, flow, arm, replicas, repeat } = self;
        let more = if *kind == Kind::Added { " and one more" } else { "" };
        write!(f, "{replicas} converters{more}, {flow}, {arm}, repeat {repeat}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(seed: u64) -> Vec<Cell> {
        let (flows, replicas) = (&[Flow::Blocking, Flow::Queued], &[1, 2, 3]);
        let arms = &[Arm::Headless, Arm::ClusterIp];
        Choice { flows, replicas, compared: Some(2), repeats: 3, arms, seed }.cells()
    }

    #[test]
    fn every_number_of_replicas_is_run_in_both_flows_and_each_repeat() {
        let cells = choice(1);
        for flow in [Flow::Blocking, Flow::Queued] {
            for replicas in 1..=3 {
                for repeat in 1..=3 {
                    let wanted = Cell { kind: Kind::Steady, flow, arm: Arm::Headless, replicas, repeat };
                    assert_eq!(cells.iter().filter(|cell| **cell == wanted).count(), 1, "{wanted}");
                }
            }
        }
        assert!(!cells.iter().any(|cell| cell.arm == Arm::ClusterIp && cell.flow == Flow::Queued));
        assert_eq!(cells.len(), 3 * (3 + 1 + 1 + 1) + 3 * (3 + 1));
    }

    #[test]
    fn the_order_is_the_seeds() {
        assert_eq!(choice(1), choice(1));
        assert_ne!(choice(1), choice(2));
    }
}
