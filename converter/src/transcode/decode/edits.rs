//! What the edit list of an mp4 leaves of the audio, in samples.

use crate::transcode::mp4::Movie;

/// Samples of the audio track after its edits, as an mp4 declares them; `None` where it does not.
pub(super) fn declared_samples(movie: &Movie, rate: u32) -> Option<u64> {
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
pub(super) fn edited_samples(movie: &Movie, declared: Option<u64>) -> Option<u64> {
    let is_edited = movie.track.as_ref().is_some_and(|track| track.edits.duration > 0);
    declared.filter(|_| is_edited && !movie.is_fragmented)
}

/// Samples of the track that its edits leave out behind their end.
pub(super) fn surplus_samples(movie: &Movie, rate: u32) -> u64 {
    let Some(track) = movie.track.as_ref().filter(|track| track.media_duration > 0) else { return 0 };
    let media = track.media_duration.saturating_sub(track.edits.media_time);
    let media = scaled(media, rate, track.media_timescale).unwrap_or(0);
    edited_samples(movie, declared_samples(movie, rate)).map_or(0, |edited| media.saturating_sub(edited))
}

/// Samples before the start of the edits, where ffmpeg is told not to follow them; otherwise 0.
pub(super) fn start_samples(movie: &Movie, rate: u32) -> u64 {
    let timescale = movie.track.as_ref().map_or(0, |track| track.media_timescale);
    movie.plain_start().and_then(|start| scaled(start, rate, timescale)).unwrap_or(0)
}

/// Drops as many samples as are to be skipped, as far as these go.
pub(super) fn drop_front(planes: &mut [Vec<f32>], skip: &mut u64) {
    let samples = planes.iter().map(Vec::len).min().unwrap_or(0);
    let dropped = usize::try_from(*skip).unwrap_or(usize::MAX).min(samples);
    if dropped > 0 {
        for plane in planes {
            plane.drain(..dropped);
        }
        *skip -= dropped as u64;
    }
}

/// A duration in units of 1/`timescale` s as samples; `None` without a timescale.
pub(super) fn scaled(duration: u64, rate: u32, timescale: u32) -> Option<u64> {
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

    #[test]
    fn what_is_to_be_skipped_is_dropped_across_pieces() {
        let mut skip = 5;
        for (samples, left) in [(3, 0), (0, 0), (4, 2), (6, 6)] {
            let mut planes = vec![vec![0.5; samples]; 2];
            drop_front(&mut planes, &mut skip);
            assert_eq!((planes[0].len(), planes[1].len()), (left, left));
        }
        assert_eq!(skip, 0);
    }
}
