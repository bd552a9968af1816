//! One conversion from beginning to end.

use std::{
    fs::File,
    io::{self, Read, Seek as _},
    os::unix::fs::FileExt as _,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use super::{
    decode::Audio,
    encode::{Encoded, Encoding, Settings},
    input::{Media, Upload},
    mp4::Shared,
    output::Output,
    pcm::{Block, Cutter},
    structure::Structure,
    supervisor::Supervisor,
    tag, verify,
};
use crate::{
    control::{Refusal, RefusalKind, Report},
    options::Options,
    sniff::{self, Container, HEAD_BYTES_MAX, Sniffed},
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
    pub(super) spool: Option<File>,
    /// `/proc/self/status`, absent where the system has none.
    pub(super) status: Option<File>,
}

/// Converts standard input to standard output.
pub(super) fn convert(mut request: Request, supervisor: Option<&Arc<Supervisor>>) -> Result<Report, Refusal> {
    let (media, container) = open(request.spool.take())?;
    let movie = Shared::default();
    let result = run(&request, supervisor, &media, container, &movie);
    result.map_err(|refusal| verify::explain(refusal, &media, container))
}

fn run(
    request: &Request,
    supervisor: Option<&Arc<Supervisor>>,
    media: &Media,
    container: Container,
    movie: &Shared,
) -> Result<Report, Refusal> {
    let Request { options, duration_max, ffmpeg, .. } = request;
    let mut audio = Audio::open(media, container, movie, ffmpeg)?;
    let channels = options.channels.unwrap_or(audio.channels);
    let mut cutter = Cutter::new(options, audio.rate, channels);
    let too_long = || too_long(*duration_max);
    let samples_max = duration_max.as_secs().saturating_mul(u64::from(audio.rate));
    if audio.declared.is_some_and(|declared| declared > samples_max) && options.end.is_none() {
        return Err(too_long());
    }
    let settings =
        Settings { rate: audio.rate, channels, quality: options.quality.unwrap_or_default(), id3: tag::id3(options)? };
    let output = Output::open().map_err(|cause| internal("standard output is of no use", &cause))?;
    let encoding = Encoding::start(settings, output, supervisor.cloned())?;
    let mut decoded = Block::default();
    while !cutter.is_done() && audio.next(&mut decoded)? {
        if let Some(block) = cutter.push(&decoded)
            && !encoding.push(block)
        {
            break;
        }
        if cutter.position() > samples_max && !cutter.is_done() {
            return Err(too_long());
        }
    }
    let (position, is_whole) = (cutter.position(), !cutter.is_done());
    let last = cutter.finish()?;
    // Where the encoder has ended already, its own words tell why.
    let _ = last.left.is_empty() || encoding.push(last);
    let encoded = encoding.finish()?;
    let (rate, declared, by) = (audio.rate, audio.declared.filter(|_| is_whole), audio.decoded_by());
    let codec = audio.close();
    let upload_bytes = supervisor.map(|supervisor| move || supervisor.upload_bytes());
    let found = verify::Found { decoded: position, declared, rate, container };
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
        decoder: by,
        source: format!("{}/{codec}", container.name()),
        head,
        peak_memory_bytes: request.status.as_ref().map_or(0, peak_memory),
    })
}

/// Takes standard input and sniffs it; what must be sought in goes through `spool`.
fn open(spool: Option<File>) -> Result<(Media, Container), Refusal> {
    let unreadable = |cause: io::Error| internal("standard input could not be read", &cause);
    let mut stdin = File::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3).map_err(|e| unreadable(e.into()))?);
    if stdin.metadata().map_err(unreadable)?.is_file() {
        let mut head = vec![0; HEAD_BYTES_MAX];
        let read = stdin.read_at(&mut head, 0).map_err(unreadable)?;
        let (Sniffed::Stream(container) | Sniffed::Spool(container)) = judge(sniff::sniff(&head[..read], true))? else {
            return Err(Refusal::new(RefusalKind::Internal, "the sniffer gave no answer"));
        };
        return Ok((Media::File(stdin), container));
    }
    let (mut head, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stdin.read(&mut piece).map_err(unreadable)?;
        head.extend_from_slice(&piece[..read]);
        match judge(sniff::sniff(&head, read == 0))? {
            Sniffed::Stream(container) => {
                return Ok((Media::Stream(Upload::new(stdin, head, Structure::of(container))), container));
            }
            Sniffed::Spool(container) => {
                let Some(spool) = spool else {
                    return Err(Refusal::new(RefusalKind::Internal, "this container must be spooled before"));
                };
                return Ok((Media::File(fill(spool, &head, stdin).map_err(unreadable)?), container));
            }
            _ => {}
        }
    }
}

/// Turns what cannot be converted into the refusal.
fn judge(sniffed: Sniffed) -> Result<Sniffed, Refusal> {
    let (kind, detail) = match sniffed {
        Sniffed::Playlist => {
            (RefusalKind::Playlist, "this is a playlist, which only names other files; send the video itself")
        }
        Sniffed::Empty => (RefusalKind::Empty, "the input is empty"),
        Sniffed::Unknown => (RefusalKind::UnknownContainer, "this is no video or audio file that is known here"),
        known => return Ok(known),
    };
    Err(Refusal::new(kind, detail))
}

/// Copies a pipe into a file.
fn fill(mut spool: File, head: &[u8], mut rest: File) -> io::Result<File> {
    io::copy(&mut head.chain(&mut rest), &mut spool)?;
    spool.rewind()?;
    Ok(spool)
}

fn too_long(duration_max: Duration) -> Refusal {
    let limit = humantime::format_duration(duration_max);
    Refusal::new(RefusalKind::TooLong, format!("the audio is longer than {limit} (DURATION_MAX)"))
}

fn internal(what: &str, cause: &io::Error) -> Refusal {
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
