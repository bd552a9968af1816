//! Every container and codec that is promised, from a clip that ffmpeg makes.

mod audio;
mod copies;
mod gapless;
mod lengths;
mod matroska;
mod mp4;
mod other;
mod rates;
mod surround;
mod tracks;

use converter::{
    control::{Completeness, Decoder},
    options::{Options, Reencode},
};

use crate::{
    compare::assert_same_sound,
    engine_rig::{RATE, SAMPLES, SECONDS, convert, decode, job, sound, video},
    signal::SIGNAL,
};
use Decoder::{Copied, Ffmpeg, Symphonia};

/// What is expected of one file.
#[derive(Debug, Clone, Copy)]
struct Format {
    file: &'static str,
    /// Codec of the picture; without one the clip is audio only.
    picture: Option<&'static str>,
    audio: &'static [&'static str],
    decoder: Decoder,
    completeness: Completeness,
    source: &'static str,
    /// Whether not a sample may be missing or added.
    is_exact: bool,
}

/// In mp3s of this rate ffmpeg 5.1 decodes a part of the spectrum wrongly: 5 dB, where mpg123 finds 26 in the same file.
/// It is no judge of them.
const MISREAD_RATE: u32 = 24_000;

macro_rules! formats {
    ($($file:literal $picture:expr, $audio:expr => $by:ident $whole:ident $source:literal $exact:literal;)*) => {
        [$(crate::formats::Format {
            file: $file,
            picture: $picture,
            audio: &$audio,
            decoder: $by,
            completeness: $whole,
            source: $source,
            is_exact: $exact,
        }),*]
    };
}
use formats;

/// Most that a clip may be longer or shorter, by an encoder's delay and padding that its container does not tell.
const OFF_MS_MAX: u64 = 50;
/// Samples of both channels that ffmpeg may leave in or cut off at the end: Matroska tells of less than a frame.
const ENDS_MAX: usize = 2 * 1152;

/// Checks all of them, and tells all that fail.
async fn check<const N: usize>(formats: [Format; N]) {
    let mut failed = Vec::new();
    for format in formats {
        if tokio::spawn(check_one(format)).await.is_err() {
            failed.push(format.file);
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}

async fn check_one(format: Format) {
    let clip = match format.picture {
        Some(codec) => video(format.file, SIGNAL, &[&["-c:v", codec], format.audio].concat()),
        None => sound(format.file, SIGNAL, format.audio),
    };
    check_clip(&format, &clip, Options::default(), format.decoder).await;
    if format.decoder == Copied {
        let anew = Options { reencode: Reencode::Always, ..Options::default() };
        check_clip(&format, &clip, anew, if is_demuxed_here(&format) { Symphonia } else { Ffmpeg }).await;
    }
}

async fn check_clip(format: &Format, clip: &[u8], options: Options, by: Decoder) {
    let (report, mp3) = convert(&job(options), clip).await.converted();
    let name = format.file;
    assert_eq!(report.source, format.source, "{name}");
    assert_eq!(report.decoder, by, "{name}");
    assert_eq!(report.completeness, format.completeness, "{name}");
    assert_eq!((report.sample_rate, report.channels), (rate(format), 2), "{name}");
    assert_eq!(report.video_bytes, clip.len() as u64, "{name}");
    let off_ms = report.duration_ms.abs_diff(u64::from(SECONDS) * 1000);
    assert!(off_ms <= OFF_MS_MAX, "{name}: {} ms", report.duration_ms);
    let (decoded, original) = (decode("out.mp3", &mp3), decode(name, clip));
    assert_eq!(decoded.len() as u64 / 2, report.samples, "{name}: players see the length tag");
    if format.is_exact {
        assert_eq!(report.samples, SAMPLES, "{name}");
    } else {
        assert!(decoded.len().abs_diff(original.len()) <= ENDS_MAX, "{name}: {} of {}", decoded.len(), original.len());
    }
    if report.decoder == Copied {
        let both = decoded.len().min(original.len());
        assert!(decoded[..both] == original[..both], "{name}: the copy is decoded to other samples");
    }
    assert_same_sound(name, &decoded, &original, report.sample_rate);
}

fn rate(format: &Format) -> u32 {
    if format.source.ends_with("opus") { 48_000 } else { RATE }
}

fn is_demuxed_here(format: &Format) -> bool {
    ["mp4/", "mkv/", "mp3/"].iter().any(|container| format.source.starts_with(container))
}
