//! Audio files.

use converter::{
    control::{
        Completeness::{Complete, Unknown},
        Decoder::{Copied, Ffmpeg, Symphonia},
    },
    options::Options,
};

use super::{check, formats};
use crate::{
    compare::assert_same_sound,
    engine_rig::{RATE, SAMPLES, convert, decode, ffmpeg, job, sound},
    signal::SIGNAL,
};

#[tokio::test]
async fn audio_files_are_converted() {
    check(formats! {
        "pcm.wav" None, ["-c:a", "pcm_s16le"] => Symphonia Complete "wav/pcm" true;
        "float.wav" None, ["-c:a", "pcm_f32le"] => Symphonia Complete "wav/pcm" true;
        "pcm24.wav" None, ["-c:a", "pcm_s24le"] => Symphonia Complete "wav/pcm" true;
        "pcm8.wav" None, ["-c:a", "pcm_u8"] => Symphonia Complete "wav/pcm" true;
        "pcm32.wav" None, ["-c:a", "pcm_s32le"] => Symphonia Complete "wav/pcm" true;
        "double.wav" None, ["-c:a", "pcm_f64le"] => Symphonia Complete "wav/pcm" true;
        "mulaw.wav" None, ["-c:a", "pcm_mulaw"] => Ffmpeg Complete "wav/pcm_mulaw" true;
        "adpcm.wav" None, ["-c:a", "adpcm_ms"] => Ffmpeg Complete "wav/adpcm_ms" false;
        "mp3.wav" None, ["-c:a", "libmp3lame"] => Copied Complete "wav/mp3" false;
        "large.wav" None, ["-c:a", "pcm_s16le", "-rf64", "always"] => Ffmpeg Unknown "wav/pcm_s16le" true;
        "a.flac" None, ["-c:a", "flac"] => Symphonia Complete "flac/flac" true;
        "a24.flac" None, ["-c:a", "flac", "-sample_fmt", "s32"] => Symphonia Complete "flac/flac" true;
        "flac.ogg" None, ["-c:a", "flac"] => Symphonia Complete "ogg/flac" true;
        "a.mka" None, ["-c:a", "pcm_f32le"] => Symphonia Complete "mkv/pcm" true;
        "a.ogg" None, ["-c:a", "libvorbis"] => Symphonia Complete "ogg/vorbis" true;
        "a.opus" None, ["-c:a", "libopus"] => Ffmpeg Complete "ogg/opus" false;
        "a.mp3" None, ["-c:a", "libmp3lame"] => Copied Complete "mp3/mp3" true;
        "v0.mp3" None, ["-c:a", "libmp3lame", "-q:a", "0"] => Copied Complete "mp3/mp3" true;
        "bare.mp3" None, ["-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0"]
            => Copied Unknown "mp3/mp3" false;
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
async fn a_chain_of_ogg_streams_is_converted_to_its_end() {
    let first = sound("a.ogg", SIGNAL, &["-c:a", "libvorbis"]);
    let second = sound("a.ogg", SIGNAL, &["-c:a", "libvorbis", "-serial_offset", "7"]);
    let (report, mp3) = convert(&job(Options::default()), &[&first[..], &second].concat()).await.converted();
    assert_eq!(report.samples, 2 * SAMPLES);
    let (decoded, original) = (decode("a.mp3", &mp3), decode("a.ogg", &first));
    let (now, then) = decoded.split_at(original.len());
    assert_same_sound("the first stream", now, &original, RATE);
    assert_same_sound("the second stream", then, &original, RATE);
}

/// A clip as a WAVE of the usual rate, through a filter.
fn resampled(clip: &[u8], filter: &str) -> Vec<u8> {
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("a.ogg"), clip).expect("a file");
    let rate = RATE.to_string();
    ffmpeg(folder.path(), &["-i", "a.ogg", "-af", filter, "-ar", &rate, "-c:a", "pcm_f32le", "a.wav"]);
    std::fs::read(folder.path().join("a.wav")).expect("the clip")
}

#[tokio::test]
async fn a_chain_whose_rate_and_channels_change_sounds_like_its_links() {
    let first = sound("a.ogg", SIGNAL, &["-c:a", "libvorbis"]);
    let other = ["-ar", "32000", "-ac", "1", "-c:a", "libvorbis", "-serial_offset", "7"];
    let second = sound("a.ogg", SIGNAL, &other);
    let third = sound("a.ogg", SIGNAL, &["-ar", "48000", "-c:a", "libvorbis", "-serial_offset", "9"]);
    let chain = [&first[..], &second, &third].concat();
    let (report, mp3) = convert(&job(Options::default()), &chain).await.converted();
    assert_eq!((report.samples, report.completeness), (3 * SAMPLES, Complete));
    assert_eq!((report.sample_rate, report.channels), (RATE, 2));
    let decoded = decode("a.mp3", &mp3);
    let links: Vec<&[f32]> = decoded.chunks(decoded.len() / 3).collect();
    assert_same_sound("the first stream", links[0], &decode("a.ogg", &first), RATE);
    // The others at the rate of the first, by ffmpeg's resampler.
    let (both, as_it_is) = ("pan=stereo|c0=c0|c1=c0", "anull");
    for (name, link, at, filter) in [("the second stream", &second, 1, both), ("the third stream", &third, 2, as_it_is)]
    {
        let wave = resampled(link, filter);
        assert_same_sound(name, links[at], &decode("a.wav", &wave), RATE);
    }
}
