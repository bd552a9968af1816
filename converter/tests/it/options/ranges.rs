//! `start` and `end`, alone and with other options.

use converter::{
    control::Decoder,
    options::{Options, Quality},
};

use super::converted;
use crate::{
    compare::assert_same_sound,
    engine_rig::{RATE, SAMPLES, STEREO, decode, sound, video},
    signal::SIGNAL,
};

#[tokio::test]
async fn a_range_is_exact_to_the_sample() {
    let native = video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]);
    let by_ffmpeg = video("a.avi", STEREO, &["-c:v", "mpeg4", "-c:a", "pcm_s16le"]);
    for clip in [native, by_ffmpeg] {
        for (start, end, samples) in [
            (Some(0.5), Some(1.25), 33_075),
            (Some(1.0), None, SAMPLES - u64::from(RATE)),
            (None, Some(0.001), 44),
            (Some(2.5), Some(60.0), SAMPLES - 110_250),
        ] {
            let (report, mp3) = converted(Options { start, end, ..Options::default() }, &clip).await;
            assert_eq!(report.samples, samples, "{start:?} to {end:?}");
            assert_eq!(decode("a.mp3", &mp3).len() as u64 / 2, samples, "{start:?} to {end:?}");
        }
    }
}

#[tokio::test]
async fn a_range_starts_where_it_says() {
    // Silence, and a tone from 1.5 s on.
    let late = "aevalsrc=0.5*sin(2*PI*440*t)*gte(t\\,1.5):s=44100:d=3";
    let clip = sound("a.flac", late, &["-c:a", "flac"]);
    let (_, mp3) = converted(Options { start: Some(1.0), ..Options::default() }, &clip).await;
    let pcm = decode("a.mp3", &mp3);
    let first_loud = pcm.iter().step_by(2).position(|sample| sample.abs() > 0.2).expect("a tone");
    assert!(first_loud.abs_diff(22_050) < 60, "the tone begins at sample {first_loud}");
}

#[tokio::test]
async fn a_range_is_exact_also_where_more_is_asked_for() {
    let mp3 = sound("a.mp3", SIGNAL, &["-c:a", "libmp3lame"]);
    let avi = video("a.avi", SIGNAL, &["-c:v", "mpeg4", "-c:a", "libmp3lame"]);
    let fine = sound("a.flac", &format!("{SIGNAL},aresample=96000"), &["-c:a", "flac"]);
    let (start, end) = (Some(0.5), Some(1.75));
    for (what, clip, rate, channels) in [
        ("mp3", &mp3, RATE, None),
        ("mp3 to mono", &mp3, RATE, Some(1)),
        ("mp3 in AVI", &avi, RATE, None),
        ("96 kHz", &fine, 48_000, None),
        ("96 kHz to mono", &fine, 48_000, Some(1)),
    ] {
        let whole = Options { channels, quality: Some(Quality::Constant(320)), ..Options::default() };
        let (report, part) = converted(Options { start, end, ..whole.clone() }, clip).await;
        let (_, whole) = converted(whole, clip).await;
        assert_ne!(report.decoder, Decoder::Copied, "{what}: frames cannot be cut");
        assert_eq!(report.samples, u64::from(rate) * 5 / 4, "{what}");
        let (part, whole) = (decode("a.mp3", &part), decode("a.mp3", &whole));
        assert_eq!(part.len() as u64 / 2, report.samples, "{what}");
        assert_same_sound(what, &part, &whole[rate as usize..], rate);
    }
}
