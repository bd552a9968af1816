//! Mp3 sources: their frames are copied under a length tag of our own.

use std::time::Duration;

use converter::{
    control::{
        Completeness,
        Decoder::{self, Copied},
        RefusalKind,
    },
    engine::Job,
    options::{Options, Reencode},
};
use tempfile::TempDir;

use crate::{
    engine_rig::{convert, decode, ffmpeg, ffprobe, job, sound, video},
    signal::SIGNAL,
};

const LAME: [&str; 4] = ["-c:a", "libmp3lame", "-q:a", "2"];

/// A clip of mp3 in each container that is known to hold it.
fn clips() -> Vec<(&'static str, Vec<u8>)> {
    let mut clips = vec![("a.mp3", sound("a.mp3", SIGNAL, &LAME))];
    for (file, picture) in
        [("a.mp4", "mpeg4"), ("a.mkv", "mpeg4"), ("a.avi", "mpeg4"), ("a.ts", "mpeg2video"), ("a.flv", "flv")]
    {
        clips.push((file, video(file, SIGNAL, &[&["-c:v", picture][..], &LAME].concat())));
    }
    clips
}

fn count(mp3: &[u8], name: [u8; 4]) -> usize {
    mp3.windows(4).filter(|bytes| *bytes == name).count()
}

#[tokio::test]
async fn a_copy_has_the_frames_of_its_source_and_no_other_tag() {
    for (file, clip) in clips() {
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!(report.decoder, Copied, "{file}");
        assert_eq!(count(&mp3, *b"Xing") + count(&mp3, *b"Info"), 1, "{file}: an old tag is a frame of silence");
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join(file), &clip).expect("the clip");
        let bare = ["-map", "0:a", "-c", "copy", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "pipe:1"];
        let frames = ffmpeg(folder.path(), &[&["-i", file][..], &bare].concat());
        let music = &mp3[mp3.len() - frames.len()..];
        assert!(music == frames, "{file}: the frames of the source, each with all its bits");
        let packets = ffprobe("a.mp3", &mp3, "stream=nb_read_packets", &["-count_packets"]);
        assert_eq!(packets, report.frames.to_string(), "{file}");
        assert_eq!(decode("a.mp3", &mp3).len() as u64 / 2, report.samples, "{file}");
        let seconds: f64 = ffprobe("a.mp3", &mp3, "format=duration", &[]).parse().expect("a duration");
        let told = Duration::from_secs_f64(seconds).abs_diff(Duration::from_millis(report.duration_ms));
        assert!(told <= Duration::from_millis(50), "{file}: {seconds} s");
    }
}

#[tokio::test]
async fn what_edits_cut_away_is_in_no_copy() {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("a.mp4"), video("a.mp4", SIGNAL, &[&["-c:v", "mpeg4"][..], &LAME].concat()))
        .expect("the clip");
    // The frames before and behind are still in the file, and an edit list leaves them out.
    for range in [["-ss", "1.5", "-t", "9"], ["-ss", "0", "-t", "1.2"]] {
        let arguments = [&range[..], &["-i", "a.mp4", "-c", "copy", "-movflags", "+faststart", "cut.mp4"]].concat();
        ffmpeg(folder.path(), &arguments);
        let clip = std::fs::read(folder.path().join("cut.mp4")).expect("the cut clip");
        let (report, _) = convert(&job(Options::default()), &clip).await.converted();
        let (anew, _) =
            convert(&job(Options { reencode: Reencode::Always, ..Options::default() }), &clip).await.converted();
        let off_ms = report.duration_ms.abs_diff(anew.duration_ms);
        assert!(off_ms <= 30, "{range:?}: {} ms and {} ms", report.duration_ms, anew.duration_ms);
    }
}

#[tokio::test]
async fn of_two_mp3s_in_one_file_both_are_converted() {
    let once = sound("a.mp3", SIGNAL, &LAME);
    let (single, _) = convert(&job(Options::default()), &once).await.converted();
    let twice = [&once[..], &once].concat();
    for reencode in [Reencode::Auto, Reencode::Always] {
        let (report, _) = convert(&job(Options { reencode, ..Options::default() }), &twice).await.converted();
        assert!(report.samples >= 2 * single.samples, "{reencode:?}: {} of {}", report.samples, 2 * single.samples);
        assert_eq!(report.completeness, Completeness::Unknown, "only the first says how long it is");
    }
}

#[tokio::test]
async fn a_copy_may_be_as_long_as_allowed() {
    let clip = sound("a.mp3", SIGNAL, &LAME);
    let (report, _) = convert(&job(Options::default()), &clip).await.converted();
    let limited = |duration_max| Job { duration_max, ..job(Options::default()) };
    let (just, short) =
        (Duration::from_millis(report.duration_ms + 1), Duration::from_millis(report.duration_ms - 100));
    assert_eq!(convert(&limited(just), &clip).await.converted().0.samples, report.samples);
    convert(&limited(short), &clip).await.refused_as(&[RefusalKind::TooLong], "shorter");
}

#[tokio::test]
async fn a_copy_of_a_copy_is_the_same() {
    for (file, clip) in clips() {
        let (_, once) = convert(&job(Options::default()), &clip).await.converted();
        let (_, twice) = convert(&job(Options::default()), &once).await.converted();
        assert!(once == twice, "{file}");
    }
}

#[tokio::test]
async fn the_seek_table_leads_to_every_percent_of_a_variable_bit_rate() {
    // Noise makes the second half many times as large.
    let growing = "aevalsrc=0.1*sin(2*PI*440*t)|0.2*gte(t\\,10)*(2*random(0)-1):s=44100:d=20";
    let source = sound("a.mp3", growing, &LAME);
    let in_video = video("a.avi", growing, &[&["-c:v", "mpeg4"][..], &LAME].concat());
    for (what, clip, reencode) in [
        ("copied", &source, Reencode::Auto),
        ("copied out of an AVI", &in_video, Reencode::Auto),
        ("encoded", &source, Reencode::Always),
    ] {
        let (report, mp3) = convert(&job(Options { reencode, ..Options::default() }), clip).await.converted();
        assert_eq!(report.decoder == Decoder::Copied, reencode == Reencode::Auto, "{what}");
        let name = mp3.windows(4).position(|bytes| bytes == b"Xing").expect("the tag of a variable bit rate");
        let table = &mp3[name + 16..name + 116];
        let positions = ffprobe("a.mp3", &mp3, "packet=pos", &[]);
        let positions: Vec<usize> = positions.lines().map(|line| line.parse().expect("a position")).collect();
        assert_eq!(positions.len() as u64, report.frames, "{what}");
        let step = mp3.len() / 256 + 1;
        for (percent, &entry) in table.iter().enumerate() {
            let (there, told) = (positions[positions.len() * percent / 100], usize::from(entry) * mp3.len() / 256);
            assert!(told <= there && there - told <= step, "{what}: {told} for {there} at {percent} %");
        }
        assert!(table[50] < 100, "{what}: the first half is small");
    }
}
