//! What a run of the model is given. Durations are in seconds, sizes in bytes, work in core seconds.

use serde::Serialize;

use crate::flow::Flow;

/// One setting: a system, who asks it, and what goes wrong.
#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Settings {
    pub(in crate::simulate) flow: Flow,
    pub(in crate::simulate) arrivals: Arrivals,
    /// Arrivals end here; the run goes on until all is done, at most [`Settings::drain_s`] longer.
    pub(in crate::simulate) horizon_s: f64,
    pub(in crate::simulate) drain_s: f64,
    /// What is uploaded, each as often as its weight says.
    pub(in crate::simulate) mix: Vec<Video>,
    pub(in crate::simulate) replica: Replica,
    /// Replicas at the start.
    pub(in crate::simulate) replicas: u32,
    pub(in crate::simulate) rules: Rules,
    pub(in crate::simulate) clients: Clients,
    pub(in crate::simulate) faults: Vec<Fault>,
    pub(in crate::simulate) autoscaler: Option<Autoscaler>,
    /// From the decision for a new replica to its first conversion: image, start, probe, the gateway's look-up.
    pub(in crate::simulate) cold_start_s: f64,
    /// Points of the curves over time; none where 0.
    pub(in crate::simulate) samples: u32,
    /// Of the arrivals; the load generator makes the same ones of it.
    pub(in crate::simulate) arrivals_seed: u64,
    /// Of the videos that they bring, all equally often and as the load generator chooses them; drawn by weight where there
    /// is none.
    pub(in crate::simulate) videos_seed: Option<u64>,
    /// Of all else.
    pub(in crate::simulate) seed: u64,
}

/// When uploads begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulate) enum Arrivals {
    Poisson {
        per_s: f64,
    },
    Constant {
        per_s: f64,
    },
    /// A Poisson process whose rate goes up and down once in 24 h: quiet at 4 h, its peak at 16 h.
    Day {
        mean_per_s: f64,
        /// The highest rate divided by the mean; between 1 and 2.
        peak: f64,
    },
}

/// One kind of video and what it costs.
#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Video {
    pub(in crate::simulate) name: String,
    pub(in crate::simulate) weight: f64,
    pub(in crate::simulate) bytes: f64,
    pub(in crate::simulate) mp3_bytes: f64,
    /// Core seconds of one conversion.
    pub(in crate::simulate) engine: Work,
    /// Core seconds that accepting a video into the store and the queue costs; the queued flow only.
    pub(in crate::simulate) accept_core_s: f64,
    /// Waiting that no core shortens and no load lengthens: tokens, claims, commits, the broker.
    pub(in crate::simulate) fixed: Fixed,
}

/// Core seconds of one conversion, and how they vary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Work {
    pub(in crate::simulate) mean_core_s: f64,
    pub(in crate::simulate) spread: Spread,
}

/// How work varies around its mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulate) enum Spread {
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests' formulas need it"))]
    Exponential,
    /// None where `sigma` is 0.
    LogNormal { sigma: f64 },
}

impl Spread {
    /// Standard deviation of the work's logarithm; that of an exponential one is not finite as such, and counted as 1.
    pub(in crate::simulate) fn sigma(self) -> f64 {
        match self {
            Self::Exponential => 1.0,
            Self::LogNormal { sigma } => sigma,
        }
    }
}

/// Latencies in seconds.
#[expect(clippy::struct_field_names, reason = "units last, and all are in seconds")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(in crate::simulate) struct Fixed {
    /// In the blocking flow, beside upload and engine.
    pub(in crate::simulate) blocking_s: f64,
    /// In the queued flow, from the last byte to the 202, beside the work of accepting.
    pub(in crate::simulate) accept_s: f64,
    /// In the queued flow, from the message to the mp3, beside the engine; the permit is held.
    pub(in crate::simulate) worker_s: f64,
}

/// A converter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Replica {
    pub(in crate::simulate) cores: f64,
    /// Most cores that one conversion uses: the engine encodes segments side by side.
    pub(in crate::simulate) width: f64,
    /// Conversions at a time (`CONVERSIONS_MAX`).
    pub(in crate::simulate) permits: u32,
    /// Whether accepting into the queue runs on the replica's cores, as where one machine holds all; else on others, and
    /// it takes its time there without waiting.
    pub(in crate::simulate) accepts: bool,
}

/// The rules of gateway and queue.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Rules {
    /// `ADMISSION_WAIT_MAX`: how long an upload asks full replicas again.
    pub(in crate::simulate) admission_wait_s: f64,
    /// `ADMISSION_WAITING_MAX`: uploads that may do so at a time.
    pub(in crate::simulate) admission_waiting_max: u32,
    /// `QUEUE_MAX`: videos that may wait in the queue; further uploads are refused.
    pub(in crate::simulate) queue_max: u32,
    /// `QUEUE_TIMEOUT`: a queued job that no worker has begun so long after its request has failed.
    pub(in crate::simulate) queue_timeout_s: f64,
    /// `LEASE`: how long the work of a dead replica belongs to it.
    pub(in crate::simulate) lease_s: f64,
    /// Tries of a queued conversion; then it has failed.
    pub(in crate::simulate) attempts_max: u32,
}

impl Default for Rules {
    /// As the services have them.
    fn default() -> Self {
        Self {
            admission_wait_s: 2.0,
            admission_waiting_max: 256,
            queue_max: 1_000,
            queue_timeout_s: 3_600.0,
            lease_s: 15.0,
            attempts_max: 3,
        }
    }
}

/// Who uploads.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Clients {
    /// Bandwidth of one client; endless where the link is no limit.
    pub(in crate::simulate) uplink_bytes_per_s: f64,
    /// How often a client asks again after a 503, each time after its `Retry-After` and up to half as much again.
    pub(in crate::simulate) asks_again_max: u32,
    /// A client whose next try would begin later than this leaves.
    pub(in crate::simulate) patience_s: f64,
}

impl Clients {
    /// On a link that is no limit; they do not come back when they were refused.
    pub(in crate::simulate) fn leaving() -> Self {
        Self { uplink_bytes_per_s: f64::INFINITY, asks_again_max: 0, patience_s: f64::INFINITY }
    }
}

/// What goes wrong, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Fault {
    pub(in crate::simulate) at_s: f64,
    pub(in crate::simulate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::simulate) enum What {
    /// This share of the running replicas is gone at once; as many come back after that time and a cold start.
    Killed { share: f64, back_after_s: f64 },
    /// The broker hands out no messages for that time; uploads go on.
    BrokerDown { for_s: f64 },
}

/// A horizontal pod autoscaler on CPU.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(in crate::simulate) struct Autoscaler {
    pub(in crate::simulate) replicas_min: u32,
    pub(in crate::simulate) replicas_max: u32,
    /// Of a replica's cores, in 0…1.
    pub(in crate::simulate) target: f64,
    pub(in crate::simulate) period_s: f64,
    /// It goes down to the most that was wanted within this time.
    pub(in crate::simulate) stabilisation_s: f64,
}

impl Autoscaler {
    /// With Kubernetes' defaults for period and stabilisation.
    pub(in crate::simulate) fn new(replicas_min: u32, replicas_max: u32, target: f64) -> Self {
        Self { replicas_min, replicas_max, target, period_s: 15.0, stabilisation_s: 300.0 }
    }
}
