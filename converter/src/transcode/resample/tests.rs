use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a test's few samples")]
fn sine(rate: u32, hertz: f64, samples: usize) -> Vec<f32> {
    (0..samples).map(|n| (0.5 * (TAU * hertz * n as f64 / f64::from(rate)).sin()) as f32).collect()
}

/// Resamples one channel that comes in pieces of these lengths, again and again.
fn resampled(from: u32, to: u32, samples: &[f32], pieces: &[usize]) -> Vec<f32> {
    let mut resampler = Resampler::new(from, to, 1).expect("rates with a ratio");
    let mut out = Block::default();
    let (mut rest, mut lengths) = (samples, pieces.iter().cycle());
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at((*lengths.next().expect("a length")).min(rest.len()));
        resampler.push(&Block { left: piece.to_vec(), right: Vec::new() }, &mut out).expect("resampled");
        rest = tail;
    }
    resampler.finish(&mut out).expect("resampled");
    assert!(out.right.is_empty());
    out.left
}

/// Level of `samples` in dB against the sine of half the scale.
#[expect(clippy::cast_precision_loss, reason = "a test's few samples")]
fn level(samples: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = samples.len() as f64;
    10.0 * (samples.map(|sample| sample * sample).sum::<f64>() / count / 0.125).log10()
}

/// The ends are left out: there the sine begins and ends at once.
fn inner(samples: &[f32]) -> std::ops::Range<usize> {
    samples.len() / 4..samples.len() * 3 / 4
}

#[test]
fn rates_go_to_the_nearest_that_keeps_what_is_heard() {
    for (rate, target) in [
        (44_100, 44_100),
        (8_000, 8_000),
        (96_000, 48_000),
        (192_000, 48_000),
        (384_000, 48_000),
        (88_200, 44_100),
        (176_400, 44_100),
        (352_800, 44_100),
        (64_000, 48_000),
        (50_000, 48_000),
        (37_800, 44_100),
        (18_900, 22_050),
        (11_024, 11_025),
        (7_350, 8_000),
        (1, 8_000),
        (u32::MAX, 48_000),
    ] {
        assert_eq!(target_rate(rate), target, "{rate}");
    }
}

#[test]
fn a_sine_keeps_its_level_frequency_and_phase() {
    for from in [96_000, 88_200, 192_000, 64_000, 37_800, 22_254, 7_350] {
        let to = target_rate(from);
        for hertz in [100.0, 997.0, 0.45 * f64::from(from.min(to))] {
            let out = resampled(from, to, &sine(from, hertz, 40_000), &[4096]);
            let ideal = sine(to, hertz, out.len());
            let inner = inner(&out);
            let error = out[inner.clone()].iter().zip(&ideal[inner]).map(|(&got, &wanted)| f64::from(got - wanted));
            let error = level(error.collect::<Vec<_>>().into_iter());
            assert!(error < -80.0, "{from} to {to} Hz, {hertz} Hz: an error of {error:.1} dB");
        }
    }
}

#[test]
fn what_the_new_rate_cannot_carry_is_gone() {
    for (from, hertz) in
        [(96_000, 24_300.0), (96_000, 30_000.0), (96_000, 47_000.0), (192_000, 70_000.0), (88_200, 22_400.0)]
    {
        let out = resampled(from, target_rate(from), &sine(from, hertz, 40_000), &[4096]);
        let left = level(out[inner(&out)].iter().map(|&sample| f64::from(sample)));
        assert!(left < -80.0, "{hertz} Hz of {from} is heard at {left:.1} dB");
    }
}

#[test]
fn both_channels_are_resampled_alike() {
    let (left, right) = (sine(96_000, 440.0, 5_000), sine(96_000, 1_000.0, 5_000));
    let mut resampler = Resampler::new(96_000, 48_000, 2).expect("rates with a ratio");
    let mut out = Block::default();
    resampler.push(&Block { left: left.clone(), right: right.clone() }, &mut out).expect("resampled");
    resampler.finish(&mut out).expect("resampled");
    assert_eq!(out.left, resampled(96_000, 48_000, &left, &[5_000]));
    assert_eq!(out.right, resampled(96_000, 48_000, &right, &[5_000]));
}

#[test]
fn a_rate_without_a_usable_ratio_is_refused() {
    for from in [0, 400_009, u32::MAX] {
        let refusal = Resampler::new(from, target_rate(from), 2).expect_err("no such transform");
        assert_eq!(refusal.kind, RefusalKind::UnsupportedCodec, "{from}");
    }
}

#[test]
fn nothing_gives_nothing_and_a_sample_its_share() {
    assert!(resampled(96_000, 48_000, &[], &[1]).is_empty());
    assert_eq!(resampled(96_000, 48_000, &[0.5], &[1]).len(), 1);
    assert_eq!(resampled(192_000, 48_000, &[0.5], &[1]).len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_samples_are_exact_and_do_not_depend_on_the_pieces(
        from in prop::sample::select(vec![96_000u32, 88_200, 176_400, 64_000, 37_800, 7_350, 44_099]),
        samples in 0usize..9_000,
        pieces in prop::collection::vec(1usize..5_000, 1..8),
    ) {
        let to = target_rate(from);
        let source = sine(from, 440.0, samples);
        let out = resampled(from, to, &source, &pieces);
        #[expect(clippy::cast_precision_loss, reason = "a test's few samples")]
        let wanted = samples as f64 * f64::from(to) / f64::from(from);
        #[expect(clippy::cast_precision_loss, reason = "a test's few samples")]
        let got = out.len() as f64;
        prop_assert!((got - wanted).abs() <= 0.5, "{} of {}", got, wanted);
        prop_assert_eq!(out, resampled(from, to, &source, &[usize::MAX]));
    }
}
