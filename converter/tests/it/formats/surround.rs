//! More than two channels: each one is heard where, and as loud as, ITU-R BS.775 says.

use converter::options::Options;

use crate::{
    compare::{amplitude, channel},
    engine_rig::{convert, decode, job, sound},
};

/// Amplitude of the one tone in each channel.
const TONE: f64 = 0.25;
/// What may be left of a tone on the wrong side, or in the channel of low frequencies.
const ABSENT: f64 = 0.002;
const HALF_POWER: f64 = std::f64::consts::FRAC_1_SQRT_2;
const RATE: u32 = 48_000;

/// A channel: its tone's frequency in Hz, and its shares of left and right before scaling.
type Channel = (f64, [f64; 2]);

const FRONT: [Channel; 3] = [(300.0, [1.0, 0.0]), (500.0, [0.0, 1.0]), (800.0, [HALF_POWER; 2])];
const LOW: Channel = (60.0, [0.0; 2]);
const BACK: [Channel; 2] = [(1300.0, [HALF_POWER, 0.0]), (2100.0, [0.0, HALF_POWER])];
const SIDE: [Channel; 2] = [(3400.0, [HALF_POWER, 0.0]), (5500.0, [0.0, HALF_POWER])];
const CENTER_BACK: Channel = (1300.0, [0.5; 2]);

/// The channels of a layout, by ffmpeg's name.
fn channels(layout: &str) -> Vec<Channel> {
    let surround = |rest: &[Channel]| [&FRONT[..], rest].concat();
    match layout {
        "quad" => [&FRONT[..2], &BACK].concat(),
        "3.0" => surround(&[]),
        "5.0" => surround(&BACK),
        "5.0(side)" => surround(&SIDE),
        "5.1" => surround(&[&[LOW][..], &BACK].concat()),
        "5.1(side)" => surround(&[&[LOW][..], &SIDE].concat()),
        "6.1" => surround(&[&[LOW, CENTER_BACK][..], &SIDE].concat()),
        "7.1" => surround(&[&[LOW][..], &BACK, &SIDE].concat()),
        other => panic!("no channels are known of {other}"),
    }
}

/// A tone in each channel.
fn tones(layout: &str) -> String {
    let tones: Vec<_> = channels(layout).iter().map(|(hertz, _)| format!("{TONE}*sin(2*PI*{hertz}*t)")).collect();
    format!("aevalsrc={}:s={RATE}:d=2:c={layout}", tones.join("|"))
}

/// Checks the two channels of what a clip became; `mono` is what each of them shall have where one was asked for.
fn assert_mixed(what: &str, layout: &str, decoded: &[f32], is_mono: bool) {
    let channels = channels(layout);
    let sum = |side: usize| channels.iter().map(|(_, shares)| shares[side]).sum::<f64>();
    let scale = sum(0).max(sum(1));
    for side in [0, 1] {
        let samples = channel(decoded, side);
        for &(hertz, shares) in &channels {
            // ffmpeg plays one channel on both sides at half the power.
            let share = if is_mono { f64::midpoint(shares[0], shares[1]) * HALF_POWER } else { shares[side] };
            let (now, wanted) = (amplitude(&samples, hertz, RATE), TONE * share / scale);
            let off = if wanted > 0.0 { 0.04 * wanted } else { ABSENT };
            assert!((now - wanted).abs() <= off, "{what}, channel {side}, {hertz} Hz: {now:.4} instead of {wanted:.4}");
        }
    }
}

#[tokio::test]
async fn every_channel_is_heard_where_it_belongs() {
    for (file, layout, codec) in [
        ("a.flac", "3.0", &["flac"][..]),
        ("a.flac", "quad", &["flac"]),
        ("a.flac", "5.0", &["flac"]),
        ("a.flac", "5.1", &["flac"]),
        ("a.flac", "5.1(side)", &["flac"]),
        ("a.flac", "6.1", &["flac"]),
        ("a.flac", "7.1", &["flac"]),
        ("a.wav", "quad", &["pcm_s16le"]),
        ("a.wav", "5.1", &["pcm_s24le"]),
        ("a.wav", "5.1(side)", &["pcm_f32le"]),
        ("a.wav", "7.1", &["pcm_s16le"]),
        ("a.mkv", "5.1", &["pcm_s16le"]),
        ("flac.mkv", "7.1", &["flac"]),
        ("a.mov", "5.1", &["pcm_s16le"]),
        ("a.ac3", "5.1(side)", &["ac3", "-b:a", "640k"]),
        ("ac3.mkv", "5.1(side)", &["ac3", "-b:a", "640k"]),
        ("eac3.mp4", "5.1(side)", &["eac3", "-b:a", "640k"]),
        ("a.m4a", "5.1", &["aac", "-b:a", "384k"]),
        ("aac.mkv", "5.1", &["aac", "-b:a", "384k"]),
        ("aac.ts", "5.1", &["aac", "-b:a", "384k"]),
        ("a.m4a", "5.1", &["alac"]),
        ("a.opus", "5.1", &["libopus", "-b:a", "384k", "-mapping_family", "1"]),
        ("opus.mkv", "7.1", &["libopus", "-b:a", "512k", "-mapping_family", "1"]),
        ("a.ogg", "5.1", &["libvorbis", "-q:a", "8"]),
        ("a.mkv", "5.1(side)", &["dca", "-strict", "-2", "-b:a", "1536k"]),
    ] {
        let clip = sound(file, &tones(layout), &[&["-c:a"], codec].concat());
        for mono in [false, true] {
            let options = Options { channels: mono.then_some(1), ..Options::default() };
            let (report, mp3) = convert(&job(options), &clip).await.converted();
            let what = format!("{} {layout} by {:?}", report.source, report.decoder);
            assert_eq!((report.channels, report.sample_rate), (if mono { 1 } else { 2 }, RATE), "{what}");
            if [".flac", ".wav", ".m4a", ".mov"].iter().any(|end| file.ends_with(end)) {
                assert_eq!(report.samples, u64::from(2 * RATE), "{what}");
            }
            assert_mixed(&what, layout, &decode("out.mp3", &mp3), mono);
        }
    }
}

#[tokio::test]
async fn full_scale_on_all_channels_is_not_clipped() {
    for (layout, channels) in [("5.1", 6), ("7.1", 8)] {
        let all = vec!["0.999*sin(2*PI*440*t)"; channels].join("|");
        for (file, codec) in [("a.flac", "flac"), ("a.mov", "pcm_s24le")] {
            let clip = sound(file, &format!("aevalsrc={all}:s={RATE}:d=2:c={layout}"), &["-c:a", codec]);
            let (_, mp3) = convert(&job(Options::default()), &clip).await.converted();
            let decoded = decode("out.mp3", &mp3);
            for side in [0, 1] {
                let [tone, third] = [440.0, 1320.0].map(|hertz| amplitude(&channel(&decoded, side), hertz, RATE));
                assert!((tone - 0.999).abs() < 0.01 && third < ABSENT, "{file} {layout}: {tone:.4}, {third:.4}");
            }
        }
    }
}
