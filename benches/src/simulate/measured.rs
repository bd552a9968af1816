//! What `lab compare` measured: its `summary.json`, as far as the model needs it.

use std::{fs, path::Path};

use anyhow::Context as _;
use serde::Deserialize;

use crate::{flow::Flow, stats::quantile::Quantiles};

/// Name in the folder of a run.
const FILE: &str = "summary.json";

/// A run of `compare`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Summary {
    pub(super) capacity_per_s: ByFlow<f64>,
    /// One for each file.
    #[serde(rename = "service")]
    pub(super) clips: Vec<Clip>,
    pub(super) runs: Vec<Run>,
}

/// One value for each flow, where it was measured.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct ByFlow<T> {
    pub(super) blocking: Option<T>,
    pub(super) queued: Option<T>,
}

impl<T: Copy> ByFlow<T> {
    pub(super) fn of(&self, flow: Flow) -> Option<T> {
        match flow {
            Flow::Blocking => self.blocking,
            Flow::Queued => self.queued,
        }
    }
}

/// What a file takes without other load.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Clip {
    pub(super) name: String,
    pub(super) bytes: f64,
    pub(super) audio_s: f64,
    #[serde(default)]
    pub(super) mp3_bytes: Option<f64>,
    pub(super) cpu_s_per_mp3: ByFlow<f64>,
    pub(super) alone_s: Alone,
}

/// Seconds from the start of an upload.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct Alone {
    pub(super) blocking: Option<Quantiles>,
    pub(super) queued_answer: Option<Quantiles>,
    pub(super) queued_downloadable: Option<Quantiles>,
}

/// A flow under one offered load.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) flow: Flow,
    pub(super) arrivals: Kind,
    pub(super) load: Option<f64>,
    pub(super) rate_per_s: f64,
    pub(super) seconds: f64,
    pub(super) seed: u64,
    pub(super) permits: Option<u32>,
    pub(super) offered: f64,
    pub(super) refused: f64,
    pub(super) goodput_per_s: Option<f64>,
    pub(super) downloadable_s: Option<Quantiles>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Poisson,
    Constant,
}

impl Summary {
    /// Of the folder of a run.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no summary of `lab compare`", file.display()))
    }
}
