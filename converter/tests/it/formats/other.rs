//! All other videos.

use converter::control::{
    Completeness::{Complete, Unknown},
    Decoder::{Copied, Ffmpeg, Symphonia},
};

use super::{check, formats};

#[tokio::test]
async fn other_videos_are_converted() {
    check(formats! {
        "mp3.avi" Some("mpeg4"), ["-c:a", "libmp3lame"] => Copied Complete "avi/mp3" false;
        "pcm.avi" Some("mpeg4"), ["-c:a", "pcm_s16le"] => Ffmpeg Complete "avi/pcm_s16le" true;
        "aac.ts" Some("mpeg2video"), ["-c:a", "aac"] => Ffmpeg Unknown "mpegts/aac" false;
        "mp3.ts" Some("mpeg2video"), ["-c:a", "libmp3lame"] => Copied Unknown "mpegts/mp3" false;
        "mp2.ts" Some("mpeg2video"), ["-c:a", "mp2"] => Ffmpeg Unknown "mpegts/mp2" false;
        "ac3.ts" Some("mpeg2video"), ["-c:a", "ac3"] => Ffmpeg Unknown "mpegts/ac3" false;
        "aac.m2ts" Some("mpeg2video"), ["-c:a", "aac"] => Ffmpeg Unknown "mpegts/aac" false;
        "mp2.mpg" Some("mpeg2video"), ["-c:a", "mp2"] => Ffmpeg Unknown "mpegps/mp2" false;
        "ac3.mpg" Some("mpeg2video"), ["-c:a", "ac3"] => Ffmpeg Unknown "mpegps/ac3" false;
        "aac.flv" Some("flv"), ["-c:a", "aac"] => Ffmpeg Unknown "flv/aac" false;
        "mp3.flv" Some("flv"), ["-c:a", "libmp3lame"] => Copied Unknown "flv/mp3" false;
        "wma1.wmv" Some("wmv2"), ["-c:a", "wmav1"] => Ffmpeg Unknown "asf/wmav1" false;
        "mp3.asf" Some("wmv2"), ["-c:a", "libmp3lame"] => Copied Unknown "asf/mp3" false;
        "ac3.avi" Some("mpeg4"), ["-c:a", "ac3"] => Ffmpeg Complete "avi/ac3" false;
        "flac.ogv" Some("libtheora"), ["-c:a", "flac"] => Symphonia Complete "ogg/flac" true;
        "opus.ogv" Some("libtheora"), ["-c:a", "libopus"] => Ffmpeg Complete "ogg/opus" false;
        "wma.wmv" Some("wmv2"), ["-c:a", "wmav2"] => Ffmpeg Unknown "asf/wmav2" false;
        "theora.ogv" Some("libtheora"), ["-c:a", "libvorbis"] => Symphonia Complete "ogg/vorbis" true;
    })
    .await;
}
