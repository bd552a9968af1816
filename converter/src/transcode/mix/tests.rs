use proptest::prelude::*;

use super::*;

/// One sample of each channel.
fn planes(samples: &[f32]) -> Vec<Vec<f32>> {
    samples.iter().map(|&sample| vec![sample]).collect()
}

fn mixed(positions: &[Position], channels: u8, samples: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut out = Block::default();
    Mixer::new(positions, channels).mix(&planes(samples), &mut out);
    (out.left, out.right)
}

fn assert_near(got: &[f32], wanted: f32) {
    assert!(matches!(got, [sample] if (sample - wanted).abs() < 1e-6), "{got:?} instead of {wanted}");
}

#[test]
fn stereo_and_mono_pass_as_they_are() {
    assert_eq!(mixed(&Position::of_count(2), 2, &[0.25, -0.5]), (vec![0.25], vec![-0.5]));
    assert_eq!(mixed(&Position::of_count(1), 1, &[0.25]), (vec![0.25], vec![]));
    // Only two channels, wherever they are, are as loud as left and right.
    assert_eq!(mixed(&[Position::SideLeft, Position::SideRight], 2, &[0.25, -0.5]), (vec![0.25], vec![-0.5]));
}

#[test]
fn mono_goes_to_both_sides_and_stereo_to_its_mean() {
    assert_eq!(mixed(&Position::of_count(1), 2, &[0.25]), (vec![0.25], vec![0.25]));
    assert_eq!(mixed(&Position::of_count(2), 1, &[0.25, -0.5]), (vec![-0.125], vec![]));
    assert_eq!(mixed(&[Position::LowFrequency], 2, &[0.25]), (vec![0.25], vec![0.25]));
}

#[test]
fn surround_is_mixed_by_bs_775_and_cannot_clip() {
    let scale = 1.0 / (1.0 + 2.0 * FRAC_1_SQRT_2);
    for (mask, back) in [(0x3F, 4), (0x60F, 4)] {
        let positions = Position::of_mask(mask, 6);
        let of = |channel: usize, side: usize| {
            let mut samples = [0.0; 6];
            samples[channel] = 1.0;
            let (left, right) = mixed(&positions, 2, &samples);
            [left[0], right[0]][side]
        };
        assert_near(&[of(0, 0)], scale);
        assert_near(&[of(0, 1)], 0.0);
        assert_near(&[of(2, 0)], scale * FRAC_1_SQRT_2);
        assert_near(&[of(2, 1)], scale * FRAC_1_SQRT_2);
        assert_near(&[of(3, 0)], 0.0); // low frequencies
        assert_near(&[of(back, 0)], scale * FRAC_1_SQRT_2);
        assert_near(&[of(back + 1, 0)], 0.0);
        assert_near(&[of(back + 1, 1)], scale * FRAC_1_SQRT_2);
        let (mono, none) = mixed(&positions, 1, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_near(&mono, scale / 2.0);
        assert!(none.is_empty());
    }
}

#[test]
fn a_back_center_is_shared() {
    let positions = [Position::FrontLeft, Position::FrontRight, Position::BackCenter];
    let (left, right) = mixed(&positions, 2, &[0.0, 0.0, 0.9]);
    assert_near(&left, 0.9 * 0.5 / 1.5);
    assert_near(&right, 0.9 * 0.5 / 1.5);
}

#[test]
fn channels_that_nobody_labels_count_alike() {
    let (left, right) = mixed(&Position::of_count(10), 2, &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]);
    assert_near(&left, 0.55);
    assert_near(&right, 0.55);
}

#[test]
fn what_is_no_sample_is_cleaned_before_it_is_mixed() {
    let wild = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2.0, 0.5];
    for (channels, target) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
        let mut out = Block::default();
        Mixer::new(&Position::of_count(channels), target).mix(&vec![wild.clone(); channels], &mut out);
        assert_eq!(out.left, [0.0, 0.0, 0.0, 2.0, 0.5], "{channels} to {target}");
    }
    assert_eq!(mixed(&Position::of_count(4), 2, &[f32::NAN; 4]), (vec![0.0], vec![0.0]));
}

#[test]
fn planes_that_do_not_fit_are_no_crash() {
    let mixer = Mixer::new(&Position::of_count(6), 2);
    let mut out = Block::default();
    mixer.mix(&[], &mut out);
    assert!(out.left.is_empty());
    mixer.mix(&[vec![0.5; 3], vec![0.5; 2]], &mut out);
    mixer.mix(&vec![vec![0.5; 2]; 9], &mut out);
    assert_eq!((out.left.len(), out.right.len()), (4, 4));
    Mixer::new(&[], 2).mix(&[vec![0.5]], &mut out);
    Mixer::new(&Position::of_count(2), 2).mix(&[vec![0.5]], &mut out);
    assert_eq!(out.left.len(), out.right.len());
}

proptest! {
    #[test]
    fn no_mix_is_louder_than_full_scale(
        mask in 0u32..1 << 18,
        channels in 1u8..=2,
        samples in prop::collection::vec(-1.0_f32..=1.0, 18),
    ) {
        let positions = Position::of_mask(mask, mask.count_ones() as usize);
        let (left, right) = mixed(&positions, channels, &samples[..positions.len()]);
        prop_assert!(left.iter().chain(&right).all(|sample| sample.abs() <= 1.0 + 1e-5));
        prop_assert_eq!(right.len(), if channels == 2 { left.len() } else { 0 });
    }

    #[test]
    fn whatever_comes_a_mix_is_numbers(
        mask in 0u32..1 << 18,
        channels in 1u8..=2,
        samples in prop::collection::vec(any::<f32>(), 18),
    ) {
        let positions = Position::of_mask(mask, mask.count_ones() as usize);
        let (left, right) = mixed(&positions, channels, &samples[..positions.len()]);
        prop_assert!(left.iter().chain(&right).all(|sample| sample.abs() <= LOUDEST * (1.0 + 1e-5)));
    }

    #[test]
    fn the_loudest_source_uses_the_whole_scale(mask in 1u32..1 << 18) {
        let positions = Position::of_mask(mask, mask.count_ones() as usize);
        let (left, right) = mixed(&positions, 2, &vec![1.0; positions.len()]);
        prop_assert!((left[0].max(right[0]) - 1.0).abs() < 1e-5);
    }
}
