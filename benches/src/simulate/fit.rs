//! From measurements to the model's parameters. Only the unloaded times and the capacity are used: every run under load
//! is left to hold the model against.

use anyhow::{Context as _, ensure};

use super::{
    measured::{Clip, Summary},
    model::{Fixed, Replica, Spread, Video, Work},
};
use crate::{
    flow::Flow,
    stats::{float, quantile::Quantiles},
};

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
    /// Cores that conversions could use when callers never rest: core seconds of an mp3, times mp3s per second, in the blocking
    /// flow. What callers and servers take of the same machine is not in it.
    pub(super) cores: f64,
    pub(super) mix: Vec<Video>,
}

/// What is asked of a clip without load.
struct Alone<'a> {
    clip: &'a Clip,
    /// Core seconds of the engine, which is the same in both flows.
    engine: f64,
    /// Seconds to the 202.
    answer: f64,
}

impl Fit {
    /// From the clips of a summary, each as often as the others. Both flows are needed: their difference is what accepting costs.
    pub(super) fn of(summary: &Summary, flow: Flow) -> anyhow::Result<Self> {
        let alone: Vec<_> = summary.clips.iter().filter_map(Alone::of).collect();
        ensure!(!alone.is_empty(), "no clip of at most {CLIP_MAX_S} s was measured alone in both flows");
        let capacity = |flow: Flow| {
            summary.capacity_per_s.of(flow).with_context(|| format!("the summary has no capacity of the {flow} flow"))
        };
        let (blocking, queued) = (capacity(Flow::Blocking)?, capacity(Flow::Queued)?);
        let cores = blocking * mean(alone.iter().map(|clip| clip.engine));
        // An upload of the queued flow needs so much more of all cores, by tapedeck or by its servers.
        let accept_core_s = cores * (queued.recip() - blocking.recip()).max(0.0);
        let answer = mean(alone.iter().map(|clip| clip.answer));
        let accept = |clip: &Alone<'_>| accept_core_s * clip.answer / answer;
        let mix: Vec<_> = alone.iter().filter_map(|clip| clip.video(flow, cores, accept(clip))).collect();
        Ok(Self { cores, mix })
    }

    /// The machine that was measured: gateway, stores and converter share its cores.
    pub(super) fn machine(&self, permits: Option<u32>) -> Replica {
        Replica { cores: self.cores, width: self.cores, permits: permits.unwrap_or(PERMITS), accepts: true }
    }
}

impl<'a> Alone<'a> {
    /// None where it was not measured in both flows, or is not among the clips.
    fn of(clip: &'a Clip) -> Option<Self> {
        if clip.audio_s > CLIP_MAX_S {
            return None;
        }
        let engine = clip.cpu_s_per_mp3.blocking?;
        Some(Self { clip, engine, answer: clip.alone_s.queued_answer?.p50?.value })
    }

    /// Time without load is upload over loopback, waiting that no core shortens, and work on all cores.
    fn video(&self, flow: Flow, cores: f64, accept: f64) -> Option<Video> {
        let Self { clip, engine, answer } = *self;
        let (fixed, p50, spread) = match flow {
            Flow::Blocking => {
                let there = clip.alone_s.blocking?;
                let p50 = there.p50?.value;
                (Fixed { blocking_s: rest(p50, engine, cores), ..Fixed::default() }, p50, there)
            }
            Flow::Queued => {
                let there = clip.alone_s.queued_downloadable?;
                let p50 = there.p50?.value;
                let accept_s = rest(answer, accept, cores);
                let worker_s = rest(p50 - accept_s, accept + engine, cores);
                (Fixed { accept_s, worker_s, ..Fixed::default() }, p50, there)
            }
        };
        // The whole time varies by that factor: its working part by more.
        let sigma = sigma(&spread, p50) * p50 / (engine / cores);
        Some(Video {
            name: clip.name.clone(),
            weight: 1.0,
            bytes: clip.bytes,
            mp3_bytes: clip.mp3_bytes.unwrap_or(clip.audio_s * MP3_BITS_PER_S / 8.0),
            engine: Work { mean_core_s: engine, spread: Spread::LogNormal { sigma: sigma.clamp(0.0, SIGMA_MAX) } },
            accept_core_s: if flow == Flow::Queued { accept } else { 0.0 },
            fixed,
        })
    }
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

/// Of at least one value.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = float(values.len());
    values.sum::<f64>() / count
}
