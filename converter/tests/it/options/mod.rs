//! What the options do to the mp3.

mod loudness;
mod ranges;
mod tags;

use converter::options::{Options, Quality};

use crate::engine_rig::{MONO, SAMPLES, STEREO, convert, decode, job, level, sound};

async fn converted(options: Options, clip: &[u8]) -> (converter::control::Report, Vec<u8>) {
    convert(&job(options), clip).await.converted()
}

#[tokio::test]
async fn channels_are_mixed_and_doubled() {
    let (stereo, mono) = (sound("a.wav", STEREO, &[]), sound("a.wav", MONO, &[]));
    for (clip, channels, becomes) in [(&stereo, Some(1), 1), (&mono, Some(2), 2), (&stereo, None, 2), (&mono, None, 1)]
    {
        let (report, mp3) = converted(Options { channels, ..Options::default() }, clip).await;
        assert_eq!(report.channels, becomes);
        assert_eq!(decode("a.mp3", &mp3).len() as u64 / 2, SAMPLES);
    }
    let (_, mixed) = converted(Options { channels: Some(1), ..Options::default() }, &stereo).await;
    // Half of each tone: the root of the sum of the squares of 0.15 and 0.1, over the root of 2; and over that again,
    // since ffmpeg plays mono at half the power on each side.
    let loud = level(&decode("a.mp3", &mixed), 0);
    assert!((loud - 0.0901).abs() < 0.003, "{loud}");
}

#[tokio::test]
async fn quality_decides_about_the_size() {
    let clip = sound("a.flac", "anoisesrc=d=3:r=44100:a=0.3:seed=1", &["-c:a", "flac"]);
    let mut sizes = Vec::new();
    for quality in ["V0", "V4", "V9"] {
        let quality = Some(quality.parse().expect("a quality"));
        sizes.push(converted(Options { quality, ..Options::default() }, &clip).await.0.mp3_bytes);
    }
    assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
}

#[tokio::test]
async fn a_constant_rate_is_constant() {
    for (rate, kbps, becomes) in [(44_100, 192, 192_u64), (22_050, 320, 160), (8_000, 320, 64)] {
        let clip = sound("a.flac", &format!("{MONO},aresample={rate}"), &["-c:a", "flac"]);
        let (report, mp3) =
            converted(Options { quality: Some(Quality::Constant(kbps)), ..Options::default() }, &clip).await;
        let frame_samples = if rate < 32_000 { 576 } else { 1152 };
        // The tag frame has the same size as the others.
        let expected = (report.frames + 1) * frame_samples * becomes * 125 / rate;
        assert!(mp3.len().abs_diff(usize::try_from(expected).expect("a short mp3")) < 700, "{rate} Hz at {kbps}");
    }
}

#[tokio::test]
async fn title_and_artist_stand_before_the_audio() {
    let clip = sound("a.wav", STEREO, &[]);
    let (title, artist) = ("--Ein Lied – für Élise".to_owned(), "明日".to_owned());
    let options = Options { title: Some(title.clone()), artist: Some(artist.clone()), ..Options::default() };
    let (report, mp3) = converted(options, &clip).await;
    assert!(mp3.starts_with(b"ID3"));
    assert!(report.head.expect("a head").offset > 10);
    assert_eq!(decode("a.mp3", &mp3).len() as u64 / 2, SAMPLES, "the length tag stands behind the other one");
    let text = String::from_utf8_lossy(&mp3[..200]);
    assert!(text.contains(&title) && text.contains(&artist), "{text:?}");
}
