//! Title, artist, album, number, date and cover: from the source, from the options, or none.

use std::{
    io::{Seek as _, Write as _},
    process::Command,
};

use converter::options::{Options, Tags};
use tempfile::TempDir;

use crate::engine_rig::{MONO, STEREO, convert, decode, ffmpeg, ffprobe, job, program, sound};

const NAMES: [&str; 5] = ["title", "artist", "album", "track", "date"];
const VALUES: [&str; 5] = ["Élise – 明日", "An Artist", "An Album", "7", "2024-05-06"];

/// A clip with tags, and with a cover where the container can have one.
fn tagged(folder: &TempDir, file: &str, arguments: &[&str], has_cover: bool) -> Vec<u8> {
    let path = folder.path();
    ffmpeg(path, &["-f", "lavfi", "-i", "color=red:s=32x32:d=1", "-frames:v", "1", "cover.jpg"]);
    let picture = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=3"];
    let cover = ["-i", "cover.jpg"];
    let inputs = ["-f", "lavfi", "-i", MONO];
    let second = if has_cover { &cover[..] } else { &picture };
    let tags: Vec<String> = NAMES.iter().zip(VALUES).map(|(name, value)| format!("{name}={value}")).collect();
    let tags: Vec<&str> = tags.iter().flat_map(|tag| ["-metadata", tag]).collect();
    ffmpeg(path, &[&inputs[..], second, arguments, &tags, &[file]].concat());
    std::fs::read(path.join(file)).expect("the clip")
}

/// What ffprobe reads of an mp3; empty where there is nothing.
fn read(mp3: &[u8]) -> [String; 5] {
    NAMES.map(|name| ffprobe("a.mp3", mp3, &format!("format_tags={name}"), &[]))
}

fn picture(mp3: &[u8]) -> String {
    ffprobe("a.mp3", mp3, "stream=codec_name", &["-select_streams", "v"])
}

const AUDIO: [&str; 2] = ["-map", "0:a"];
const VIDEO: [&str; 4] = ["-map", "0:a", "-map", "1:v"];
const COVER: [&str; 8] = ["-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic"];

/// ffmpeg's messages name the codec, and tags stand among them.
#[tokio::test]
async fn no_tag_is_taken_for_a_message_of_ffmpeg() {
    let long = format!("comment={}Stream #0:0: Audio: mp3", "x".repeat(70_000));
    for tag in ["title=Audio: English", "title=Stream #0:0: Audio: mp3", &long] {
        let clip = sound("a.mkv", STEREO, &["-c:a", "ac3", "-metadata", tag]);
        let (report, _) = convert(&job(Options::default()), &clip).await.converted();
        assert_eq!(report.source, "mkv/ac3", "{}", &tag[..20]);
    }
}

#[test]
fn a_file_that_can_be_sought_in_tells_the_tags_at_its_end() {
    let mut clip = sound("a.mp3", STEREO, &["-c:a", "libmp3lame", "-id3v2_version", "0"]);
    let mut tag = [0; 128];
    for (at, text) in [(0, "TAGA title"), (33, "An Artist"), (63, "An Album"), (93, "2024"), (126, "\u{7}")] {
        tag[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    clip.extend(tag);
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(&clip).and_then(|()| file.rewind()).expect("the clip");
    let mp3 = Command::new(program()).arg("transcode").stdin(file).output().expect("an engine").stdout;
    assert_eq!(read(&mp3), ["A title", "An Artist", "An Album", "7", "2024"]);
}

#[tokio::test]
async fn tags_of_the_source_are_taken_over() {
    let folder = TempDir::new().expect("a folder");
    for (file, arguments, has_cover) in [
        ("a.m4a", &[&COVER[..], &["-c:a", "aac"]].concat()[..], true),
        ("a.mp3", &[&COVER[..], &["-c:a", "libmp3lame", "-id3v2_version", "3"]].concat(), true),
        ("a.flac", &[&COVER[..], &["-c:a", "flac"]].concat(), true),
        ("a.mp4", &[&VIDEO[..], &["-c:v", "mpeg4", "-c:a", "aac"]].concat(), false),
        ("ac3.mp4", &[&VIDEO[..], &["-c:v", "mpeg4", "-c:a", "ac3"]].concat(), false),
        ("fast.mp4", &[&VIDEO[..], &["-c:v", "mpeg4", "-movflags", "+faststart"]].concat(), false),
        ("keyed.mov", &[&AUDIO[..], &["-c:a", "pcm_s16be", "-movflags", "use_metadata_tags"]].concat(), false),
        ("a.mkv", &[&VIDEO[..], &["-c:v", "mpeg4", "-c:a", "aac"]].concat(), false),
        ("opus.webm", &[&VIDEO[..], &["-c:v", "libvpx", "-c:a", "libopus"]].concat(), false),
        ("a.ogg", &[&AUDIO[..], &["-c:a", "libvorbis"]].concat(), false),
        ("a.opus", &[&AUDIO[..], &["-c:a", "libopus"]].concat(), false),
        ("a.wav", &[&AUDIO[..], &["-c:a", "pcm_s16le"]].concat(), false),
        ("a.avi", &[&VIDEO[..], &["-c:v", "mpeg4", "-c:a", "libmp3lame"]].concat(), false),
        ("a.wmv", &[&VIDEO[..], &["-c:v", "wmv2", "-c:a", "wmav2"]].concat(), false),
        ("a.flv", &[&VIDEO[..], &["-c:v", "flv", "-c:a", "aac"]].concat(), false),
    ] {
        let clip = tagged(&folder, file, arguments, has_cover);
        let (report, mp3) = convert(&job(Options::default()), &clip).await.converted();
        let tags = read(&mp3);
        // ffmpeg 5.1 calls the album of an AVI the product, and does not pass it on.
        let wanted = VALUES.map(|value| if file == "a.avi" && value == "An Album" { "" } else { value });
        assert_eq!(tags, wanted, "{file}");
        assert_eq!(picture(&mp3), if has_cover { "mjpeg" } else { "" }, "{file}");
        assert_eq!(decode("a.mp3", &mp3).len() as u64 / 2, report.samples, "{file}");
    }
}

#[tokio::test]
async fn options_stand_in_place_of_the_source() {
    let folder = TempDir::new().expect("a folder");
    let clip = tagged(&folder, "a.mp3", &[&COVER[..], &["-c:a", "libmp3lame"]].concat(), true);
    let own = Options {
        title: Some("Mine".into()),
        track_number: Some(12),
        date: Some("1999-12".into()),
        ..Options::default()
    };
    let (_, mp3) = convert(&job(own.clone()), &clip).await.converted();
    assert_eq!(read(&mp3), ["Mine", VALUES[1], VALUES[2], "12", "1999-12"]);
    assert_eq!(picture(&mp3), "mjpeg");
    let (_, mp3) = convert(&job(Options { tags: Tags::None, ..own }), &clip).await.converted();
    assert_eq!(read(&mp3), ["Mine", "", "", "12", "1999-12"]);
    assert_eq!(picture(&mp3), "");
    let (report, mp3) = convert(&job(Options { tags: Tags::None, ..Options::default() }), &clip).await.converted();
    assert_eq!(read(&mp3), [""; 5]);
    assert!(mp3.starts_with(&[0xFF]), "the mp3 begins with its first frame");
    assert_eq!(report.head.expect("a head").offset, 0);
}
