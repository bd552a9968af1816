//! Every container and codec that is promised, from a clip that ffmpeg makes.

use converter::{
    control::{Completeness, Decoder},
    options::Options,
};

use crate::engine_rig::{MONO, RATE, SAMPLES, SECONDS, STEREO, convert, decode, job, level, sound, video};

/// What is expected of one file.
struct Format {
    file: &'static str,
    /// Codecs, for a clip with a picture; without one where it is audio only.
    picture: Option<&'static str>,
    audio: &'static [&'static str],
    decoder: Decoder,
    completeness: Completeness,
    source: &'static str,
    /// Whether not a sample may be missing or added.
    is_exact: bool,
}

use Completeness::{Complete, Unknown};
use Decoder::{Ffmpeg, Symphonia};

macro_rules! formats {
    ($($file:literal $picture:expr, $audio:expr => $by:ident $whole:ident $source:literal $exact:literal;)*) => {
        [$(Format {
            file: $file,
            picture: $picture,
            audio: &$audio,
            decoder: $by,
            completeness: $whole,
            source: $source,
            is_exact: $exact,
        }),*]
    };
}

const FAST: [&str; 2] = ["-movflags", "+faststart"];

async fn check(formats: &[Format]) {
    for format in formats {
        let clip = match format.picture {
            Some(codec) => video(format.file, STEREO, &[&["-c:v", codec], format.audio].concat()),
            None => sound(format.file, STEREO, format.audio),
        };
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        let name = format.file;
        assert_eq!(report.source, format.source, "{name}");
        assert_eq!(report.decoder, format.decoder, "{name}");
        assert_eq!(report.completeness, format.completeness, "{name}");
        assert_eq!((report.sample_rate, report.channels), (rate(format), 2), "{name}");
        assert_eq!(report.video_bytes, clip.len() as u64, "{name}");
        let off_ms = report.duration_ms.abs_diff(u64::from(SECONDS) * 1000);
        assert!(off_ms <= 50, "{name}: {} ms", report.duration_ms);
        if format.is_exact {
            assert_eq!(report.samples, SAMPLES, "{name}");
        }
        let (decoded, original) = (decode("out.mp3", &mp3), decode(name, &clip));
        assert_eq!(decoded.len() as u64 / 2, report.samples, "{name}: players see the length tag");
        for channel in [0, 1] {
            let (now, before) = (level(&decoded, channel), level(&original, channel));
            assert!((now / before - 1.0).abs() < 0.03, "{name}: level {now} instead of {before}");
        }
    }
}

fn rate(format: &Format) -> u32 {
    if format.source.ends_with("opus") { 48_000 } else { RATE }
}

#[tokio::test]
async fn mp4_and_quicktime_are_converted() {
    check(&formats! {
        "fast.mp4" Some("mpeg4"), ["-c:a", "aac", FAST[0], FAST[1]] => Symphonia Complete "mp4/aac" true;
        "last.mp4" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "fragments.mp4" Some("mpeg4"), ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"]
            => Symphonia Complete "mp4/aac" false;
        "dash.mp4" Some("mpeg4"), ["-c:a", "aac", "-movflags", "+dash+global_sidx"]
            => Symphonia Complete "mp4/aac" false;
        "alac.m4a" None, ["-c:a", "alac"] => Symphonia Complete "mp4/alac" true;
        "mp3.mp4" Some("mpeg4"), ["-c:a", "libmp3lame", FAST[0], FAST[1]] => Symphonia Complete "mp4/mp3" true;
        "ac3.mp4" Some("mpeg4"), ["-c:a", "ac3", FAST[0], FAST[1]] => Ffmpeg Complete "mp4/ac3" false;
        "ac3-last.mp4" Some("mpeg4"), ["-c:a", "ac3"] => Ffmpeg Complete "mp4/ac3" false;
        "eac3.mp4" Some("mpeg4"), ["-c:a", "eac3"] => Ffmpeg Complete "mp4/eac3" false;
        "pcm.mov" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Ffmpeg Complete "mp4/pcm_s16le" true;
        "pcm-first.mov" Some("mpeg4"), ["-c:a", "pcm_s16be", FAST[0], FAST[1]] => Ffmpeg Complete "mp4/pcm_s16be" true;
    })
    .await;
}

#[tokio::test]
async fn matroska_and_webm_are_converted() {
    check(&formats! {
        "aac.mkv" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mkv/aac" false;
        "vorbis.mkv" Some("mpeg4"), ["-c:a", "libvorbis"] => Symphonia Complete "mkv/vorbis" false;
        "flac.mkv" Some("mpeg4"), ["-c:a", "flac"] => Symphonia Complete "mkv/flac" true;
        "mp3.mkv" Some("mpeg4"), ["-c:a", "libmp3lame"] => Symphonia Complete "mkv/mp3" false;
        "pcm.mkv" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Symphonia Complete "mkv/pcm" true;
        "opus.mkv" Some("mpeg4"), ["-c:a", "libopus"] => Ffmpeg Complete "mkv/opus" false;
        "ac3.mkv" Some("mpeg4"), ["-c:a", "ac3"] => Ffmpeg Complete "mkv/ac3" false;
        "dts.mkv" Some("mpeg4"), ["-c:a", "dca", "-strict", "-2"] => Ffmpeg Complete "mkv/dts" false;
        "vorbis.webm" Some("libvpx"), ["-c:a", "libvorbis"] => Symphonia Complete "mkv/vorbis" false;
        "opus.webm" Some("libvpx"), ["-c:a", "libopus"] => Ffmpeg Complete "mkv/opus" false;
        "live.webm" Some("libvpx"), ["-c:a", "libvorbis", "-live", "1"] => Symphonia Unknown "mkv/vorbis" false;
    })
    .await;
}

