//! Opening a container with the one demuxer that its magic asks for.

use std::io::{Read, Seek as _};

use symphonia::{
    core::{
        formats::{
            FormatOptions, FormatReader, Track,
            probe::{Hint, Probe},
        },
        io::{MediaSource, MediaSourceStream, MediaSourceStreamOptions},
        meta::MetadataOptions,
        units::Timestamp,
    },
    default::{
        formats::{FlacReader, IsoMp4Reader, MkvReader, MpaReader, OggReader, WavReader},
        meta::Id3v2Reader,
    },
};

use crate::{
    control::{Refusal, RefusalKind},
    sniff::Container,
    transcode::{
        input::{Media, OneWay},
        mp4::{Overlay, Shared, StreamFilter, Unwalked, too_many_boxes},
        structure::ogg,
    },
};

/// A demuxer; `None` where symphonia has none for the container, or not for this file.
pub(super) fn open(
    media: &Media,
    container: Container,
    movie: &Shared,
) -> Result<Option<Box<dyn FormatReader>>, Refusal> {
    let Some(probe) = probe(container) else { return Ok(None) };
    let source = source(media, container, movie)?;
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    // Symphonia's own registry would find "an mp3" in almost anything; only the sniffed format is registered here.
    let opened = probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default());
    if let (Err(_), Media::Stream(upload)) = (&opened, media) {
        // What is too much for this demuxer's filter is too much for ffmpeg's.
        upload.check_limits()?;
    }
    Ok(opened.ok())
}

fn probe(container: Container) -> Option<Probe> {
    let mut probe = Probe::new();
    match container {
        Container::Mp4 => probe.register_format::<IsoMp4Reader<'_>>(),
        Container::Matroska => probe.register_format::<MkvReader<'_>>(),
        Container::Ogg => probe.register_format::<OggReader<'_>>(),
        Container::Wav => probe.register_format::<WavReader<'_>>(),
        Container::Flac => probe.register_format::<FlacReader<'_>>(),
        Container::Mp3 => probe.register_format::<MpaReader<'_>>(),
        _ => return None,
    }
    if matches!(container, Container::Mp3 | Container::Flac) {
        probe.register_metadata::<Id3v2Reader<'_>>();
    }
    Some(probe)
}

/// Only an mp4 needs seeks, where its index comes last.
fn source(media: &Media, container: Container, movie: &Shared) -> Result<Box<dyn MediaSource>, Refusal> {
    let unreadable = |cause| Refusal::new(RefusalKind::Damaged, format!("the video could not be read: {cause}"));
    Ok(match (media, container) {
        (Media::Stream(upload), Container::Mp4) => Box::new(OneWay(StreamFilter::new(upload.clone(), movie.clone()))),
        (Media::Stream(upload), _) => Box::new(OneWay(upload.clone())),
        (Media::File(file), Container::Mp4) => match Overlay::open(file.try_clone().map_err(unreadable)?, movie) {
            Ok((overlay, found)) => {
                movie.set(found);
                Box::new(overlay)
            }
            Err(Unwalked::TooManyBoxes) => return Err(too_many_boxes()),
            // Too many fragments to keep all their indexes; then the first one is in front.
            Err(_) => Box::new(OneWay(StreamFilter::new(from_start(file).map_err(unreadable)?, movie.clone()))),
        },
        (Media::File(file), _) => Box::new(OneWay(from_start(file).map_err(unreadable)?)),
    })
}

fn from_start(file: &std::fs::File) -> std::io::Result<impl Read + Send + Sync + 'static> {
    let mut file = file.try_clone()?;
    file.rewind()?;
    Ok(file)
}

/// The audio tracks in the order of the file, of which `head` are the first bytes.
pub(super) fn audio_tracks<'a>(format: &'a dyn FormatReader, head: &[u8]) -> Vec<&'a Track> {
    let is_audio = |track: &&Track| track.codec_params.as_ref().is_some_and(|parameters| parameters.audio().is_some());
    let mut tracks: Vec<_> = format.tracks().iter().filter(is_audio).collect();
    // Symphonia sorts by serial numbers, which are random.
    let serials = ogg::serials(head);
    tracks.sort_by_key(|track| serials.iter().position(|&serial| serial == track.id));
    tracks
}

/// Samples before the time 0: the delay of the encoder, as Matroska tells it.
pub(super) fn before_zero(format: &dyn FormatReader, track: u32, pts: Timestamp, rate: u32) -> u64 {
    let base = format.tracks().iter().find(|known| known.id == track).and_then(|known| known.time_base);
    // Demuxers that trim by themselves also count from before 0.
    if format.format_info().short_name != "matroska" || !pts.is_negative() {
        return 0;
    }
    let nanos = base.and_then(|base| base.calc_time(pts)).map_or(0, |time| time.as_nanos().unsigned_abs());
    u64::try_from(nanos * u128::from(rate) / 1_000_000_000).unwrap_or(0)
}
