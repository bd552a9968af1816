//! From measurements to the model's parameters. Only the unloaded times and the capacity are used: every run under load
//! is left to hold the model against.

use anyhow::ensure;

use super::{
    measured::{Service, Summary},
    model::{Fixed, Flow, Replica, Spread, Video, Work},
};
use crate::stats::quantile::Quantiles;

/// Sweeps draw from the clips; the longer files have runs of their own.
const CLIP_MAX_S: f64 = 30.0;
/// Bits per second of an mp3 at V2 where its size was not measured.
const MP3_BITS_PER_S: f64 = 190_000.0;
/// The 90 % quantile of the normal distribution.
const NORMAL_P90: f64 = 1.281_6;
/// The longest of 20 samples of it, on average, in standard deviations: what there is where samples carry no p90.
const NORMAL_MAX_OF_20: f64 = 1.867;
/// Time without load varies by what else the machine does, too; more than this is not the conversion's.
const SIGMA_MAX: f64 = 0.6;
/// Where the summary does not say: 4 for each of two cores.
const PERMITS: u32 = 8;

/// One flow's parameters.
#[derive(Debug, Clone)]
pub(super) struct Fit {
    /// Cores that its conversions could use at capacity: core seconds of an mp3, times mp3s per second.
    pub(super) cores: f64,
    pub(super) mix: Vec<Video>,
}

impl Fit {
    /// From the clips of a summary, each as often as the others.
    pub(super) fn of(summary: &Summary, flow: Flow) -> anyhow::Result<Self> {
        let clips: Vec<_> = summary.service.iter().filter(|service| service.audio_s <= CLIP_MAX_S).collect();
        let works: Vec<_> = clips.iter().filter_map(|clip| clip.cpu_s_per_mp3.of(flow)).collect();
        let capacity = summary.capacity_per_s.of(flow);
        ensure!(!works.is_empty(), "no clip of at most {CLIP_MAX_S} s has its CPU time for the {} flow", flow.name());
        let Some(capacity) = capacity else { anyhow::bail!("the summary has no capacity of the {} flow", flow.name()) };
        let mean = works.iter().sum::<f64>() / f64::from(u32::try_from(works.len())?);
        let cores = capacity * mean;
        let mix: Vec<_> = clips.into_iter().filter_map(|clip| video(clip, flow, cores)).collect();
        ensure!(!mix.is_empty(), "no clip was measured without load in the {} flow", flow.name());
        Ok(Self { cores, mix })
    }

    /// The machine that was measured: gateway, stores and converter share its cores.
    pub(super) fn machine(&self, permits: Option<u32>) -> Replica {
        Replica { cores: self.cores, width: self.cores, permits: permits.unwrap_or(PERMITS), accepts: true }
    }
}

/// Time without load is upload over loopback, waiting that no core shortens, and work on all cores. None where it was not
/// measured.
fn video(clip: &Service, flow: Flow, cores: f64) -> Option<Video> {
    let total = clip.cpu_s_per_mp3.of(flow)?;
    // The engine is the same in both flows: what the queued one takes beyond it is the work of accepting.
    let engine = clip.cpu_s_per_mp3.blocking.map_or(total, |blocking| blocking.min(total));
    let accept = total - engine;
    let (fixed, alone, spread) = match flow {
        Flow::Blocking => {
            let alone = clip.alone_s.blocking?;
            let p50 = alone.p50?.value;
            (Fixed { blocking_s: rest(p50, engine, cores), ..Fixed::default() }, p50, alone)
        }
        Flow::Queued => {
            let answer = clip.alone_s.queued_answer?.p50?.value;
            let there = clip.alone_s.queued_downloadable?;
            let p50 = there.p50?.value;
            let (accept_s, worker_s) = (rest(answer, accept, cores), rest(p50 - answer, engine, cores));
            (Fixed { accept_s, worker_s, ..Fixed::default() }, p50, there)
        }
    };
    // The whole time varies by that factor: its working part by more.
    let sigma = sigma(&spread, alone) * alone / (engine / cores);
    Some(Video {
        name: clip.name.clone(),
        weight: 1.0,
        bytes: clip.bytes,
        mp3_bytes: clip.mp3_bytes.unwrap_or(clip.audio_s * MP3_BITS_PER_S / 8.0),
        engine: Work { mean_core_s: engine, spread: Spread::LogNormal { sigma: sigma.clamp(0.0, SIGMA_MAX) } },
        accept_core_s: accept,
        fixed,
    })
}

/// How the whole time varies, as the standard deviation of its logarithm.
fn sigma(times: &Quantiles, p50: f64) -> f64 {
    match (times.p90, times.max) {
        (Some(p90), _) => (p90.value / p50).ln() / NORMAL_P90,
        (None, Some(max)) => (max / p50).ln() / NORMAL_MAX_OF_20,
        (None, None) => 0.0,
    }
}

/// Of a time, what is not work.
fn rest(time_s: f64, work_core_s: f64, cores: f64) -> f64 {
    (time_s - work_core_s / cores).max(0.0)
}
