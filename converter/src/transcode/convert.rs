//! One conversion from beginning to end.

use std::{fs::File, io, os::unix::fs::FileExt as _, path::PathBuf, sync::Arc, time::Duration};

use super::{
    copy,
    decode::{self, Audio, Opened, Selected, Source},
    encode::{Encoded, Encoding, Settings},
    frame::FrameHeader,
    input::Media,
    mp4::Shared,
    open::{self, Spool},
    output::Output,
    pcm::duration,
    sound::Sound,
    supervisor::Supervisor,
    verify,
};
use crate::{
    control::{Decoder, Pass, Refusal, RefusalKind, Report, Setting},
    options::Options,
    sniff::Container,
};

/// Longest `/proc/self/status` that is read; the usual one has 1.5 KiB.
const STATUS_BYTES_MAX: usize = 8192;

/// What to convert to.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) options: Options,
    pub(super) duration_max: Duration,
    /// An absolute path.
    pub(super) ffmpeg: PathBuf,
    /// For decoded audio, where it is normalized.
    pub(super) scratch: Option<File>,
    /// For a pipe whose container must be sought in; absent where the service spools.
    pub(super) spool: Option<Spool>,
    /// `/proc/self/status`, absent where the system has none.
    pub(super) status: Option<File>,
    /// Threads that encode.
    pub(super) workers: usize,
}

/// Converts standard input to standard output.
pub(super) fn convert(mut request: Request, supervisor: Option<&Arc<Supervisor>>) -> Result<Report, Refusal> {
    let (media, container) = open::open(request.spool.take())?;
    let movie = Shared::wanting(request.options.track);
    let result = run(request, supervisor, &media, container, &movie);
    result.map_err(|refusal| verify::explain(refusal, &media, container))
}

/// An mp3, and what was read for it.
struct Made {
    encoded: Encoded,
    /// Hz.
    rate: u32,
    channels: u8,
    decoder: Decoder,
    codec: String,
    /// What came of the source, at its own rate.
    source_rate: u32,
    samples_read: u64,
    /// Absent where the decoding was stopped before the end.
    declared: Option<u64>,
    /// Whether it was decoded to its end, and whether the decoder found fault with it.
    is_whole: bool,
    has_errors: bool,
}

fn run(
    mut request: Request,
    supervisor: Option<&Arc<Supervisor>>,
    media: &Media,
    container: Container,
    movie: &Shared,
) -> Result<Report, Refusal> {
    let scratch = request.scratch.take();
    let Request { options, duration_max, ffmpeg, status, .. } = &request;
    let (track, allow_copy) = (options.track, options.allow_copy());
    let source = Source { media, container, movie, ffmpeg, track, allow_copy };
    let Selected { opened, audio_index, tags } = decode::open(&source)?;
    let id3 = tags.with_options(options).to_id3()?;
    let output = Output::open().map_err(|cause| internal("standard output is of no use", &cause))?;
    let made = match opened {
        Opened::Samples(audio) => encode(&request, scratch, supervisor, audio, id3, output)?,
        Opened::Frames(mut frames) => {
            let FrameHeader { rate, channels, .. } = frames.kind;
            let limit = DurationLimit { max: *duration_max, rate };
            let (encoded, has_strays) = copy::copy(&mut frames, &id3, output, supervisor, &limit)?;
            let (samples_read, declared) = (encoded.samples, frames.declared);
            // Programs put tags around bare frames, and none into other containers.
            let has_errors = frames.has_errors() || has_strays && container != Container::Mp3;
            frames.close();
            let (decoder, codec) = (Decoder::Copied, "mp3".to_owned());
            let (source_rate, is_whole) = (rate, true);
            Made { encoded, rate, channels, decoder, codec, source_rate, samples_read, declared, is_whole, has_errors }
        }
    };
    let Made { encoded, rate, channels, decoder, codec, source_rate, samples_read, declared, is_whole, has_errors } =
        made;
    let upload_bytes = supervisor.map(|supervisor| move || supervisor.upload_bytes());
    let (decoded, rate_read, track) = (samples_read, source_rate, audio_index);
    let found = verify::Found { decoded, declared, rate: rate_read, container, track, is_whole, has_errors };
    let (video_bytes, completeness) = verify::verify(media, &movie.movie(), &found, upload_bytes)?;
    let Encoded { samples, frames, bytes: mp3_bytes, head } = encoded;
    Ok(Report {
        duration_ms: samples * 1000 / u64::from(rate),
        samples,
        frames,
        sample_rate: rate,
        channels,
        mp3_bytes,
        video_bytes,
        completeness,
        decoder,
        source: format!("{}/{codec}", container.name()),
        head,
        peak_memory_bytes: status.as_ref().map_or(0, peak_memory),
    })
}

