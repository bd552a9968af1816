//! Decoding by ffmpeg, in a process of its own that shares this one's limits.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::process::ExitStatusExt as _,
    },
    panic::resume_unwind,
    path::Path,
    process::{ChildStdin, ChildStdout, ExitStatus},
    thread::{self, JoinHandle},
};

use ffmpeg_sidecar::{child::FfmpegChild, command::FfmpegCommand};
use rustix::process::Signal;

use super::{
    RATES,
    messages::{self, Messages},
    wav,
};
use crate::{
    control::{Refusal, RefusalKind},
    sniff::Container,
    transcode::{
        input::Media,
        mp4::{Overlay, Shared, StreamFilter},
        pcm::Block,
    },
};

/// Read from ffmpeg at a time.
const READ_BYTES: usize = 64 * 1024;
/// Written to ffmpeg at a time.
const PUMP_BYTES: usize = 64 * 1024;

/// A running ffmpeg that writes floats.
pub(super) struct Ffmpeg {
    child: Child,
    stdout: ChildStdout,
    messages: Option<JoinHandle<Messages>>,
    /// Feeds the video to it, where that arrives as a stream.
    pump: Option<JoinHandle<()>>,
    pub(super) rate: u32,
    pub(super) channels: u8,
    /// Bytes of an incomplete sample are kept in front.
    buffer: Vec<u8>,
    kept: usize,
}

impl std::fmt::Debug for Ffmpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ffmpeg").field("rate", &self.rate).field("channels", &self.channels).finish_non_exhaustive()
    }
}

impl Ffmpeg {
    pub(super) fn open(media: &Media, container: Container, movie: &Shared, program: &Path) -> Result<Self, Refusal> {
        let failed =
            |cause: io::Error| Refusal::new(RefusalKind::Internal, format!("ffmpeg could not be run: {cause}"));
        // The descriptor that ffmpeg inherits is this process's only for as long as it takes to start it.
        let spool = match media {
            Media::File(file) => Some(inheritable(file).map_err(failed)?),
            Media::Stream(_) => None,
        };
        if let (Media::File(file), Container::Mp4) = (media, container)
            && let Ok((_, found)) = file.try_clone().and_then(Overlay::open)
        {
            movie.set(found);
        }
        let audio_index = if spool.is_some() { movie.movie().audio_index } else { 0 };
        let started = command(program, container, spool.as_ref(), audio_index).spawn();
        let child = started.map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => {
                Refusal::new(RefusalKind::Internal, "this video needs ffmpeg, which is not installed here (FFMPEG)")
            }
            ErrorKind::PermissionDenied => Refusal::new(
                RefusalKind::Internal,
                "ffmpeg may not be executed: it must be a program and no script, whose interpreter is not in the cage",
            ),
            _ => failed(cause),
        })?;
        drop(spool);
        let mut child = Child(child);
        let (stdin, stdout, stderr) = (child.0.take_stdin(), child.0.take_stdout(), child.0.take_stderr());
        let (Some(stdin), Some(mut stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(failed(ErrorKind::BrokenPipe.into()));
        };
        let messages = messages::collect(stderr, audio_index).map_err(failed)?;
        let pump = pump(media, container, movie, stdin).map_err(failed)?;
        match wav::read_head(&mut stdout).map_err(failed)? {
            Some((rate, channels)) if RATES.contains(&rate) => Ok(Self {
                child,
                stdout,
                messages: Some(messages),
                pump,
                rate,
                channels,
                buffer: vec![0; READ_BYTES],
                kept: 0,
            }),
            _ => {
                // It ended without a sample, or is of no use.
                let ended = child.end().map_err(failed)?;
                let messages = join(messages);
                Err(match ended.signal() {
                    // This one was sent just now.
                    None | Some(KILLED) => messages.refusal(),
                    Some(signal) => messages::killed(signal),
                })
            }
        }
    }

    /// Reads some samples; false at the end.
    pub(super) fn next(&mut self, block: &mut Block) -> Result<bool, Refusal> {
        let read = self.stdout.read(&mut self.buffer[self.kept..]);
        let read = read.map_err(|cause| Refusal::new(RefusalKind::Internal, format!("ffmpeg broke off: {cause}")))?;
        if read == 0 {
            return self.ended().map(|()| false);
        }
        let (filled, frame_bytes) = (self.kept + read, 4 * usize::from(self.channels));
        let whole = filled - filled % frame_bytes;
        for frame in self.buffer[..whole].chunks_exact(frame_bytes) {
            let mut samples = frame.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
            block.left.extend(samples.next());
            block.right.extend(samples.next());
        }
        self.buffer.copy_within(whole..filled, 0);
        self.kept = filled - whole;
        Ok(true)
    }

    /// A success of ffmpeg means little, a failure means what it says.
    fn ended(&mut self) -> Result<(), Refusal> {
        let status = self.child.0.wait();
        let status = status.map_err(|cause| Refusal::new(RefusalKind::Internal, format!("ffmpeg is lost: {cause}")))?;
        if let Some(signal) = status.signal() {
            return Err(messages::killed(signal));
        }
        if !status.success() {
            return Err(Refusal::new(RefusalKind::Damaged, "the audio is damaged: ffmpeg gave up on it"));
        }
        Ok(())
    }

    /// Ends it and answers the codec's name.
    pub(super) fn close(mut self) -> String {
        let _ = self.child.end();
        if let Some(pump) = self.pump.take() {
            join(pump);
        }
        self.messages.take().map(join).and_then(|messages| messages.codec).unwrap_or_else(|| "unknown".to_owned())
    }
}

