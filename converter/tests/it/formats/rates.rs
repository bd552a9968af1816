//! Sample rates: those of MPEG audio as they are, all others resampled.

use converter::options::{Options, Quality};

use super::MISREAD_RATE;
use crate::{
    compare::{amplitude, assert_same_sound, channel},
    engine_rig::{convert, decode, job, level, sound},
    signal::signal,
};

/// The nine rates that MPEG audio has, in Hz, and the samples of a frame at each.
const MPEG_RATES: [(u32, u64); 9] = [
    (8_000, 576),
    (11_025, 576),
    (12_000, 576),
    (16_000, 576),
    (22_050, 576),
    (24_000, 576),
    (32_000, 1152),
    (44_100, 1152),
    (48_000, 1152),
];
/// Most of a tone that may be left where there should be none.
const ALIAS_MAX: f64 = 0.0005;

#[tokio::test]
async fn rates_of_mpeg_audio_stay_as_they_are() {
    for (rate, frame_samples) in MPEG_RATES {
        let clip = sound("a.flac", &signal(rate), &["-c:a", "flac"]);
        let source = decode("a.flac", &clip);
        for quality in [Quality::Variable(0), Quality::Constant(160)] {
            for channels in [1, 2] {
                let what = format!("{rate} Hz, {channels} channels, {quality}");
                let options = Options { quality: Some(quality), channels: Some(channels), ..Options::default() };
                let (report, mp3) = convert(&job(options), &clip).await.converted();
                assert_eq!((report.sample_rate, report.channels), (rate, channels), "{what}");
                assert_eq!(report.samples, u64::from(3 * rate), "{what}");
                assert_eq!(report.frames, (report.samples + 576 + 529).div_ceil(frame_samples), "{what}");
                let decoded = decode("a.mp3", &mp3);
                assert_eq!(decoded.len() as u64 / 2, report.samples, "{what}");
                if channels == 2 && rate != MISREAD_RATE {
                    assert_same_sound(&what, &decoded, &source, rate);
                }
            }
        }
    }
}

#[tokio::test]
async fn another_rate_becomes_one_of_mpeg_audio_to_the_sample() {
    for (from, to) in [
        (4_000_u32, 8_000_u32),
        (9_600, 11_025),
        (18_900, 22_050),
        (28_000, 32_000),
        (37_800, 44_100),
        (64_000, 48_000),
        (88_200, 44_100),
        (96_000, 48_000),
        (176_400, 44_100),
        (192_000, 48_000),
    ] {
        // A length that makes no whole number of samples at the other rate.
        let samples = 2 * from + 7;
        let tone = format!("aevalsrc=0.3*sin(2*PI*1000*t)|0.2*sin(2*PI*700*t):s={from},atrim=end_sample={samples}");
        let clip = sound("a.wav", &tone, &["-c:a", "pcm_s24le"]);
        let best = Options { quality: Some(Quality::Variable(0)), ..Options::default() };
        let (report, mp3) = convert(&job(best), &clip).await.converted();
        let wanted = (u64::from(samples) * u64::from(to) + u64::from(from) / 2) / u64::from(from);
        assert_eq!((report.sample_rate, report.samples), (to, wanted), "{from} Hz");
        let decoded = decode("a.mp3", &mp3);
        assert_eq!(decoded.len() as u64 / 2, wanted, "{from} Hz");
        for (side, hertz, amplitude) in [(0, 1000.0, 0.3), (1, 700.0, 0.2)] {
            let now = crate::compare::amplitude(&channel(&decoded, side), hertz, to);
            assert!((now / amplitude - 1.0).abs() < 0.02, "{from} Hz, channel {side}: {now}");
        }
    }
}

#[tokio::test]
async fn what_no_mp3_can_hold_does_not_come_back_as_another_tone() {
    for (from, to, above) in [
        (64_000_u32, 48_000_u32, 31_000_u32),
        (88_200, 44_100, 39_100),
        (96_000, 48_000, 43_000),
        (176_400, 44_100, 39_100),
        (192_000, 48_000, 53_000),
    ] {
        let tones = format!("aevalsrc=0.2*sin(2*PI*1000*t)+0.4*sin(2*PI*{above}*t):s={from}:d=2");
        let clip = sound("a.wav", &tones, &["-c:a", "pcm_f32le"]);
        let (_, mp3) = convert(&job(Options::default()), &clip).await.converted();
        let decoded = decode("a.mp3", &mp3);
        let mono = channel(&decoded, 0);
        // ffmpeg plays one channel on both sides at half the power.
        let wanted = 0.2 / 2_f64.sqrt();
        let alias = amplitude(&mono, f64::from(above.abs_diff(to)), to);
        let (tone, all) = (amplitude(&mono, 1000.0, to), level(&decoded, 0));
        assert!(alias < ALIAS_MAX, "{from} Hz: {alias}");
        assert!((tone / wanted - 1.0).abs() < 0.01, "{from} Hz: {tone}");
        assert!((all / (wanted / 2_f64.sqrt()) - 1.0).abs() < 0.02, "{from} Hz: {all} in all");
    }
}
