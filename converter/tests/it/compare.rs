//! Whether two decodings are the same sound: their waveforms lie upon each other, and no part of the spectrum is lost.
//!
//! Both are interleaved stereo of one rate, as [`crate::engine_rig::decode`] gives it.

use std::f64::consts::TAU;

/// Least ratio of a channel to its difference. An mp3 of V2 has 20 dB and more; a channel map that is wrong, a missing
/// half of the spectrum or a shift by two samples has less than 10.
const SNR_DB_MIN: f64 = 15.0;
/// Most that a band may be louder or quieter.
const BAND_DB_MAX: f64 = 1.5;
/// Bands that are this far below the loudest one are not compared: there is nothing but what encoders add.
const SILENT_DB: f64 = 40.0;
/// Bands from [`LOWEST_HZ`] to [`HIGHEST_HZ`], or to what LAME keeps of the rate, equally spaced on a logarithmic scale.
const BANDS: u32 = 24;
const LOWEST_HZ: f64 = 120.0;
const HIGHEST_HZ: f64 = 14_000.0;
/// Part of the rate up to which V2 keeps everything, at any rate that MPEG audio has.
const KEPT: f64 = 0.36;
/// Samples that are transformed at a time.
const WINDOW: usize = 2048;
/// Farthest shift that is looked for, in samples.
const SHIFT_MAX: usize = 3000;

/// Tells what differs; `None` where both are the same sound from the first sample on, as far as both go.
pub(crate) fn difference(now: &[f32], before: &[f32], rate: u32) -> Option<String> {
    [0, 1].into_iter().find_map(|side| {
        let both = now.len().min(before.len());
        let [now, before] = [now, before].map(|pcm| channel(&pcm[..both], side));
        let snr = snr_db(&now, &before);
        if snr < SNR_DB_MIN {
            return Some(format!("channel {side}: {snr:.1} dB, late by {} samples", late_by(&now, &before)));
        }
        band_difference(&now, &before, rate).map(|bands| format!("channel {side}: {bands}"))
    })
}

pub(crate) fn assert_same_sound(what: &str, now: &[f32], before: &[f32], rate: u32) {
    if let Some(difference) = difference(now, before, rate) {
        panic!("{what}: {difference}");
    }
}

/// One channel of interleaved stereo.
pub(crate) fn channel(stereo: &[f32], side: usize) -> Vec<f32> {
    stereo.iter().skip(side).step_by(2).copied().collect()
}

/// The ratio of `before` to what `now` differs from it, over the samples that both have.
pub(crate) fn snr_db(now: &[f32], before: &[f32]) -> f64 {
    let (mut signal, mut noise) = (0.0, f64::MIN_POSITIVE);
    for (&now, &before) in now.iter().zip(before) {
        signal += f64::from(before).powi(2);
        noise += f64::from(now - before).powi(2);
    }
    10.0 * (signal / noise).log10()
}

/// By how many samples `now` comes later than `before`, by the largest correlation of a piece in the middle.
pub(crate) fn late_by(now: &[f32], before: &[f32]) -> isize {
    let middle = before.len().min(now.len()) / 2;
    let piece = &before[middle..(middle + 2 * WINDOW).min(before.len())];
    let shifts = middle.saturating_sub(SHIFT_MAX)..=middle + SHIFT_MAX;
    let correlation = |start: usize| -> f32 { piece.iter().zip(now.iter().skip(start)).map(|(a, b)| a * b).sum() };
    let best = shifts.max_by(|&a, &b| correlation(a).total_cmp(&correlation(b))).unwrap_or(middle);
    best.cast_signed() - middle.cast_signed()
}

/// Amplitude of one frequency, over all windows of the samples.
pub(crate) fn amplitude(samples: &[f32], hertz: f64, rate: u32) -> f64 {
    let probe = probe(hertz, rate);
    let windows = samples.chunks_exact(WINDOW);
    let count = u32::try_from(windows.len().max(1)).expect("a short clip");
    let power = |window: &[f32]| {
        let mut sums = [0.0; 2];
        for (&sample, probe) in window.iter().zip(&probe) {
            sums[0] += f64::from(sample) * probe[0];
            sums[1] += f64::from(sample) * probe[1];
        }
        sums[0].powi(2) + sums[1].powi(2)
    };
    (windows.map(power).sum::<f64>() / f64::from(count)).sqrt()
}

