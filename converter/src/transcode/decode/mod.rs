//! Who decodes: symphonia what it can, ffmpeg the rest. Both end in the same encoder.

mod demux;
mod ffmpeg;
mod messages;
mod native;
mod wav;

use std::path::Path;

use self::{ffmpeg::Ffmpeg, native::Native};
use super::{
    input::Media,
    mp4::{Movie, Shared},
    pcm::Block,
};
use crate::{
    control::{Decoder, Refusal, RefusalKind},
    sniff::Container,
};

/// Sample rates that MPEG audio has, in Hz.
pub(super) const RATES: [u32; 9] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];

/// The audio of a video, decoded.
#[derive(Debug)]
pub(super) struct Audio {
    source: Source,
    /// Hz; one of [`RATES`].
    pub(super) rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
    /// Samples that the container declares, after edits.
    pub(super) declared: Option<u64>,
    /// Samples that are still to come, where edits end the track before its last packet does.
    left: Option<u64>,
}

#[derive(Debug)]
enum Source {
    Native(Box<Native>),
    Ffmpeg(Ffmpeg),
}

impl Audio {
    /// Opens the video for whoever decodes it.
    pub(super) fn open(media: &Media, container: Container, movie: &Shared, ffmpeg: &Path) -> Result<Self, Refusal> {
        if let Some(native) = Native::open(media, container, movie)? {
            if let Media::Stream(upload) = media {
                upload.settle();
            }
            let (rate, channels, declared) = (native.rate, native.channels, native.declared);
            let left = edited_samples(&movie.movie(), declared);
            return Ok(Self { source: Source::Native(Box::new(native)), rate, channels, declared, left });
        }
        if let Media::Stream(upload) = media
            && !upload.start_over()
        {
            return Err(Refusal::new(RefusalKind::Limits, "the audio begins too far into the video"));
        }
        let found = Ffmpeg::open(media, container, movie, ffmpeg)?;
        let declared = declared_samples(&movie.movie(), found.rate);
        let left = edited_samples(&movie.movie(), declared);
        Ok(Self { rate: found.rate, channels: found.channels, declared, left, source: Source::Ffmpeg(found) })
    }

    /// Decodes some more; false at the end of the audio.
    pub(super) fn next(&mut self, block: &mut Block) -> Result<bool, Refusal> {
        block.clear();
        if self.left == Some(0) {
            return Ok(false);
        }
        let goes_on = match &mut self.source {
            Source::Native(native) => native.next(block),
            Source::Ffmpeg(ffmpeg) => ffmpeg.next(block),
        }?;
        if let Some(left) = &mut self.left {
            let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
            block.left.truncate(wanted);
            block.right.truncate(wanted);
            *left -= block.left.len() as u64;
        }
        Ok(goes_on)
    }

    pub(super) fn decoded_by(&self) -> Decoder {
        match &self.source {
            Source::Native(_) => Decoder::Symphonia,
            Source::Ffmpeg(_) => Decoder::Ffmpeg,
        }
    }

    /// Ends the decoding, at the end of the audio or before. Answers the codec's name.
    pub(super) fn close(self) -> String {
        match self.source {
            Source::Native(native) => native.codec.to_owned(),
            Source::Ffmpeg(ffmpeg) => ffmpeg.close(),
        }
    }
}

/// Samples of the audio track after its edits, as an mp4 declares them; `None` where it does not.
fn declared_samples(movie: &Movie, rate: u32) -> Option<u64> {
    let track = movie.track.as_ref()?;
    let (edits, media) = (&track.edits, track.media_duration.saturating_sub(track.edits.media_time));
    if edits.is_odd {
        return None;
    }
    let of_media = scaled(media, rate, track.media_timescale).filter(|_| track.media_duration > 0);
    let of_edits = scaled(edits.duration, rate, movie.timescale).filter(|_| edits.duration > 0);
    match (of_edits, of_media) {
        _ if movie.is_fragmented => {
            scaled(movie.fragments_duration, rate, movie.timescale).filter(|&samples| samples > 0)
        }
        // The movie's clock is often coarse; within one of its ticks the track's own is right.
        (Some(of_edits), Some(of_media)) => {
            let tick = scaled(1, rate, movie.timescale).unwrap_or(0) + 1;
            Some(if of_edits.abs_diff(of_media) <= tick { of_media } else { of_edits })
        }
        (of_edits, of_media) => of_edits.or(of_media),
    }
}

/// The declared samples where an edit list ends the track there; encoders fill their last packet up.
fn edited_samples(movie: &Movie, declared: Option<u64>) -> Option<u64> {
    let is_edited = movie.track.as_ref().is_some_and(|track| track.edits.duration > 0);
    declared.filter(|_| is_edited && !movie.is_fragmented)
}

/// A duration in units of 1/`timescale` s as samples; `None` without a timescale.
fn scaled(duration: u64, rate: u32, timescale: u32) -> Option<u64> {
    let timescale = u128::from(timescale);
    let samples = u128::from(duration) * u128::from(rate);
    u64::try_from((samples + timescale / 2).checked_div(timescale)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcode::mp4::track::{Edits, Track};

    #[test]
    fn the_finer_clock_decides_within_a_tick() {
        let track = |duration| Track {
            media_timescale: 44_100,
            media_duration: 1024 + 132_300,
            edits: Edits { shown: 1, is_odd: false, media_time: 1024, duration },
            ..Track::default()
        };
        let movie = |duration| Movie { timescale: 1000, track: Some(track(duration)), ..Movie::default() };
        assert_eq!(declared_samples(&movie(3001), 44_100), Some(132_300));
        assert_eq!(declared_samples(&movie(2000), 44_100), Some(88_200));
        assert_eq!(declared_samples(&movie(0), 44_100), Some(132_300));
        assert_eq!(declared_samples(&Movie::default(), 44_100), None);
    }
}
