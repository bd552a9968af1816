//! Chained streams: what follows the first may have another sample rate and other channels, and becomes like the first.

use symphonia::core::{
    audio::AudioSpec,
    codecs::{CodecParameters, audio::AudioDecoderOptions},
    errors::Error,
};

use super::{Native, demux};
use crate::{
    control::Refusal,
    transcode::{
        mix::{Mixer, Position},
        pcm::Block,
        resample::Resampler,
    },
};

/// Makes the samples of a stream like those of the first.
#[derive(Debug)]
pub(super) struct Adapter {
    /// Hz.
    rate: u32,
    channels: usize,
    mixer: Mixer,
    /// Absent where the rate is the same.
    resampler: Option<Resampler>,
    mixed: Block,
}

impl Adapter {
    /// For a first stream of `rate` Hz and one or two `channels`.
    fn new(spec: &AudioSpec, rate: u32, channels: usize) -> Result<Self, Error> {
        let (from, positions) = (spec.rate(), Position::of_channels(spec.channels()));
        let channels_due = u8::try_from(channels).ok().filter(|channels| matches!(channels, 1 | 2));
        let channels_due = channels_due.ok_or(Error::Unsupported("the number of channels changes"))?;
        let resampler = (from != rate).then(|| Resampler::new(from, rate, channels_due)).transpose();
        let resampler = resampler.map_err(|_| Error::Unsupported("the sample rate changes"))?;
        let mixer = Mixer::new(&positions, channels_due);
        Ok(Self { rate: from, channels: positions.len(), mixer, resampler, mixed: Block::default() })
    }

    /// What the stream has: Hz, and channels.
    fn source(&self) -> (u32, usize) {
        (self.rate, self.channels)
    }

    fn adapt(&mut self, planes: &mut Vec<Vec<f32>>) -> Result<(), Refusal> {
        self.mixed.clear();
        self.mixer.mix(planes, &mut self.mixed);
        planes.clear();
        let mut made = Block::default();
        match &mut self.resampler {
            Some(resampler) => resampler.push(&self.mixed, &mut made)?,
            None => std::mem::swap(&mut self.mixed, &mut made),
        }
        append(made, planes);
        Ok(())
    }

    /// Appends what the resampler still holds.
    fn finish(self, planes: &mut Vec<Vec<f32>>) -> Result<(), Refusal> {
        let mut rest = Block::default();
        if let Some(resampler) = self.resampler {
            resampler.finish(&mut rest)?;
        }
        append(rest, planes);
        Ok(())
    }
}

fn append(block: Block, planes: &mut Vec<Vec<f32>>) {
    let channels = if block.right.is_empty() { 1 } else { 2 };
    planes.resize_with(channels.max(planes.len()), Vec::new);
    for (plane, mut samples) in planes.iter_mut().zip([block.left, block.right]) {
        plane.append(&mut samples);
    }
}

impl Native {
    /// A chained stream begins, with tracks of other names, of which the same one is wanted as before.
    pub(super) fn renew(&mut self) -> Result<(), Error> {
        let tracks = demux::audio_tracks(&*self.format, &[]);
        let same = tracks.iter().find(|track| track.id == self.track).or_else(|| tracks.get(self.audio_index));
        let track = *same.ok_or(Error::Unsupported("the audio ends in the middle"))?;
        let parameters = track.codec_params.as_ref().and_then(CodecParameters::audio);
        let parameters = parameters.ok_or(Error::Unsupported("the audio changes to an unknown codec"))?;
        self.decoder =
            symphonia::default::get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default())?;
        self.track = track.id;
        self.ended.extend(self.adapter.take());
        self.is_renewed = true;
        Ok(())
    }

    /// Holds what was decoded against what was announced; only a chained stream may have changed it.
    pub(super) fn check_spec(&mut self, spec: &AudioSpec) -> Result<(), Error> {
        let first = (self.rate, self.positions.len());
        let found = (spec.rate(), spec.channels().count());
        if std::mem::take(&mut self.is_renewed) && found != first {
            self.adapter = Some(Adapter::new(spec, self.rate, self.positions.len())?);
        }
        let (rate, channels) = self.adapter.as_ref().map_or(first, Adapter::source);
        if found.0 != rate {
            return Err(Error::Unsupported("the sample rate changes"));
        }
        if channels > 0 && found.1 != channels {
            return Err(Error::Unsupported("the number of channels changes"));
        }
        Ok(())
    }

    /// Makes `planes` like the first stream's, behind the rest of streams that have ended; `has_ended` says that this one
    /// has, too.
    pub(super) fn adapt(&mut self, planes: &mut Vec<Vec<f32>>, has_ended: bool) -> Result<(), Refusal> {
        if let Some(adapter) = &mut self.adapter {
            adapter.adapt(planes)?;
        }
        if has_ended {
            self.ended.extend(self.adapter.take());
        }
        let mut rest = Vec::new();
        for ended in self.ended.drain(..) {
            ended.finish(&mut rest)?;
        }
        if !rest.is_empty() {
            for (plane, rest) in planes.iter_mut().zip(&mut rest) {
                rest.append(plane);
            }
            *planes = rest;
        }
        Ok(())
    }
}
