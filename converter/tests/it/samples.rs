//! The clips of `samples/`, which an ordinary ffmpeg cannot make; see the README there.

use std::{f64::consts::TAU, path::Path};

use converter::{
    control::{Completeness, Decoder},
    options::Options,
};

use crate::engine_rig::{RATE, SAMPLES, SECONDS, convert, decode, job};

/// Most that may be added: what an ADTS file cannot tell of its encoder's delay and padding.
const OFF_MS_MAX: u64 = 250;

/// See [`upper_level`].
const UPPER_LEVEL_MIN: f64 = 0.005;

pub(crate) fn sample(file: &str) -> Vec<u8> {
    // Tests run in their package's folder.
    std::fs::read(Path::new("tests/it/samples").join(file)).expect("a sample")
}

/// Amplitude of one frequency in one channel of [`decode`]'s samples, over the second in the middle.
fn tone(stereo: &[f32], channel: usize, hertz: u32, rate: u32) -> f64 {
    let skipped = stereo.len() / 4;
    let (mut sine, mut cosine) = (0.0, 0.0);
    for (at, &sample) in (0..rate).zip(stereo.iter().skip(channel).step_by(2).skip(skipped - rate as usize / 2)) {
        let (s, c) = (TAU * f64::from(hertz) * f64::from(at) / f64::from(rate)).sin_cos();
        sine += f64::from(sample) * s;
        cosine += f64::from(sample) * c;
    }
    2.0 * f64::hypot(sine, cosine) / f64::from(rate)
}

fn assert_length(file: &str, duration_ms: u64) {
    let off_ms = duration_ms.abs_diff(u64::from(SECONDS) * 1000);
    assert!(off_ms <= OFF_MS_MAX, "{file}: {duration_ms} ms");
}

#[tokio::test]
async fn he_aac_keeps_both_channels_and_its_upper_half() {
    for version in ["he-aac-v1", "he-aac-v2"] {
        for (kind, source, completeness) in [
            (".aac", "adts/aac", Completeness::Unknown),
            ("-implicit.m4a", "mp4/aac", Completeness::Complete),
            ("-compatible.m4a", "mp4/aac", Completeness::Complete),
            ("-hierarchical.m4a", "mp4/aac", Completeness::Complete),
        ] {
            let file = format!("{version}{kind}");
            let (report, mp3) = convert(&job(Options::default()), &sample(&file)).await.converted();
            assert_eq!((&*report.source, report.completeness), (source, completeness), "{file}");
            assert_eq!((report.decoder, report.sample_rate, report.channels), (Decoder::Ffmpeg, RATE, 2), "{file}");
            assert_length(&file, report.duration_ms);
            let decoded = decode("a.mp3", &mp3);
            if completeness == Completeness::Complete {
                // The tones begin at once: what stands before them is the encoders' delay.
                let first_loud = decoded.iter().position(|sample| sample.abs() > 0.02).expect("a tone") / 2;
                assert!(report.samples == SAMPLES && first_loud < 64, "{file}: {}, {first_loud}", report.samples);
            }
            assert_eq!(decoded.len() as u64 / 2, report.samples, "{file}");
            for (channel, own, others, amplitude) in [(0, 440, 660, 0.3), (1, 660, 440, 0.2)] {
                let [own, others] = [own, others].map(|hertz| tone(&decoded, channel, hertz, RATE));
                assert!((own / amplitude - 1.0).abs() < 0.05 && others < 0.01, "{file}: {own} and {others}");
                let upper = upper_level(&decoded, channel);
                assert!(upper > UPPER_LEVEL_MIN, "{file}: {upper}");
            }
        }
    }
}

/// Root mean square of the second difference over the third in the middle: 0.0003 for the low tones alone, 0.01 or
/// more with what a decoder puts near 12 kHz. It replicates energy, not the exact frequency.
fn upper_level(stereo: &[f32], channel: usize) -> f64 {
    let samples: Vec<f64> = stereo.iter().skip(channel).step_by(2).map(|&sample| f64::from(sample)).collect();
    let middle = &samples[samples.len() / 3..samples.len() * 2 / 3];
    let squares = middle.windows(3).map(|w| ((w[0] - 2.0 * w[1] + w[2]) / 4.0).powi(2)).sum::<f64>();
    (squares / f64::from(u32::try_from(middle.len()).expect("a short clip"))).sqrt()
}

#[tokio::test]
async fn amr_is_converted() {
    for (file, source, rate) in [("amr-nb.3gp", "mp4/amr_nb", 8_000), ("amr-wb.3gp", "mp4/amr_wb", 16_000)] {
        let (report, mp3) = convert(&job(Options::default()), &sample(file)).await.converted();
        assert_eq!((&*report.source, report.sample_rate, report.channels), (source, rate, 1), "{file}");
        assert_eq!((report.decoder, report.completeness), (Decoder::Ffmpeg, Completeness::Complete), "{file}");
        assert_length(file, report.duration_ms);
        let [now, before] = [decode("a.mp3", &mp3), decode(file, &sample(file))].map(|pcm| tone(&pcm, 0, 440, rate));
        assert!((now / before - 1.0).abs() < 0.05 && before > 0.1, "{file}: {now} instead of {before}");
    }
}
