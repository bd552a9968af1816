//! Several audio tracks in one video.

use converter::{
    control::{Decoder, RefusalKind},
    options::{Options, Reencode},
};

use crate::{
    compare::{amplitude, channel},
    engine_rig::{MONO, RATE, STEREO, convert, decode, job, sound, video},
};
use Decoder::{Copied, Ffmpeg, Symphonia};

/// Three audio tracks with a tone each, and its frequency in Hz.
const TONES: [f64; 3] = [440.0, 1000.0, 2500.0];

fn three_tracks(file: &str, picture: &str, audio: &[&str]) -> Vec<u8> {
    let [first, second, third] = TONES.map(|hertz| format!("aevalsrc=0.3*sin(2*PI*{hertz}*t):s=44100:d=3"));
    let inputs = ["-f", "lavfi", "-i", &second, "-f", "lavfi", "-i", &third];
    let maps = ["-map", "1:a", "-map", "0:v", "-map", "2:a", "-map", "3:a", "-c:v", picture, "-c:a"];
    video(file, &first, &[&inputs[..], &maps, audio].concat())
}

#[tokio::test]
async fn the_wanted_track_is_converted() {
    const FAST: [&str; 2] = ["-movflags", "+faststart"];
    for (file, picture, audio, decoder) in [
        ("fast.mp4", "mpeg4", &["aac", FAST[0], FAST[1]][..], Symphonia),
        ("last.mp4", "mpeg4", &["aac"], Symphonia),
        ("fragments.mp4", "mpeg4", &["aac", "-movflags", "+frag_keyframe+empty_moov"], Symphonia),
        ("ac3.mp4", "mpeg4", &["ac3", FAST[0], FAST[1]], Ffmpeg),
        ("ac3-last.mp4", "mpeg4", &["ac3"], Ffmpeg),
        ("mp3.mp4", "mpeg4", &["libmp3lame", FAST[0], FAST[1]], Copied),
        ("mp3-last.mp4", "mpeg4", &["libmp3lame"], Copied),
        ("pcm.mov", "mpeg4", &["pcm_s16le"], Ffmpeg),
        ("aac.mkv", "mpeg4", &["aac"], Symphonia),
        ("opus.mkv", "mpeg4", &["libopus"], Ffmpeg),
        ("mp3.mkv", "mpeg4", &["libmp3lame"], Copied),
        ("aac.ts", "mpeg2video", &["aac"], Ffmpeg),
        ("mp3.ts", "mpeg2video", &["libmp3lame"], Copied),
        ("mp2.mpg", "mpeg2video", &["mp2"], Ffmpeg),
        ("mp3.avi", "mpeg4", &["libmp3lame"], Copied),
        ("pcm.avi", "mpeg4", &["pcm_s16le"], Ffmpeg),
        ("wma.wmv", "wmv2", &["wmav2"], Ffmpeg),
        ("theora.ogv", "libtheora", &["libvorbis"], Symphonia),
    ] {
        let clip = three_tracks(file, picture, audio);
        for (track, own) in [(None, 0), (Some(1), 0), (Some(2), 1), (Some(3), 2)] {
            let (report, mp3) = convert(&job(Options { track, ..Options::default() }), &clip).await.converted();
            assert_eq!(report.decoder, decoder, "{file}");
            let samples = channel(&decode("a.mp3", &mp3), 0);
            for (index, hertz) in TONES.into_iter().enumerate() {
                let loud = amplitude(&samples, hertz, report.sample_rate);
                assert_eq!(loud > 0.1, index == own, "{file}, track {track:?}: {loud:.3} at {hertz} Hz");
            }
        }
        let outcome = convert(&job(Options { track: Some(4), ..Options::default() }), &clip).await;
        outcome.refused_as(&[RefusalKind::NoAudio], file);
        let detail = &outcome.refused().detail;
        assert_eq!(detail, "the video has 3 audio tracks, and track=4 was asked for", "{file}");
    }
}

