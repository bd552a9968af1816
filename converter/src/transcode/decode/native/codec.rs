//! What is decoded here.

use symphonia::core::codecs::audio::{AudioCodecId, well_known as codec};

use crate::sniff::Container;

/// AAC at this rate or below is taken for the core of HE-AAC, whose upper half symphonia would silently drop.
const AAC_CORE_RATE_MAX: u32 = 24_000;

/// The name of a codec that is decoded here, `None` where ffmpeg does it better. `channels` is 0 where they are not
/// known yet.
pub(super) fn native(id: AudioCodecId, container: Container, rate: u32, channels: usize) -> Option<&'static str> {
    let name = name(id, container)?;
    let is_plain = channels <= 2 && !(name == "aac" && rate <= AAC_CORE_RATE_MAX);
    // The order of more channels is WAVE's in these; the others have orders of their own.
    (is_plain || matches!(name, "flac" | "pcm")).then_some(name)
}

fn name(id: AudioCodecId, container: Container) -> Option<&'static str> {
    Some(match id {
        codec::CODEC_ID_AAC => "aac",
        codec::CODEC_ID_MP3 => "mp3",
        codec::CODEC_ID_VORBIS => "vorbis",
        codec::CODEC_ID_FLAC => "flac",
        codec::CODEC_ID_ALAC => "alac",
        // In QuickTime every sample would be a packet of its own.
        codec::CODEC_ID_PCM_U8
        | codec::CODEC_ID_PCM_S16LE
        | codec::CODEC_ID_PCM_S24LE
        | codec::CODEC_ID_PCM_S32LE
        | codec::CODEC_ID_PCM_F32LE
        | codec::CODEC_ID_PCM_F64LE
            if container != Container::Mp4 =>
        {
            "pcm"
        }
        _ => return None,
    })
}
