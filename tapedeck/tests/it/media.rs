//! Short videos, made with ffmpeg once and kept in the build folder, and a look at mp3s.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const PICTURE: &str = "testsrc2=s=64x48:r=25";
const TONE: &str = "sine=frequency=440:sample_rate=44100";

/// A video of `seconds` with a tone, in the container that `extension` names.
pub(crate) fn video(extension: &str, seconds: u32) -> PathBuf {
    let codecs: &[&str] = match extension {
        "webm" => &["-c:v", "libvpx", "-b:v", "100k", "-deadline", "realtime", "-c:a", "libopus"],
        "avi" => &["-c:v", "mpeg4", "-c:a", "libmp3lame"],
        "ts" => &["-c:v", "mpeg2video", "-c:a", "aac"],
        _ => &["-c:v", "mpeg4", "-c:a", "aac"],
    };
    let seconds = seconds.to_string();
    make(
        &format!("tone-{seconds}.{extension}"),
        &[
            &["-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", TONE, "-t", &seconds, "-ac", "2"],
            codecs,
            if extension == "mp4" { &["-movflags", "+faststart"] } else { &[] },
        ],
    )
}

/// As [`video`] in mp4, with `moov` behind the media.
pub(crate) fn moov_last(seconds: u32) -> PathBuf {
    let seconds = seconds.to_string();
    make(
        &format!("moov-last-{seconds}.mp4"),
        &[
            &["-f", "lavfi", "-i", PICTURE, "-f", "lavfi", "-i", TONE, "-t", &seconds],
            &["-c:v", "mpeg4", "-c:a", "aac"],
        ],
    )
}

/// A video that has no sound.
pub(crate) fn silent_film() -> PathBuf {
    make("silent-film.mp4", &[&["-f", "lavfi", "-i", PICTURE, "-t", "2", "-c:v", "mpeg4", "-movflags", "+faststart"]])
}

/// A file with this content.
pub(crate) fn file(name: &str, content: &[u8]) -> PathBuf {
    write(name, |path| fs::write(path, content).expect("the folder takes files"))
}

fn make(name: &str, arguments: &[&[&str]]) -> PathBuf {
    write(name, |path| {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y"]).args(arguments.concat()).arg(path);
        assert!(ffmpeg.status().expect("ffmpeg runs").success(), "ffmpeg made {name}");
    })
}

/// Makes a file beside its name and renames it: tests that run side by side never see half of one.
fn write(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("media");
    fs::create_dir_all(&folder).expect("the build folder takes files");
    let path = folder.join(name);
    if !path.exists() {
        let own = tempfile::tempdir_in(&folder).expect("a temporary folder");
        make(&own.path().join(name));
        fs::rename(own.path().join(name), &path).expect("the file was made");
    }
    path
}

/// An mp3 as ffmpeg decodes it and ffprobe describes it.
pub(crate) struct Mp3 {
    /// Decoded length, encoder delay and padding trimmed.
    pub(crate) seconds: f64,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u32,
    pub(crate) tags: Value,
}

/// Looks at an mp3 that must decode without a complaint.
pub(crate) fn look(mp3: &[u8]) -> Mp3 {
    let file = tempfile::Builder::new().suffix(".mp3").tempfile().expect("a temporary file");
    fs::write(file.path(), mp3).expect("the file takes bytes");
    let decode = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(file.path())
        .args(["-ac", "1", "-ar", "48000", "-f", "u8", "-"])
        .output()
        .expect("ffmpeg runs");
    assert!(decode.status.success() && decode.stderr.is_empty(), "{}", String::from_utf8_lossy(&decode.stderr));
    let samples = u32::try_from(decode.stdout.len()).expect("a short mp3");
    let probe = Command::new("ffprobe")
        .args(["-v", "error", "-show_format", "-show_streams", "-of", "json"])
        .arg(file.path())
        .output()
        .expect("ffprobe runs");
    let probe: Value = serde_json::from_slice(&probe.stdout).expect("JSON");
    let stream = &probe["streams"][0];
    assert_eq!(stream["codec_name"], "mp3");
    Mp3 {
        seconds: f64::from(samples) / 48_000.0,
        sample_rate: stream["sample_rate"].as_str().and_then(|rate| rate.parse().ok()).expect("a rate"),
        channels: stream["channels"].as_u64().and_then(|n| n.try_into().ok()).expect("a number"),
        tags: probe["format"]["tags"].clone(),
    }
}

/// Lower-case hexadecimal SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    chassis::hex::encode(&sha2::Sha256::digest(bytes))
}
