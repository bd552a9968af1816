//! Videos that must not become an mp3.

use std::{path::Path, time::Duration};

use converter::{
    control::Completeness,
    control::RefusalKind::{
        self, Damaged, Empty, EmptyRange, Internal, NoAudio, Playlist, TooLong, Truncated, UnknownContainer,
    },
    engine::Job,
    options::Options,
};

use crate::engine_rig::{STEREO, convert, convert_saying, ffmpeg, job, sound, video};

/// Where files are cut, in percent.
const CUTS: [usize; 5] = [15, 40, 60, 80, 98];

#[tokio::test]
async fn a_cut_file_is_never_converted() {
    const FAST: [&str; 2] = ["-movflags", "+faststart"];
    for (file, codec, audio) in [
        ("fast.mp4", "mpeg4", &["-c:a", "aac", FAST[0], FAST[1]][..]),
        ("last.mp4", "mpeg4", &["-c:a", "aac"]),
        ("dash.mp4", "mpeg4", &["-c:a", "aac", "-movflags", "+dash+global_sidx"]),
        ("ac3.mp4", "mpeg4", &["-c:a", "ac3", FAST[0], FAST[1]]),
        ("aac.mkv", "mpeg4", &["-c:a", "aac"]),
        ("opus.webm", "libvpx", &["-c:a", "libopus"]),
        ("mp3.avi", "mpeg4", &["-c:a", "libmp3lame"]),
        ("theora.ogv", "libtheora", &["-c:a", "libvorbis"]),
    ] {
        let clip = video(file, STEREO, &[&["-c:v", codec], audio].concat());
        cut_everywhere(file, &clip).await;
    }
    for (file, audio) in [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.ogg", "libvorbis"), ("a.mp3", "libmp3lame")] {
        cut_everywhere(file, &sound(file, STEREO, &["-c:a", audio])).await;
    }
}

async fn cut_everywhere(file: &str, clip: &[u8]) {
    for percent in CUTS {
        // A few lost milliseconds are not seen where only a duration is declared.
        if percent > 90 && file == "a.mp3" {
            continue;
        }
        let cut = &clip[..clip.len() * percent / 100];
        convert(&job(Options::default()), cut)
            .await
            .refused_as(&[Truncated, Damaged], &format!("{file} at {percent} %"));
    }
}

#[tokio::test]
async fn an_index_of_a_part_proves_nothing_of_the_whole() {
    let flags = ["-c:a", "aac", "-movflags", "+dash+empty_moov+frag_keyframe", "-frag_duration", "500000"];
    let clip = sound("a.mp4", STEREO, &flags);
    let indexes: Vec<usize> = (4..clip.len() - 4).filter(|&at| clip[at..].starts_with(b"sidx")).collect();
    assert!(indexes.len() > 2, "an index before each fragment");
    for index in &indexes[1..] {
        let outcome = convert(&job(Options::default()), &clip[..index - 4]).await;
        let (report, _) = outcome.converted();
        assert_eq!(report.completeness, Completeness::Unknown);
    }
}

#[tokio::test]
async fn an_upload_without_its_end_is_never_converted() {
    let clip = sound("a.wav", STEREO, &["-c:a", "pcm_s16le"]);
    for said in [clip.len() as u64 + 1, clip.len() as u64 - 1, 0] {
        convert_saying(&job(Options::default()), &clip, Some(said)).await.refused_as(&[Truncated], "another size");
    }
    // Without the mark the service hung up, as far as the engine knows, and nobody wants a verdict.
    let outcome = convert_saying(&job(Options::default()), &clip, None).await;
    assert!(outcome.verdict.is_none_or(|verdict| matches!(verdict, converter::control::Verdict::Refused(_))));
}

