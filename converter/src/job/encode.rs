//! From the bytes of a video to a stored mp3: sniff, stream or spool, engine, sink.

use std::{fs::File, io::Write as _, os::fd::AsRawFd as _, sync::Once};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use tokio::{io::AsyncWriteExt as _, process::ChildStdin, task::spawn_blocking};

use super::{
    input,
    scratch::{self, Scratch},
    sink::Sink,
};
use crate::{
    App,
    control::{FromEngine, Guard, Head, Pass, Refusal, RefusalKind, Report, Verdict},
    conversion::{Conversion, Mp3},
    engine::{EndMark, Engine, Events, Input, Job, Process, is_limit},
    error::Error,
    lease::HeldLease,
    permits::Permit,
    sniff::{self, Sniffed},
};

/// Most bytes an mp3 has for one second: 320 kbit/s, and the reservoir's slack.
const MP3_BYTES_PER_SECOND_MAX: u64 = 41_000;
/// What tags may add to it: the engine takes a picture of at most 1 MiB over, and some lines of text.
const TAG_BYTES_MAX: u64 = 2 * 1024 * 1024;

/// An encoded mp3 that is not stored yet.
pub(super) struct Encoded {
    sink: Sink,
    report: Report,
}

/// Converts the video that `input` brings.
pub(super) async fn encode(
    app: &App,
    conversion: &Conversion,
    lease: &HeldLease<'_>,
    mut input: input::Receiver,
    permit: &mut Permit,
) -> Result<Encoded, Error> {
    let (start, is_spooled) = sniff(&mut input).await?;
    let spool = if is_spooled { Some(spool(app, lease, permit, &start, &mut input).await?) } else { None };
    let received = input.bytes();
    let scratch_file = scratch::create(app, &conversion.options)?;
    let job = Job {
        options: conversion.options.clone(),
        duration_max: app.config.duration_max,
        ffmpeg: app.ffmpeg.clone(),
        scratch: scratch_file.as_ref().map(File::try_clone).transpose().map_err(Error::unavailable)?,
    };
    let scratch = Scratch::new(scratch_file, permit, if spool.is_some() { received } else { 0 });
    let engine_input = spool.map_or(Input::Stream, Input::Spool);
    let engine = Engine::spawn(&app.engine, &job, engine_input)
        .with_context(|| format!("cannot start {} (ENGINE)", app.engine.display()))
        .map_err(Error::unavailable)?;
    let Engine { input: stdin, output, end, events, process } = engine;

    let bytes_max = app.config.duration_max.as_secs() * MP3_BYTES_PER_SECOND_MAX + TAG_BYTES_MAX;
    let sink = Sink::open(app, conversion.attempt.mp3(), bytes_max).await?;
    let feeding = async {
        match stdin {
            Some(stdin) => feed(app, lease, stdin, end, start, input).await,
            None => end.write(received).await.map_err(|_| Error::EngineDied),
        }
    };
    // Dropping `process`, on every way out, kills the engine and whatever it started.
    let ((), sink, report) = match tokio::try_join!(feeding, sink.fill(output), listen(lease, events, scratch)) {
        Err(Error::EngineDied) => return Err(death(process).await),
        worked => worked?,
    };
    process.reap().await;
    report.check(sink.bytes(), app.config.duration_max).map_err(Error::internal)?;
    Ok(Encoded { sink, report })
}

impl Encoded {
    /// Stores the mp3 durably; it becomes visible by the commit.
    pub(super) async fn store(self, app: &App, conversion: &Conversion) -> Result<Mp3, Error> {
        let Self { sink, report } = self;
        let head = report.head.as_ref().map(Head::decode).transpose().map_err(Error::internal)?;
        let head = head.map(|(offset, bytes)| (offset, bytes.into()));
        let sha256 = sink.finish(app, head).await?;
        Ok(Mp3 {
            blob_id: conversion.attempt.mp3(),
            bytes: report.mp3_bytes,
            duration_ms: report.duration_ms,
            sha256,
            sample_rate: report.sample_rate,
            channels: report.channels,
            completeness: report.completeness,
            decoder: report.decoder,
            source: report.source,
        })
    }
}

