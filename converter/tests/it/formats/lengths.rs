//! Healthy videos whose audio is not as long as they are.

use converter::{
    control::{
        Completeness::{self, Complete, Unknown},
        Report,
    },
    options::{Options, Reencode},
};

use crate::engine_rig::{STEREO, convert, job, sound, video};

/// A sound of 1 s for a picture of 3 s.
const SHORT: &str = "aevalsrc=0.3*sin(2*PI*440*t)|0.2*sin(2*PI*660*t):s=44100:d=1";
/// How far a clip's duration may be off, by the frames of its codec.
const OFF_MS_MAX: u64 = 60;

async fn converted(clip: &[u8], reencode: Reencode) -> Report {
    convert(&job(Options { reencode, ..Options::default() }), clip).await.converted().0
}

async fn check(file: &str, clip: &[u8], ms: u64, completeness: Completeness) {
    for reencode in [Reencode::default(), Reencode::Always] {
        let report = converted(clip, reencode).await;
        assert_eq!(report.completeness, completeness, "{file}: {report:?}");
        assert!(report.duration_ms.abs_diff(ms) <= OFF_MS_MAX, "{file}: {report:?}");
    }
}

#[tokio::test]
async fn a_sound_that_ends_before_the_picture_is_whole() {
    for (file, picture, codec) in [
        ("aac.mkv", "mpeg4", "aac"),
        ("mp3.mkv", "mpeg4", "libmp3lame"),
        ("opus.webm", "libvpx", "libopus"),
        ("mp3.avi", "mpeg4", "libmp3lame"),
        ("pcm.avi", "mpeg4", "pcm_s16le"),
        ("vorbis.ogv", "libtheora", "libvorbis"),
    ] {
        let clip = video(file, SHORT, &["-c:v", picture, "-c:a", codec]);
        check(file, &clip, 1000, Complete).await;
    }
}

#[tokio::test]
async fn a_sound_that_begins_after_the_picture_is_whole() {
    for (file, picture, codec) in
        [("aac.mkv", "mpeg4", "aac"), ("opus.webm", "libvpx", "libopus"), ("vorbis.ogv", "libtheora", "libvorbis")]
    {
        let offset = ["-itsoffset", "2", "-f", "lavfi", "-i", SHORT];
        let maps = ["-map", "0:v", "-map", "2:a", "-c:v", picture, "-c:a", codec];
        let clip = video(file, STEREO, &[&offset[..], &maps].concat());
        check(file, &clip, 1000, Complete).await;
    }
}

#[tokio::test]
async fn where_only_the_longest_track_is_told_a_shorter_sound_is_not_known_to_be_whole() {
    let mut clip = video("aac.mkv", SHORT, &["-c:v", "mpeg4", "-c:a", "aac"]);
    let names: Vec<usize> = (0..clip.len()).filter(|&at| clip[at..].starts_with(b"DURATION")).collect();
    for name in names {
        clip[name..name + 8].copy_from_slice(b"ANYTHING");
    }
    check("aac.mkv", &clip, 1000, Unknown).await;
    let live = video("live.webm", SHORT, &["-c:v", "libvpx", "-c:a", "libopus", "-live", "1"]);
    check("live.webm", &live, 1000, Unknown).await;
}

#[tokio::test]
async fn a_variable_bit_rate_does_not_change_what_an_avi_tells() {
    let clip = video("vbr.avi", STEREO, &["-c:v", "mpeg4", "-c:a", "libmp3lame", "-q:a", "2"]);
    check("vbr.avi", &clip, 3000, Complete).await;
    let alone = sound("alone.avi", STEREO, &["-c:a", "libmp3lame", "-q:a", "2"]);
    check("alone.avi", &alone, 3000, Complete).await;
}