#[tokio::test]
async fn other_videos_are_converted() {
    check(&formats! {
        "mp3.avi" Some("mpeg4"), ["-c:a", "libmp3lame"] => Ffmpeg Complete "avi/mp3" false;
        "pcm.avi" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Ffmpeg Complete "avi/pcm_s16le" true;
        "aac.ts" Some("mpeg2video"), ["-c:a", "aac"] => Ffmpeg Unknown "mpegts/aac" false;
        "ac3.ts" Some("mpeg2video"), ["-c:a", "ac3"] => Ffmpeg Unknown "mpegts/ac3" false;
        "aac.m2ts" Some("mpeg2video"), ["-c:a", "aac"] => Ffmpeg Unknown "mpegts/aac" false;
        "mp2.mpg" Some("mpeg2video"), ["-c:a", "mp2"] => Ffmpeg Unknown "mpegps/mp2" false;
        "aac.flv" Some("flv"), ["-c:a", "aac"] => Ffmpeg Unknown "flv/aac" false;
        "mp3.flv" Some("flv"), ["-c:a", "libmp3lame"] => Ffmpeg Unknown "flv/mp3" false;
        "wma.wmv" Some("wmv2"), ["-c:a", "wmav2"] => Ffmpeg Unknown "asf/wmav2" false;
        "theora.ogv" Some("libtheora"), ["-c:a", "libvorbis"] => Symphonia Complete "ogg/vorbis" true;
    })
    .await;
}

#[tokio::test]
async fn audio_files_are_converted() {
    check(&formats! {
        "pcm.wav" None, ["-c:a", "pcm_s16le"] => Symphonia Complete "wav/pcm" true;
        "float.wav" None, ["-c:a", "pcm_f32le"] => Symphonia Complete "wav/pcm" true;
        "pcm24.wav" None, ["-c:a", "pcm_s24le"] => Symphonia Complete "wav/pcm" true;
        "pcm8.wav" None, ["-c:a", "pcm_u8"] => Symphonia Complete "wav/pcm" true;
        "large.wav" None, ["-c:a", "pcm_s16le", "-rf64", "always"] => Ffmpeg Unknown "wav/pcm_s16le" true;
        "a.flac" None, ["-c:a", "flac"] => Symphonia Complete "flac/flac" true;
        "a.ogg" None, ["-c:a", "libvorbis"] => Symphonia Complete "ogg/vorbis" true;
        "a.opus" None, ["-c:a", "libopus"] => Ffmpeg Complete "ogg/opus" false;
        "a.mp3" None, ["-c:a", "libmp3lame"] => Symphonia Complete "mp3/mp3" true;
        "bare.mp3" None, ["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"]
            => Symphonia Unknown "mp3/mp3" false;
        "a.m4a" None, ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "a.aac" None, ["-c:a", "aac"] => Ffmpeg Unknown "adts/aac" false;
        "a.ac3" None, ["-c:a", "ac3"] => Ffmpeg Unknown "ac3/ac3" false;
        "a.eac3" None, ["-c:a", "eac3"] => Ffmpeg Unknown "eac3/eac3" false;
        "a.aiff" None, ["-c:a", "pcm_s16be"] => Ffmpeg Complete "aiff/pcm_s16be" true;
        "a.caf" None, ["-c:a", "pcm_s16le"] => Ffmpeg Unknown "caf/pcm_s16le" true;
        "a.mp2" None, ["-c:a", "mp2"] => Ffmpeg Unknown "mp3/mp2" false;
    })
    .await;
}

#[tokio::test]
async fn aac_that_may_be_half_of_he_aac_is_left_to_ffmpeg() {
    for (rate, decoder) in [(24_000, Ffmpeg), (32_000, Symphonia)] {
        let clip = sound("a.m4a", &format!("{STEREO},aresample={rate}"), &["-c:a", "aac"]);
        let (report, _) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!((report.decoder, report.sample_rate), (decoder, rate));
        assert_eq!(report.samples, u64::from(rate * SECONDS));
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
async fn a_chain_of_ogg_streams_is_converted_to_its_end() {
    let clip = sound("a.ogg", STEREO, &["-c:a", "libvorbis"]);
    let mut second = sound("a.ogg", STEREO, &["-c:a", "libvorbis", "-serial_offset", "7"]);
    let mut chain = clip;
    chain.append(&mut second);
    let (report, _) = convert(&job(Options::default()), &chain).await.converted();
    assert_eq!(report.samples, 2 * SAMPLES);
}

#[tokio::test]
async fn sources_of_any_rate_and_width_become_what_mp3_has() {
    for (rate, channels, becomes) in [
        (8_000, "mono", (8_000, 1)),
        (11_025, "stereo", (11_025, 2)),
        (22_050, "mono", (22_050, 1)),
        (48_000, "5.1", (48_000, 2)),
        (96_000, "stereo", (48_000, 2)),
        (192_000, "7.1", (48_000, 2)),
        (32_000, "mono", (32_000, 1)),
    ] {
        let shape = format!("{MONO},aresample={rate},aformat=channel_layouts={channels}");
        let clip = sound("a.flac", &shape, &["-c:a", "flac"]);
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!((report.sample_rate, report.channels), becomes, "{rate} Hz {channels}");
        let off_ms = report.duration_ms.abs_diff(u64::from(SECONDS) * 1000);
        assert!(off_ms <= 20, "{rate} Hz {channels}: {} ms", report.duration_ms);
        assert_eq!(decode("out.mp3", &mp3).len() as u64 / 2, report.samples, "{rate} Hz {channels}");
    }
}