/// Reads on until the container is known; answers those bytes and whether the video must be spooled.
async fn sniff(input: &mut input::Receiver) -> Result<(Bytes, bool), Error> {
    let mut head = BytesMut::new();
    let mut at_end = false;
    loop {
        let sniffed = sniff::sniff(&head, at_end);
        if let Some(refusal) = sniffed.refusal() {
            return Err(refusal.into());
        }
        match sniffed {
            Sniffed::Stream(_) if !at_end => return Ok((head.freeze(), false)),
            // The end mark is already taken: what there is goes through the spool.
            Sniffed::Stream(_) | Sniffed::Spool(_) => return Ok((head.freeze(), true)),
            // Nothing that has ended needs more.
            _ => match input.next().await? {
                Some(bytes) => head.extend_from_slice(&bytes),
                None => at_end = true,
            },
        }
    }
}

/// Writes the whole video into a file without a name.
async fn spool(
    app: &App,
    lease: &HeldLease<'_>,
    permit: &mut Permit,
    start: &Bytes,
    input: &mut input::Receiver,
) -> Result<File, Error> {
    let file = tempfile::tempfile_in(&app.spool_dir).map_err(Error::unavailable)?;
    let mut piece = Some(start.clone());
    while let Some(bytes) = piece {
        check_size(app, input.bytes())?;
        permit.spool(input.bytes())?;
        lease.received(input.bytes());
        let mut file = file.try_clone().map_err(Error::unavailable)?;
        let written = spawn_blocking(move || file.write_all(&bytes)).await.map_err(Error::internal)?;
        written.map_err(Error::unavailable)?;
        piece = input.next().await?;
    }
    let mut rewound = file.try_clone().map_err(Error::unavailable)?;
    std::io::Seek::rewind(&mut rewound).map_err(Error::unavailable)?;
    // Opened anew, since the engine shall read it and not write; where the system has no such path, as it is.
    Ok(File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or(file))
}

/// Passes the video on as it arrives, and the end of the upload as an explicit mark.
async fn feed(
    app: &App,
    lease: &HeldLease<'_>,
    mut stdin: ChildStdin,
    end: EndMark,
    start: Bytes,
    mut input: input::Receiver,
) -> Result<(), Error> {
    let mut piece = Some(start);
    while let Some(bytes) = piece {
        check_size(app, input.bytes())?;
        lease.received(input.bytes());
        if stdin.write_all(&bytes).await.is_err() {
            // The engine reads to the end unless it refuses or dies: its own words say which.
            return std::future::pending().await;
        }
        piece = input.next().await?;
    }
    drop(stdin);
    end.write(input.bytes()).await.map_err(|_| Error::EngineDied)
}

fn check_size(app: &App, bytes: u64) -> Result<(), Error> {
    let bytes_max = app.config.upload_bytes_max;
    if bytes > bytes_max { Err(Error::TooLarge { bytes_max }) } else { Ok(()) }
}

/// Follows the engine's words to its verdict, and the growth of its scratch file.
async fn listen(lease: &HeldLease<'_>, mut events: Events, mut scratch: Scratch<'_>) -> Result<Report, Error> {
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            error = scratch.watch() => return Err(error),
        };
        scratch.charge()?;
        match event.map_err(|cause| Error::internal(anyhow::anyhow!("the engine spoke badly: {cause}")))? {
            Some(FromEngine::Uncaged(missing)) => warn_uncaged(&missing),
            Some(FromEngine::Progress { pass: Pass::Encode, done_ms, .. }) => lease.encoded(done_ms),
            Some(FromEngine::Progress { pass: Pass::Measure, .. }) => {}
            Some(FromEngine::Verdict(Verdict::Converted(report))) => return Ok(report),
            Some(FromEngine::Verdict(Verdict::Refused(refusal))) if refusal.kind == RefusalKind::Internal => {
                return Err(Error::internal(anyhow::anyhow!("the engine failed: {refusal}")));
            }
            Some(FromEngine::Verdict(Verdict::Refused(refusal))) => return Err(refusal.plain().into()),
            None => return Err(Error::EngineDied),
        }
    }
}

/// Why an engine hung up without a verdict: its video took it to its limits, or something is wrong with it. Nobody here
/// has killed it yet; a kill by the system says more of the machine than of the video.
async fn death(process: Process) -> Error {
    let is_at_limit = process.ending_signal().await.is_some_and(is_limit);
    process.reap().await;
    if !is_at_limit {
        return Error::EngineDied;
    }
    Refusal::new(RefusalKind::Limits, "the video needs more memory or time to convert than is allowed here").into()
}

/// Tells the operator, once: the kernel stays the same.
fn warn_uncaged(missing: &[Guard]) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| {
        // Each part once is enough, whatever an engine says.
        let missing = &missing[..missing.len().min(Guard::COUNT)];
        tracing::warn!(?missing, "this kernel lacks parts of the engine's cage");
    });
}
