use std::{fs::File, io::Read as _, path::Path, process::Command};

use proptest::prelude::*;
use symphonia::core::{
    formats::{FormatOptions, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::*;
use crate::transcode::mp4::{Shared, StreamFilter};

const JPEG: &[u8] = b"\xFF\xD8\xFF\xE0 a picture, as far as its magic goes";
const PNG: &[u8] = b"\x89PNG\r\n\x1A\n a picture, as far as its magic goes";

/// Makes a second of tone with tags by ffmpeg, in a file of this name.
fn made(folder: &Path, name: &str, more: &[&str]) -> Vec<u8> {
    let file = folder.join(name);
    let tone = ["-v", "error", "-f", "lavfi", "-i", "sine=d=1"];
    let tags = ["title=Tïtle", "artist=Artist", "album=Album", "track=3/12", "date=2024-05-06T07:08:09Z"];
    let tags = tags.iter().flat_map(|tag| ["-metadata", tag]);
    let status = Command::new("ffmpeg").args(tone).args(more).args(tags).arg(&file).status().expect("ffmpeg");
    assert!(status.success(), "{name}");
    std::fs::read(file).expect("what ffmpeg made")
}

fn read(file: &Path) -> Tags {
    let stream =
        MediaSourceStream::new(Box::new(File::open(file).expect("the file")), MediaSourceStreamOptions::default());
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut format = symphonia::default::get_probe().probe(&Hint::new(), stream, format, metadata).expect("a demuxer");
    Tags::of(&mut *format)
}

fn wanted() -> Tags {
    Tags {
        title: Some("Tïtle".into()),
        artist: Some("Artist".into()),
        album: Some("Album".into()),
        track_number: Some(3),
        date: Some("2024-05-06".into()),
        picture: None,
    }
}

#[test]
fn tags_and_covers_are_read_from_every_container() {
    let folder = tempfile::tempdir().expect("a folder");
    let jpeg = folder.path().join("cover.jpg");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "color=red:s=64x64:d=1", "-frames:v", "1"])
        .arg(&jpeg)
        .status();
    assert!(status.expect("ffmpeg").success());
    let jpeg = jpeg.to_str().expect("a plain path");
    let picture = Picture::of(&std::fs::read(jpeg).expect("the cover"));
    assert!(picture.is_some());
    let with_cover: &[&str] =
        &["-i", jpeg, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v:0", "attached_pic"];
    let attached: &[&str] = &["-attach", jpeg, "-metadata:s:t", "mimetype=image/jpeg"];
    let with_video: &[&str] = &["-f", "lavfi", "-i", "testsrc=d=1"];
    for (name, more, has_cover) in [
        ("a.m4a", with_cover, true),
        ("a.mp3", with_cover, true),
        ("a.flac", with_cover, true),
        ("a.ogg", &["-c:a", "libvorbis"], false),
        ("a.mka", attached, true),
        ("a.mkv", with_video, false),
    ] {
        let bytes = made(folder.path(), name, more);
        let tags = read(&folder.path().join(name)).or(Tags::of_head(&bytes[..4096]));
        assert_eq!(tags, Tags { picture: picture.clone().filter(|_| has_cover), ..wanted() }, "{name}");
    }
}

#[test]
fn quicktime_tells_its_tags_by_name_and_by_key() {
    let folder = tempfile::tempdir().expect("a folder");
    // ffmpeg has no name for the number.
    let named = Tags { track_number: None, ..wanted() };
    for (name, more, wanted) in
        [("named.mov", &[][..], named), ("keyed.mov", &["-movflags", "use_metadata_tags"], wanted())]
    {
        let bytes = made(folder.path(), name, &[&["-c:a", "aac"][..], more].concat());
        let shared = Shared::default();
        let read = StreamFilter::new(&bytes[..], shared.clone()).read_to_end(&mut Vec::new()).expect("all bytes");
        assert_eq!(read, bytes.len());
        assert_eq!(Tags::of_movie(&shared.movie().texts), wanted, "{name}");
    }
}

#[test]
fn a_wave_file_tells_its_tags_before_its_samples() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = made(folder.path(), "a.wav", &[]);
    assert_eq!(Tags::of_head(&bytes), wanted());
}

#[test]
fn info_without_utf8_is_latin1_and_wild_sizes_are_cut() {
    let info = b"INFOINAM\x03\0\0\0T\xEFt\0IPRT\x02\0\0\x007\0ICRD\xFF\xFF\xFF\xFF2024-05";
    let tags =
        Tags { title: Some("Tït".into()), track_number: Some(7), date: Some("2024-05".into()), ..Tags::default() };
    assert_eq!(Tags::of_wave_info(info), tags);
    assert_eq!(Tags::of_wave_info(&info[4..]), tags);
}

#[test]
fn options_stand_in_place_of_the_source() {
    let source = Tags { picture: Picture::of(JPEG), ..wanted() };
    let asked = Options { title: Some("Mine".into()), track_number: Some(9), ..Options::default() };
    let tags = source.clone().with_options(&asked);
    assert_eq!(tags, Tags { title: Some("Mine".into()), track_number: Some(9), ..source.clone() });
    let only = source.with_options(&Options { tags: options::Tags::None, ..asked });
    assert_eq!(only, Tags { title: Some("Mine".into()), track_number: Some(9), ..Tags::default() });
}

#[test]
fn only_pictures_that_players_show_are_taken() {
    assert_eq!(Picture::of(PNG).map(|picture| picture.media_type), Some("image/png"));
    assert_eq!(Picture::of(JPEG).map(|picture| picture.media_type), Some("image/jpeg"));
    assert_eq!(Picture::of(b"GIF89a"), None);
    assert_eq!(Picture::of(&[]), None);
    let large = [JPEG, &vec![0; PICTURE_BYTES_MAX]].concat();
    assert!(Picture::of(&large[..PICTURE_BYTES_MAX]).is_some());
    assert_eq!(Picture::of(&large[..=PICTURE_BYTES_MAX]), None);
}

#[test]
fn what_is_written_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let frames = made(folder.path(), "bare.mp3", &["-id3v2_version", "0"]);
    let tags = Tags { picture: Picture::of(PNG), ..wanted() };
    let bytes = tags.to_id3().expect("a tag");
    assert_eq!(bytes[..5], *b"ID3\x04\0");
    let file = folder.path().join("tagged.mp3");
    std::fs::write(&file, [bytes, frames].concat()).expect("written");
    assert_eq!(read(&file), tags);
}

#[test]
fn nothing_to_say_is_no_tag() {
    assert!(Tags::default().to_id3().expect("nothing").is_empty());
    assert!(Tags::default().with_options(&Options::default()).to_id3().expect("nothing").is_empty());
}

proptest! {
    #[test]
    fn no_head_is_a_crash_and_no_text_unfit(
        wave in any::<bool>(),
        rest in prop::collection::vec(any::<u8>(), 0..200),
        text in ".{0,2000}",
    ) {
        let head: &[u8] = if wave { b"RIFF....WAVELIST" } else { b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\xFF\x7B\xA9" };
        let title = Tags::of_head(&[head, &rest].concat()).title;
        let asked = Options { title: Some(text), ..Options::default() };
        for text in title.into_iter().chain(Tags::default().with_options(&asked).title) {
            prop_assert!(!text.is_empty() && text.len() <= 1024 && !text.chars().any(char::is_control), "{:?}", text);
        }
    }
}