#[tokio::test]
async fn a_second_track_is_refused_where_there_is_one() {
    for (file, codec, audio) in [
        ("a.mp4", "mpeg4", &["-c:a", "aac", "-movflags", "+faststart"][..]),
        ("ac3.mp4", "mpeg4", &["-c:a", "ac3"]),
        ("a.mkv", "mpeg4", &["-c:a", "aac"]),
        ("a.ts", "mpeg2video", &["-c:a", "aac"]),
        ("a.avi", "mpeg4", &["-c:a", "libmp3lame"]),
    ] {
        let clip = video(file, STEREO, &[&["-c:v", codec], audio].concat());
        let outcome = convert(&job(Options { track: Some(2), ..Options::default() }), &clip).await;
        outcome.refused_as(&[RefusalKind::NoAudio], file);
        let detail = &outcome.refused().detail;
        assert_eq!(detail, "the video has only one audio track, and track=2 was asked for", "{file}");
    }
}

#[tokio::test]
async fn the_enabled_one_of_several_tracks_is_converted() {
    // Two tones; the second one's track is the only enabled one, and only it is mono.
    let arguments = ["-map", "1:a", "-map", "2:a", "-map", "0:v", "-c:v", "mpeg4", "-disposition:a:0", "0"];
    for (codec, more) in
        [("aac", &["-movflags", "+faststart"][..]), ("aac", &[]), ("ac3", &[]), ("ac3", &["-movflags", "+faststart"])]
    {
        let both =
            [&["-f", "lavfi", "-i", MONO], &arguments[..], &["-disposition:a:1", "default", "-c:a", codec], more]
                .concat();
        let clip = video("two.mp4", STEREO, &both);
        let (report, _) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!(report.channels, 1, "{codec} {more:?}");
    }
}

#[tokio::test]
async fn the_default_one_of_several_tracks_is_converted() {
    // The second audio track is the only default one, and only it is mono; symphonia and ffmpeg agree about it.
    let flags = ["-disposition:a:0", "0", "-disposition:a:1", "default"];
    for (codec, decoder) in [("aac", Symphonia), ("libvorbis", Symphonia), ("ac3", Ffmpeg), ("libmp3lame", Copied)] {
        let maps =
            ["-f", "lavfi", "-i", MONO, "-map", "1:a", "-map", "2:a", "-map", "0:v", "-c:v", "mpeg4", "-c:a", codec];
        let clip = video("two.mkv", STEREO, &[&maps[..], &flags].concat());
        for (track, channels) in [(None, 1), (Some(1), 2), (Some(2), 1)] {
            let (report, _) = convert(&job(Options { track, ..Options::default() }), &clip).await.converted();
            assert_eq!((report.channels, report.decoder), (channels, decoder), "{codec}, track {track:?}");
        }
    }
}

#[tokio::test]
async fn the_wanted_track_is_the_same_in_every_part_of_a_chained_stream() {
    let [first, second, _] = TONES.map(|hertz| format!("aevalsrc=0.3*sin(2*PI*{hertz}*t):s=44100:d=3"));
    let maps = ["-f", "lavfi", "-i", &second, "-map", "0:a", "-map", "1:a", "-c:a", "libvorbis", "-serial_offset"];
    let part = |serial| sound("two.ogg", &first, &[&maps[..], &[serial]].concat());
    let chain = [part("1"), part("100")].concat();
    let options = Options { track: Some(2), ..Options::default() };
    let (_, mp3) = convert(&job(options), &chain).await.converted();
    let samples = channel(&decode("a.mp3", &mp3), 0);
    let second = &samples[samples.len() * 5 / 8..samples.len() * 7 / 8];
    assert!(amplitude(second, TONES[1], RATE) > 0.1);
    assert!(amplitude(second, TONES[0], RATE) < 0.01);
}

#[tokio::test]
async fn the_wanted_track_is_found_also_where_an_mp3_is_encoded_anew() {
    for (file, picture) in [("a.avi", "mpeg4"), ("a.mkv", "mpeg4"), ("a.mp4", "mpeg4"), ("a.ts", "mpeg2video")] {
        let clip = three_tracks(file, picture, &["libmp3lame"]);
        let options = Options { track: Some(3), reencode: Reencode::Always, ..Options::default() };
        let (report, mp3) = convert(&job(options), &clip).await.converted();
        assert_ne!(report.decoder, Copied, "{file}");
        assert!(amplitude(&channel(&decode("a.mp3", &mp3), 0), TONES[2], RATE) > 0.1, "{file}");
    }
}
