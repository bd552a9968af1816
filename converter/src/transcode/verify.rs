//! Whether the mp3 holds all that the video has.

use std::time::Duration;

use super::{
    input::Media,
    mp4::Movie,
    structure::{Structure, Told},
};
use crate::{
    control::{Completeness, Refusal, RefusalKind},
    sniff::Container,
};

/// What may be missing of a declared duration: a percent, or so much time, whichever is more.
const SHORTAGE_PERCENT: u64 = 1;
const SHORTAGE_MS: u64 = 500;
/// Samples by which a count may be off and still be met: two frames, of which decoders drop or add one at an end.
const EXACT_SAMPLES: u64 = 2304;

/// What came out of the decoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Samples.
    pub(super) decoded: u64,
    /// Samples that the container declares; absent where the decoding was stopped before their end.
    pub(super) declared: Option<u64>,
    pub(super) rate: u32,
    pub(super) container: Container,
    /// Which audio track it is, counted from 0.
    pub(super) track: usize,
    /// Whether it was decoded to its end.
    pub(super) is_whole: bool,
    /// Whether the decoder found fault with it.
    pub(super) has_errors: bool,
}

/// Reads the rest of the video and checks it against what it declares. `upload_bytes` waits for the explicit end of
/// the upload, where there is a service to speak it. Answers the bytes of the video.
pub(super) fn verify(
    media: &Media,
    movie: &Movie,
    found: &Found,
    upload_bytes: Option<impl FnOnce() -> Option<u64>>,
) -> Result<(u64, Completeness), Refusal> {
    let (bytes, structure) = read_all(media, found.container)
        .map_err(|cause| Refusal::new(RefusalKind::Truncated, format!("the upload broke off: {cause}")))?;
    if let Some(upload_bytes) = upload_bytes {
        // The end of a pipe may as well be the death of whoever wrote into it.
        match upload_bytes() {
            Some(sent) if sent == bytes => {}
            Some(sent) => {
                return Err(Refusal::new(
                    RefusalKind::Truncated,
                    format!("the upload broke off: {bytes} of {sent} bytes came"),
                ));
            }
            None => return Err(Refusal::new(RefusalKind::Truncated, "the upload broke off before its end")),
        }
    }
    let mut completeness = structure.judge()?;
    let is_counted = matches!(found.container, Container::Flac | Container::Mp3);
    if let Some(declared) = found.declared {
        duration(found, declared, is_counted || movie.is_fragmented)?;
        let is_met = found.decoded.abs_diff(declared) <= EXACT_SAMPLES;
        if is_counted {
            // More than was declared is a file of several, of which only the first says how long it is.
            completeness = if is_met { Completeness::Complete } else { Completeness::Unknown };
        } else if movie.is_fragmented && is_met {
            completeness = Completeness::Complete;
        }
    }
    if found.container == Container::Mp4 {
        completeness = mp4(movie, bytes, completeness)?;
    }
    Ok((bytes, doubted(found, &structure, completeness)?))
}

/// What is taken for complete must hold what its container tells of the audio's duration, and nothing may be wrong with
/// it. Some programs write wrong durations and leave nonsense among the chunks; only both together prove damage.
fn doubted(found: &Found, structure: &Structure, completeness: Completeness) -> Result<Completeness, Refusal> {
    let is_faulty = structure.is_broken() || found.has_errors;
    let told = structure.told(found.track).filter(|_| found.is_whole);
    let (Told::OfAudio(duration) | Told::OfLongest(duration)) = told.unwrap_or(Told::OfLongest(Duration::ZERO));
    let declared = duration.as_millis().saturating_mul(found.rate.into()) / 1000;
    let declared = u64::try_from(declared).unwrap_or(u64::MAX);
    let is_short = is_short(found, declared);
    if is_short && is_faulty && matches!(told, Some(Told::OfAudio(_))) {
        return Err(short(found, declared, RefusalKind::Damaged));
    }
    Ok(if is_short || is_faulty { Completeness::Unknown } else { completeness })
}

/// A refusal that a cut or a limit of the structure may be the reason of becomes one that says so.
pub(super) fn explain(refusal: Refusal, media: &Media, container: Container) -> Refusal {
    let is_vague = matches!(refusal.kind, RefusalKind::Damaged | RefusalKind::NoAudio | RefusalKind::UnsupportedCodec);
    if !is_vague {
        return refusal;
    }
    let is_read = match media {
        Media::Stream(upload) => {
            if let Err(limits) = upload.check_limits() {
                return limits;
            }
            upload.is_ended()
        }
        Media::File(_) => true,
    };
    if !is_read {
        return refusal;
    }
    let judged = read_all(media, container).ok().map(|(_, structure)| structure.judge());
    match judged {
        Some(Err(cut)) => cut,
        _ => refusal,
    }
}

fn read_all(media: &Media, container: Container) -> std::io::Result<(u64, Structure)> {
    match media {
        Media::Stream(upload) => {
            let bytes = upload.drain()?;
            Ok((bytes, upload.structure()))
        }
        Media::File(file) => Ok((file.metadata()?.len(), Structure::of_file(container, file)?)),
    }
}

/// What an mp4's tables say must lie within its bytes.
fn mp4(movie: &Movie, bytes: u64, of_boxes: Completeness) -> Result<Completeness, Refusal> {
    let Some(track) = &movie.track else { return Ok(Completeness::Unknown) };
    let Some(samples_end) = track.samples_end else {
        return Err(Refusal::new(RefusalKind::Damaged, "the mp4's sample tables contradict themselves"));
    };
    let end = samples_end.max(movie.indexed_end);
    if end > bytes {
        return Err(Refusal::new(
            RefusalKind::Truncated,
            format!("the video is cut: its audio ends at byte {end}, and {bytes} bytes came"),
        ));
    }
    Ok(if movie.is_indexed() { Completeness::Complete } else { of_boxes })
}

fn duration(found: &Found, declared: u64, is_cut_likely: bool) -> Result<(), Refusal> {
    // FLAC counts its samples, and decodes to neither more nor less.
    if found.container == Container::Flac && found.decoded < declared {
        return Err(Refusal::new(
            RefusalKind::Truncated,
            format!("the video is cut: {} of its {declared} samples came", found.decoded),
        ));
    }
    if !is_short(found, declared) {
        return Ok(());
    }
    Err(short(found, declared, if is_cut_likely { RefusalKind::Truncated } else { RefusalKind::Damaged }))
}

/// Whether more is missing of the declared samples than may be.
fn is_short(found: &Found, declared: u64) -> bool {
    let allowed = (declared / 100 * SHORTAGE_PERCENT).max(u64::from(found.rate) * SHORTAGE_MS / 1000);
    found.decoded.saturating_add(allowed) < declared
}

fn short(found: &Found, declared: u64, kind: RefusalKind) -> Refusal {
    let rate = u64::from(found.rate);
    let (decoded_s, declared_s) = (found.decoded / rate, declared / rate);
    Refusal::new(kind, format!("the audio ends after {decoded_s} s of the {declared_s} s that the video declares"))
}
