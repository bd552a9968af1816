//! MP4, `QuickTime` and 3GP.

use converter::{
    control::{
        Completeness::Complete,
        Decoder::{Copied, Ffmpeg, Symphonia},
    },
    options::Options,
};

use super::{MISREAD_RATE, check, check_clip, formats};
use crate::{
    compare::assert_same_sound,
    engine_rig::{SECONDS, convert, decode, ffmpeg, job, sound, video},
    signal::{SIGNAL, signal},
};

const FAST: [&str; 2] = ["-movflags", "+faststart"];

#[tokio::test]
async fn mp4_and_quicktime_are_converted() {
    check(formats! {
        "fast.mp4" Some("mpeg4"), ["-c:a", "aac", FAST[0], FAST[1]] => Symphonia Complete "mp4/aac" true;
        "last.mp4" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "fragments.mp4" Some("mpeg4"), ["-c:a", "aac", "-movflags", "+frag_keyframe+empty_moov"]
            => Symphonia Complete "mp4/aac" false;
        "dash.mp4" Some("mpeg4"), ["-c:a", "aac", "-movflags", "+dash+global_sidx"]
            => Symphonia Complete "mp4/aac" false;
        "alac.m4a" None, ["-c:a", "alac"] => Symphonia Complete "mp4/alac" true;
        "mp3.mp4" Some("mpeg4"), ["-c:a", "libmp3lame", FAST[0], FAST[1]] => Copied Complete "mp4/mp3" true;
        "ac3.mp4" Some("mpeg4"), ["-c:a", "ac3", FAST[0], FAST[1]] => Ffmpeg Complete "mp4/ac3" false;
        "ac3-last.mp4" Some("mpeg4"), ["-c:a", "ac3"] => Ffmpeg Complete "mp4/ac3" false;
        "eac3.mp4" Some("mpeg4"), ["-c:a", "eac3"] => Ffmpeg Complete "mp4/eac3" false;
        "aac.mov" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "aac.3gp" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "mp2.mp4" Some("mpeg4"), ["-c:a", "mp2"] => Ffmpeg Complete "mp4/mp3" false;
        "opus.mp4" Some("mpeg4"), ["-c:a", "libopus"] => Ffmpeg Complete "mp4/opus" false;
        "flac.mp4" Some("mpeg4"), ["-c:a", "flac", "-strict", "-2"] => Symphonia Complete "mp4/flac" true;
        "alac-fragments.m4a" None, ["-c:a", "alac", "-movflags", "+frag_keyframe+empty_moov"]
            => Symphonia Complete "mp4/alac" true;
        "float.mov" Some("mpeg4"), ["-c:a", "pcm_f32le"] => Ffmpeg Complete "mp4/pcm_f32le" true;
        "pcm24.mov" Some("mpeg4"), ["-c:a", "pcm_s24be"] => Ffmpeg Complete "mp4/pcm_s24be" true;
        "pcm.mov" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Ffmpeg Complete "mp4/pcm_s16le" true;
        "pcm-first.mov" Some("mpeg4"), ["-c:a", "pcm_s16be", FAST[0], FAST[1]] => Ffmpeg Complete "mp4/pcm_s16be" true;
    })
    .await;
}

#[tokio::test]
async fn media_in_a_box_with_a_64_bit_size_is_converted() {
    for format in formats! {
        "fast.mp4" Some("mpeg4"), ["-c:a", "aac", FAST[0], FAST[1]] => Symphonia Complete "mp4/aac" true;
        "last.mp4" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mp4/aac" true;
        "ac3.mp4" Some("mpeg4"), ["-c:a", "ac3", FAST[0], FAST[1]] => Ffmpeg Complete "mp4/ac3" false;
        "pcm.mov" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Ffmpeg Complete "mp4/pcm_s16le" true;
    } {
        let mut clip = video(format.file, SIGNAL, &[&["-c:v", "mpeg4"], format.audio].concat());
        widen_media(&mut clip);
        check_clip(&format, &clip, Options::default(), format.decoder).await;
    }
}

/// Gives `mdat` the long form of its size. ffmpeg leaves 8 bytes free for that, in a box of their own.
fn widen_media(mp4: &mut [u8]) {
    let kind = mp4.windows(4).position(|bytes| bytes == b"mdat").expect("media");
    let placeholder = kind - 12;
    let long = u64::from(u32::from_be_bytes(*mp4[kind - 4..].first_chunk().expect("a size"))) + 8;
    assert!(mp4[placeholder..].starts_with(b"\0\0\0\x08"), "an empty box before the media");
    mp4[placeholder..placeholder + 4].copy_from_slice(&1_u32.to_be_bytes());
    mp4[placeholder + 4..placeholder + 8].copy_from_slice(b"mdat");
    mp4[placeholder + 8..placeholder + 16].copy_from_slice(&long.to_be_bytes());
}

#[tokio::test]
async fn an_edit_list_cuts_the_start_to_the_sample() {
    let folder = tempfile::TempDir::new().expect("a folder");
    for (codec, more) in [("aac", &[][..]), ("aac", &FAST[..]), ("alac", &[]), ("libmp3lame", &[]), ("ac3", &[])] {
        ffmpeg(folder.path(), &["-f", "lavfi", "-i", SIGNAL, "-c:a", codec, "whole.mp4"]);
        let copy = ["-ss", "1.01", "-i", "whole.mp4", "-c", "copy"];
        ffmpeg(folder.path(), &[&copy[..], more, &["cut.mp4"]].concat());
        let clip = std::fs::read(folder.path().join("cut.mp4")).expect("the clip");
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        let (decoded, original) = (decode("a.mp3", &mp3), decode("cut.mp4", &clip));
        let what = format!("{codec} {more:?}: {} samples", report.samples);
        assert!(original.len().abs_diff(decoded.len()) < 2 * 1600, "{what} of {}", original.len() / 2);
        assert_same_sound(&what, &decoded, &original, report.sample_rate);
    }
}

#[tokio::test]
async fn aac_that_may_be_half_of_he_aac_is_left_to_ffmpeg() {
    for (rate, decoder) in [(22_050, Ffmpeg), (24_000, Ffmpeg), (32_000, Symphonia)] {
        let clip = sound("a.m4a", &signal(rate), &["-c:a", "aac"]);
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!((report.decoder, report.sample_rate), (decoder, rate));
        assert_eq!(report.samples, u64::from(rate * SECONDS));
        if rate != MISREAD_RATE {
            assert_same_sound("aac", &decode("a.mp3", &mp3), &decode("a.m4a", &clip), rate);
        }
    }
}
