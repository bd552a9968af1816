//! Matroska and `WebM`.

use converter::control::{
    Completeness::{Complete, Unknown},
    Decoder::{Copied, Ffmpeg, Symphonia},
};

use super::{check, formats};

#[tokio::test]
async fn matroska_and_webm_are_converted() {
    check(formats! {
        "aac.mkv" Some("mpeg4"), ["-c:a", "aac"] => Symphonia Complete "mkv/aac" false;
        "vorbis.mkv" Some("mpeg4"), ["-c:a", "libvorbis"] => Symphonia Complete "mkv/vorbis" false;
        "flac.mkv" Some("mpeg4"), ["-c:a", "flac"] => Symphonia Complete "mkv/flac" true;
        "mp3.mkv" Some("mpeg4"), ["-c:a", "libmp3lame"] => Copied Complete "mkv/mp3" false;
        "pcm.mkv" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Symphonia Complete "mkv/pcm" true;
        "alac.mkv" Some("mpeg4"), ["-c:a", "alac"] => Symphonia Complete "mkv/alac" true;
        "mp2.mkv" Some("mpeg4"), ["-c:a", "mp2"] => Ffmpeg Complete "mkv/mp2" false;
        "eac3.mkv" Some("mpeg4"), ["-c:a", "eac3"] => Ffmpeg Complete "mkv/eac3" false;
        "opus.mkv" Some("mpeg4"), ["-c:a", "libopus"] => Ffmpeg Complete "mkv/opus" false;
        "ac3.mkv" Some("mpeg4"), ["-c:a", "ac3"] => Ffmpeg Complete "mkv/ac3" false;
        "dts.mkv" Some("mpeg4"), ["-c:a", "dca", "-strict", "-2"] => Ffmpeg Complete "mkv/dts" false;
        "vorbis.webm" Some("libvpx"), ["-c:a", "libvorbis"] => Symphonia Complete "mkv/vorbis" false;
        "opus.webm" Some("libvpx"), ["-c:a", "libopus"] => Ffmpeg Complete "mkv/opus" false;
        "live.webm" Some("libvpx"), ["-c:a", "libvorbis", "-live", "1"] => Symphonia Unknown "mkv/vorbis" false;
    })
    .await;
}
