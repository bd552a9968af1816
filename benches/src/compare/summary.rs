//! What a run of `compare` found, as `summary.json` holds it. Units are in the names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{flow::Flow, load::Arrivals, report::Machine, stats::quantile::Quantiles};

/// Where users, conversions and messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stores {
    Embedded,
    Real,
}

impl Stores {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Real => "real",
        }
    }
}

/// Everything.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) machine: Machine,
    /// On the first stores. Loads are shares of the higher of both, so that one load is the same arrivals in both flows.
    pub(super) capacity_per_s: PerFlow,
    pub(super) service: Vec<ServiceTimes>,
    pub(super) runs: Vec<RunSummary>,
    /// Files of one length, at half of the capacity.
    pub(super) fixed: Vec<RunSummary>,
    pub(super) bursts: Vec<RunSummary>,
    pub(super) faults: Vec<Fault>,
}

/// A figure of each flow.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct PerFlow {
    pub(super) blocking: Option<f64>,
    pub(super) queued: Option<f64>,
}

impl PerFlow {
    pub(super) fn of(&self, flow: Flow) -> Option<f64> {
        match flow {
            Flow::Blocking => self.blocking,
            Flow::Queued => self.queued,
        }
    }

    /// The higher of both.
    pub(super) fn max(&self) -> Option<f64> {
        [self.blocking, self.queued].into_iter().flatten().reduce(f64::max)
    }

    pub(super) fn set(&mut self, flow: Flow, value: f64) {
        match flow {
            Flow::Blocking => self.blocking = Some(value),
            Flow::Queued => self.queued = Some(value),
        }
    }
}

/// One video that is converted alone, over and over.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ServiceTimes {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) audio_s: u32,
    pub(super) cpu_s_per_mp3: PerFlow,
    pub(super) alone_s: Alone,
}

#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Alone {
    pub(super) blocking: Quantiles,
    pub(super) queued_answer: Quantiles,
    pub(super) queued_downloadable: Quantiles,
}

/// One offered load.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunSummary {
    pub(super) id: String,
    /// What was offered: with the stores it names the two runs that differ in the flow alone.
    pub(super) what: String,
    pub(super) flow: Flow,
    pub(super) stores: Stores,
    pub(super) arrivals: Arrivals,
    /// Of the higher capacity of both flows on these stores.
    pub(super) load: Option<f64>,
    pub(super) rate_per_s: f64,
    pub(super) seconds: f64,
    pub(super) seed: u64,
    /// Conversions at a time.
    pub(super) permits: usize,
    pub(super) offered: usize,
    pub(super) completed: usize,
    pub(super) refused: usize,
    pub(super) failed: usize,
    /// Not ended when the run was over.
    pub(super) unanswered: usize,
    /// Acknowledged, and not there or not what was said.
    pub(super) lost: usize,
    /// Done, although its caller was told something else or nothing.
    pub(super) done_untold: usize,
    /// By the generator, which has no more than `in_flight_max` calls under way.
    pub(super) dropped: usize,
    pub(super) in_flight_max: usize,
    /// Mp3s that were there when arrivals ended, per second; what is done later is not counted.
    pub(super) goodput_per_s: f64,
    pub(super) answer_s: Quantiles,
    pub(super) downloadable_s: Quantiles,
    pub(super) cpu_s_per_mp3: Option<f64>,
    /// Logical: the mp3, and in the queued flow the video.
    pub(super) bytes_stored_per_mp3: Option<f64>,
    pub(super) memory_peak_bytes: Option<u64>,
    /// Seconds and uploads that are in the system: sent, and not yet an mp3, refused or failed.
    pub(super) queue_depth: Vec<(f64, usize)>,
    /// Answers that were not the wished ones.
    pub(super) seen: BTreeMap<String, usize>,
    pub(super) generator_cpu_share: f64,
    pub(super) warnings: Vec<String>,
}

/// A failure in the middle of a run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Fault {
    pub(super) what: String,
    /// Seconds since the run began.
    pub(super) began_s: f64,
    /// What was gone is there again.
    pub(super) mended_s: f64,
    /// From `began_s` to the arrival from which on all went as before; `None` where none did until the end.
    pub(super) recovered_after_s: Option<f64>,
    pub(super) run: RunSummary,
}