#[tokio::test]
async fn what_holds_no_audio_is_refused() {
    for (file, codec, more) in [
        ("a.mp4", "mpeg4", &["-movflags", "+faststart"][..]),
        ("last.mp4", "mpeg4", &[]),
        ("a.mkv", "mpeg4", &[]),
        ("a.avi", "mpeg4", &[]),
        ("a.ts", "mpeg2video", &[]),
    ] {
        let clip = video(file, STEREO, &[&["-map", "0:v", "-c:v", codec], more].concat());
        convert(&job(Options::default()), &clip).await.refused_as(&[NoAudio], file);
    }
}

#[tokio::test]
async fn a_playlist_is_refused_and_what_it_names_is_not_read() {
    let folder = tempfile::TempDir::new().expect("a folder");
    ffmpeg(folder.path(), &["-f", "lavfi", "-i", STEREO, "secret.wav"]);
    let secret = folder.path().join("secret.wav");
    let lists = [
        format!("#EXTM3U\n#EXTINF:3,\n{}\n", secret.display()),
        format!("ffconcat version 1.0\nfile '{}'\n", secret.display()),
        format!("<?xml version=\"1.0\"?><MPD><BaseURL>{}</BaseURL></MPD>", secret.display()),
    ];
    for list in lists {
        convert(&job(Options::default()), list.as_bytes()).await.refused_as(&[Playlist], &list);
    }
}

#[tokio::test]
async fn what_is_no_video_is_refused() {
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (bytes, kind) in [(&b"Hello"[..], UnknownContainer), (&noise, UnknownContainer), (b"", Empty)] {
        convert(&job(Options::default()), bytes).await.refused_as(&[kind], "no video");
    }
}

#[tokio::test]
async fn audio_over_the_limit_is_refused() {
    let clips = [
        video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]),
        video("a.ts", STEREO, &["-c:v", "mpeg2video", "-c:a", "aac"]),
    ];
    for clip in clips {
        let short = Job { duration_max: Duration::from_secs(2), ..job(Options::default()) };
        let outcome = convert(&short, &clip).await;
        outcome.refused_as(&[TooLong], "3 s");
        assert!(outcome.refused().to_string().contains("2s (DURATION_MAX)"), "{:?}", outcome.refused());
        assert!(outcome.refused().with_flag().contains("2s (--duration-max)"), "{:?}", outcome.refused());
    }
}

#[tokio::test]
async fn a_range_behind_the_end_is_refused() {
    let clip = sound("a.wav", STEREO, &[]);
    let outcome = convert(&job(Options { start: Some(3.0), ..Options::default() }), &clip).await;
    outcome.refused_as(&[EmptyRange], "start at the end");
}

#[tokio::test]
async fn a_missing_ffmpeg_is_said_to_be_missing() {
    let clip = sound("a.opus", STEREO, &["-c:a", "libopus"]);
    let without = Job { ffmpeg: Path::new("/no/such/ffmpeg").to_owned(), ..job(Options::default()) };
    let outcome = convert(&without, &clip).await;
    outcome.refused_as(&[Internal], "no ffmpeg");
    assert!(outcome.refused().detail.contains("ffmpeg"), "{:?}", outcome.refused());
}

#[tokio::test]
async fn damaged_bytes_never_crash_the_engine() {
    let clip = video("a.mp4", STEREO, &["-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"]);
    for seed in 1..16_u32 {
        let mut damaged = clip.clone();
        let mut state = seed;
        for _ in 0..40 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Mostly in the index, which is in front.
            let place = state as usize % (damaged.len() / 4);
            damaged[place] = (state >> 24) as u8;
        }
        let outcome = convert(&job(Options::default()), &damaged).await;
        assert!(outcome.verdict.is_some() && outcome.is_success, "seed {seed}: {outcome:?}");
    }
}

#[test]
fn every_kind_of_refusal_has_a_name_on_the_wire() {
    let wire = serde_json::to_string(&RefusalKind::UnknownContainer).expect("a name");
    assert_eq!(wire, "\"unknown_container\"");
}