/// The signal of [`FfmpegChild::kill`].
const KILLED: i32 = Signal::KILL.as_raw();

/// A child that does not outlive this value.
struct Child(FfmpegChild);

impl Child {
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.0.kill()?;
        self.0.as_inner_mut().wait()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Nothing else ends it where the conversion is refused in the middle.
        let _ = self.end();
    }
}

fn command(program: &Path, container: Container, spool: Option<&OwnedFd>, audio_index: usize) -> FfmpegCommand {
    let format = container.ffmpeg_format();
    // A playlist is read by no demuxer but its own, and nothing is opened but the one input.
    let (protocol, input) = match spool {
        Some(spool) => ("file", format!("/proc/self/fd/{}", spool.as_raw_fd())),
        None => ("pipe", "pipe:0".to_owned()),
    };
    let rates = RATES.map(|rate| rate.to_string()).join("|");
    let shape = format!("aformat=sample_fmts=flt:sample_rates={rates}:channel_layouts=mono|stereo");
    let track = format!("0:a:{audio_index}");
    let mut command = FfmpegCommand::new_with_path(program);
    command
        .args(["-hide_banner", "-nostdin", "-nostats", "-threads", "1"])
        .args(["-f", format, "-format_whitelist", format, "-protocol_whitelist", protocol, "-i", &input])
        .args(["-map", &track, "-vn", "-sn", "-dn", "-map_metadata", "-1", "-threads", "1", "-af", &shape])
        .args(["-c:a", "pcm_f32le", "-fflags", "+bitexact", "-f", "wav", "pipe:1"]);
    command
}

/// A copy of the descriptor that a child inherits.
fn inheritable(file: &File) -> io::Result<OwnedFd> {
    Ok(rustix::io::dup(file)?)
}

/// Passes a stream on; nothing where ffmpeg reads a file.
fn pump(media: &Media, container: Container, movie: &Shared, stdin: ChildStdin) -> io::Result<Option<JoinHandle<()>>> {
    let Media::Stream(upload) = media else { return Ok(None) };
    let source: Box<dyn Read + Send> = match container {
        Container::Mp4 => Box::new(StreamFilter::new(upload.clone(), movie.clone())),
        _ => Box::new(upload.clone()),
    };
    thread::Builder::new().name("ffmpeg-input".to_owned()).spawn(move || copy(source, stdin)).map(Some)
}

/// Copies until either side ends. Who reads too little or writes too little is judged elsewhere, by counts.
fn copy(mut source: impl Read, mut stdin: impl Write) {
    let mut piece = vec![0; PUMP_BYTES];
    while let Ok(read @ 1..) = source.read(&mut piece) {
        if stdin.write_all(&piece[..read]).is_err() {
            return;
        }
    }
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