/// A sine and a cosine in a window of Hann's shape, scaled to find an amplitude of 1 as 1.
fn probe(hertz: f64, rate: u32) -> [[f64; 2]; WINDOW] {
    let length = f64::from(u32::try_from(WINDOW).expect("a short window"));
    let mut at = 0.0;
    [(); WINDOW].map(|()| {
        let shape = (0.5 * TAU * at / length).sin().powi(2) * 4.0 / length;
        let (sine, cosine) = (TAU * hertz * at / f64::from(rate)).sin_cos();
        at += 1.0;
        [shape * sine, shape * cosine]
    })
}

fn band_difference(now: &[f32], before: &[f32], rate: u32) -> Option<String> {
    let highest = HIGHEST_HZ.min(KEPT * f64::from(rate));
    let bands = (0..BANDS).map(|n| LOWEST_HZ * (highest / LOWEST_HZ).powf(f64::from(n) / f64::from(BANDS - 1)));
    let levels: Vec<_> =
        bands.map(|hertz| (hertz, amplitude(now, hertz, rate), amplitude(before, hertz, rate))).collect();
    let loudest = levels.iter().map(|&(_, _, before)| before).fold(0.0, f64::max);
    let floor = loudest * 10_f64.powf(-SILENT_DB / 20.0);
    levels.into_iter().filter(|&(_, _, before)| before > floor).find_map(|(hertz, now, before)| {
        let db = 20.0 * (now / before).log10();
        (db.abs() > BAND_DB_MAX).then(|| format!("{db:+.1} dB at {hertz:.0} Hz"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine_rig::{RATE, decode, sound};
    use crate::signal::SIGNAL;

    fn signal() -> Vec<f32> {
        decode("a.wav", &sound("a.wav", SIGNAL, &["-c:a", "pcm_f32le"]))
    }

    fn with(samples: &[f32], change: impl Fn(f32, f32) -> [f32; 2]) -> Vec<f32> {
        samples.as_chunks::<2>().0.iter().flat_map(|&[left, right]| change(left, right)).collect()
    }

    #[test]
    fn a_sound_is_the_same_as_itself_and_as_a_good_mp3() {
        let before = signal();
        assert_eq!(difference(&before, &before, RATE), None);
        let mp3 = sound("a.mp3", SIGNAL, &["-c:a", "libmp3lame", "-q:a", "2"]);
        assert_eq!(difference(&decode("a.mp3", &mp3), &before, RATE), None);
    }

    #[test]
    fn what_was_changed_is_not_the_same() {
        let before = signal();
        let filtered =
            |filter: &str| decode("a.wav", &sound("a.wav", &format!("{SIGNAL},{filter}"), &["-c:a", "pcm_f32le"]));
        for (what, now) in [
            ("swapped", with(&before, |left, right| [right, left])),
            ("mixed", with(&before, |left, right| [left.midpoint(right); 2])),
            ("one channel twice", with(&before, |left, _| [left; 2])),
            ("a silent channel", with(&before, |left, _| [left, 0.0])),
            ("upside down on one side", with(&before, |left, right| [left, -right])),
            ("2 dB louder", with(&before, |left, right| [1.26 * left, 1.26 * right])),
            ("two samples late", [&[0.0; 4], &before[..]].concat()),
            ("two samples early", before[4..].to_vec()),
            ("a packet late", [&[0.0; 2048], &before[..]].concat()),
            ("half the rate", filtered("aresample=22050,aresample=44100")),
            ("twice as fast", filtered("asetrate=88200,aresample=44100")),
            ("without its upper half", filtered("lowpass=f=11000:p=2,lowpass=f=11000:p=2")),
        ] {
            assert!(difference(&now, &before, RATE).is_some(), "{what}");
        }
    }

    #[test]
    fn a_shift_is_found_to_the_sample() {
        let before = channel(&signal(), 0);
        assert_eq!(late_by(&before, &before), 0);
        assert_eq!(late_by(&[&[0.0; 1105], &before[..]].concat(), &before), 1105);
        assert_eq!(late_by(&before[529..], &before), -529);
    }

    #[test]
    #[expect(clippy::cast_possible_truncation, reason = "a test's samples")]
    fn an_amplitude_is_that_of_the_tone() {
        let tone = |n: u32| (0.25 * (TAU * 1000.0 * f64::from(n) / f64::from(RATE)).sin()) as f32;
        let samples: Vec<f32> = (0..RATE).map(tone).collect();
        assert!((amplitude(&samples, 1000.0, RATE) - 0.25).abs() < 0.001);
        assert!(amplitude(&samples, 1200.0, RATE) < 0.0001);
    }
}