/// Decodes all that is wanted of the audio and encodes it.
fn encode(
    request: &Request,
    scratch: Option<File>,
    supervisor: Option<&Arc<Supervisor>>,
    mut audio: Audio,
    id3: Vec<u8>,
    output: Output,
) -> Result<Made, Refusal> {
    let &Request { ref options, duration_max, workers, .. } = request;
    let source_rate = audio.rate;
    let limit = DurationLimit { max: duration_max, rate: source_rate };
    if options.end.is_none() {
        limit.check(audio.declared.unwrap_or(0))?;
    }
    let mut sound = Sound::new(options, source_rate, &audio.positions, scratch)?;
    let (rate, channels) = (sound.rate, sound.channels);
    let total = total(options, audio.declared, source_rate);
    let settings = Settings { rate, channels, quality: options.quality.unwrap_or_default(), id3, workers, total };
    let mut encoding = Encoding::start(settings, output, supervisor.cloned())?;
    let mut planes = Vec::new();
    while !sound.is_done() && audio.next(&mut planes)? {
        if !sound.push(&mut planes, &mut |block| encoding.push(block))? {
            break;
        }
        if !sound.is_done() {
            limit.check(sound.position())?;
        }
        if let Some(supervisor) = supervisor.filter(|_| sound.is_collecting()) {
            supervisor.progress(Pass::Measure, measured(options, sound.position(), source_rate), total);
        }
    }
    let (samples_read, is_whole) = (sound.position(), !sound.is_done());
    // Where the encoder has ended already, its own words tell why.
    let gain = sound.finish(&mut |block| encoding.push(block))?;
    let encoded = encoding.finish(gain)?;
    let declared = audio.declared.filter(|_| is_whole);
    let has_errors = audio.has_errors();
    let (decoder, codec) = (audio.decoded_by(), audio.close());
    Ok(Made { encoded, rate, channels, decoder, codec, source_rate, samples_read, declared, is_whole, has_errors })
}

/// How long the mp3 will be, where the container tells.
fn total(options: &Options, declared: Option<u64>, rate: u32) -> Option<Duration> {
    declared.map(|declared| measured(options, declared, rate))
}

/// How much of the range lies within the first `samples` of the source.
fn measured(options: &Options, samples: u64, rate: u32) -> Duration {
    let position = duration(samples, rate);
    let instant = |seconds: Option<f64>| seconds.map(Duration::from_secs_f64);
    let end = instant(options.end).map_or(position, |end| end.min(position));
    end.saturating_sub(instant(options.start).unwrap_or_default())
}

/// Longest audio of one sample rate.
pub(super) struct DurationLimit {
    pub(super) max: Duration,
    /// Hz.
    pub(super) rate: u32,
}

impl DurationLimit {
    /// Refuses more samples than are allowed.
    pub(super) fn check(&self, samples: u64) -> Result<(), Refusal> {
        let samples_max = self.max.as_millis().saturating_mul(u128::from(self.rate)) / 1000;
        if u128::from(samples) <= samples_max {
            return Ok(());
        }
        let limit = humantime::format_duration(self.max);
        let refusal = Refusal::new(RefusalKind::TooLong, format!("the audio is longer than {limit}"));
        Err(refusal.by(Setting::DurationMax))
    }
}

pub(super) fn internal(what: &str, cause: &io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("{what}: {cause}"))
}

/// The most memory that this process ever had (`VmHWM`), 0 where the system does not tell. The file was opened
/// before, since the cage has no `/proc`.
fn peak_memory(status: &File) -> u64 {
    let mut piece = [0; STATUS_BYTES_MAX];
    let read = status.read_at(&mut piece, 0).unwrap_or(0);
    let status = String::from_utf8_lossy(&piece[..read]);
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
