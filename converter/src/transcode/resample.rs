//! Sample rates that MPEG audio does not have become ones that it has.

use rubato::{Fft, FixedSync, Resampler as _, audioadapter_buffers::direct::SequentialSliceOfVecs};

use super::{decode::RATES, mix::clean, pcm::Block};
use crate::control::{Refusal, RefusalKind};

/// Samples of the slower side that are transformed at a time, at least. The filter is as long, so its transition takes
/// the upper 1.3 % of the band; twice as long would be slower, half as long would reach into the audible at 44.1 kHz.
const TRANSFORM_SAMPLES: u64 = 1024;
/// Longest transform, in samples: rates without a common divisor need one of a second. It takes some 20 MB.
const TRANSFORM_SAMPLES_MAX: u64 = 400_000;

/// The rate in Hz that a source of `rate` Hz is encoded with: its own where MPEG audio has it, else one that keeps all
/// that can be heard, and of those the one that is reached by the simplest ratio.
pub(super) fn target_rate(rate: u32) -> u32 {
    let [.., cd, highest] = RATES;
    match RATES.into_iter().find(|&known| known >= rate) {
        Some(known) => known,
        None if rate.is_multiple_of(cd) => cd,
        None => highest,
    }
}

/// Changes the sample rate of audio that comes in pieces; what comes out does not depend on how it is cut.
pub(super) struct Resampler {
    fft: Fft<f32>,
    from: u64,
    to: u64,
    /// Samples that came.
    taken: u64,
    /// Samples that were passed on.
    made: u64,
    /// Samples of the filter's delay that are still to be dropped.
    delay: usize,
    /// Samples for the next transform, a plane for each channel.
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
}

impl std::fmt::Debug for Resampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resampler").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}

impl Resampler {
    /// From `from` to `to` Hz, for 1 or 2 channels. Rates that have no ratio which can be done are refused.
    pub(super) fn new(from: u32, to: u32, channels: u8) -> Result<Self, Refusal> {
        let (input, output) = transform(from.into(), to.into()).ok_or_else(|| {
            Refusal::new(RefusalKind::UnsupportedCodec, format!("a sample rate of {from} Hz is not supported"))
        })?;
        let channels = usize::from(channels);
        let fft = Fft::new(from as usize, to as usize, input, channels, FixedSync::Both)
            .map_err(|cause| defect(&cause.to_string()))?;
        let plane = |samples: usize| vec![Vec::with_capacity(samples); channels];
        let delay = fft.output_delay();
        Ok(Self {
            fft,
            from: from.into(),
            to: to.into(),
            taken: 0,
            made: 0,
            delay,
            input: plane(input),
            output: vec![vec![0.0; output]; channels],
        })
    }

    /// Takes samples and appends to `out` what they give.
    pub(super) fn push(&mut self, block: &Block, out: &mut Block) -> Result<(), Refusal> {
        self.taken += block.left.len() as u64;
        let (mut left, mut right) = (&block.left[..], &block.right[..]);
        while !left.is_empty() {
            let wanted = (self.fft.input_frames_next() - self.input[0].len()).min(left.len());
            fill(&mut self.input, [&mut left, &mut right], wanted);
            if self.input[0].len() == self.fft.input_frames_next() {
                self.transform(u64::MAX, out)?;
            }
        }
        Ok(())
    }

    /// Appends the rest: all in all as many samples as the same time has at the new rate, rounded.
    pub(super) fn finish(mut self, out: &mut Block) -> Result<(), Refusal> {
        let samples = u128::from(self.taken) * u128::from(self.to);
        let from = u128::from(self.from);
        let total = u64::try_from((samples + from / 2) / from).unwrap_or(u64::MAX);
        while self.made < total {
            for plane in &mut self.input {
                plane.resize(self.fft.input_frames_next(), 0.0);
            }
            self.transform(total - self.made, out)?;
        }
        Ok(())
    }

    /// Transforms the input, which is full, and passes on at most `samples_max` samples.
    fn transform(&mut self, samples_max: u64, out: &mut Block) -> Result<(), Refusal> {
        let channels = self.input.len();
        let (samples_in, samples_out) = (self.fft.input_frames_next(), self.fft.output_frames_next());
        let input = SequentialSliceOfVecs::new(&self.input[..], channels, samples_in);
        let output = SequentialSliceOfVecs::new_mut(&mut self.output[..], channels, samples_out);
        let (Ok(input), Ok(mut output)) = (input, output) else { return Err(defect("a buffer is too short")) };
        self.fft.process_into_buffer(&input, &mut output, None).map_err(|cause| defect(&cause.to_string()))?;
        let first = self.delay.min(samples_out);
        let count = usize::try_from(samples_max).unwrap_or(usize::MAX).min(samples_out - first);
        for (plane, out) in self.output.iter().zip([&mut out.left, &mut out.right]) {
            out.extend(plane[first..first + count].iter().copied().map(clean));
        }
        self.delay -= first;
        self.made += count as u64;
        self.input.iter_mut().for_each(Vec::clear);
        Ok(())
    }
}

/// Moves `wanted` samples of each channel to its plane.
fn fill(planes: &mut [Vec<f32>], channels: [&mut &[f32]; 2], wanted: usize) {
    for (plane, samples) in planes.iter_mut().zip(channels) {
        let (head, tail) = samples.split_at(wanted.min(samples.len()));
        plane.extend_from_slice(head);
        plane.resize(plane.len() + wanted - head.len(), 0.0);
        *samples = tail;
    }
}

/// The lengths of one transform on both sides, in samples; `None` where it would be too long.
fn transform(from: u64, to: u64) -> Option<(usize, usize)> {
    let divisor = gcd(from, to);
    let (input, output) = (from.checked_div(divisor)?, to.checked_div(divisor)?);
    // An even length has a whole number of samples as its delay.
    let times = TRANSFORM_SAMPLES.div_ceil(input.min(output).max(1)).next_multiple_of(2);
    let is_possible = input.min(output) > 0 && input.max(output) * times <= TRANSFORM_SAMPLES_MAX;
    is_possible.then(|| Some((usize::try_from(input * times).ok()?, usize::try_from(output * times).ok()?)))?
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn defect(cause: &str) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("the audio could not be resampled: {cause}"))
}

#[cfg(test)]
mod tests;
