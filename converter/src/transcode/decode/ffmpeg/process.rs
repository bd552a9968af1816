//! One run of ffmpeg, in a process of its own that shares this one's limits.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Write},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::process::ExitStatusExt as _,
    },
    process::{ChildStdin, ChildStdout, ExitStatus},
    sync::mpsc::Receiver,
    thread::{self, JoinHandle},
    time::Duration,
};

use ffmpeg_sidecar::{child::FfmpegChild, command::FfmpegCommand};
use rustix::process::Signal;

use super::{
    super::Source,
    messages::{self, Messages},
};
use crate::{
    control::{Refusal, RefusalKind, Setting},
    sniff::Container,
    transcode::{input::Media, mp4::StreamFilter, threads::join},
};

/// Written to ffmpeg at a time.
const PUMP_BYTES: usize = 64 * 1024;
/// ffmpeg names the codec before it writes a byte; so long it takes at most to read what it said.
const CODEC_WAIT_MAX: Duration = Duration::from_secs(1);
/// The signal of [`FfmpegChild::kill`].
const KILLED: i32 = Signal::KILL.as_raw();

/// A running ffmpeg.
pub(super) struct Process {
    child: Child,
    pub(super) stdout: ChildStdout,
    messages: Option<JoinHandle<Messages>>,
    codec: Receiver<String>,
    /// Feeds the video to it, where that arrives as a stream.
    pump: Option<JoinHandle<()>>,
    /// Whether it found fault with the audio; known once it has ended.
    pub(super) has_errors: bool,
}

impl Process {
    /// Starts ffmpeg on the wanted audio track; `output` are its arguments from the input on.
    pub(super) fn start(source: &Source<'_>, output: &[&str]) -> Result<Self, Refusal> {
        // The descriptor that ffmpeg inherits is this process's only for as long as it takes to start it.
        let spool = match source.media {
            Media::File(file) => Some(inheritable(file).map_err(failed)?),
            Media::Stream(_) => None,
        };
        let audio_index = match (source.container, &spool) {
            (Container::Mp4, Some(_)) => source.movie.movie().audio_index,
            // The filter leaves one track.
            (Container::Mp4, None) => 0,
            _ => source.audio_index(),
        };
        let started = command(source, spool.as_ref(), audio_index).args(output).spawn();
        let child = started.map_err(|cause| match cause.kind() {
            // A bare name is one that was not found, and a file that is not there cannot be in the cage.
            ErrorKind::NotFound | ErrorKind::PermissionDenied if !source.ffmpeg.exists() => Refusal::new(
                RefusalKind::Internal,
                format!("this video needs ffmpeg, and there is no {} here", source.ffmpeg.display()),
            )
            .by(Setting::Ffmpeg),
            ErrorKind::PermissionDenied if source.ffmpeg.is_absolute() => Refusal::new(
                RefusalKind::Internal,
                "ffmpeg may not be executed: it must be a program and no script, whose interpreter is not in the cage",
            ),
            _ => failed(cause),
        })?;
        drop(spool);
        let mut child = Child(child);
        let (stdin, stdout, stderr) = (child.0.take_stdin(), child.0.take_stdout(), child.0.take_stderr());
        let (Some(stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(failed(ErrorKind::BrokenPipe.into()));
        };
        let (messages, codec) = messages::collect(stderr, audio_index).map_err(failed)?;
        let pump = pump(source, stdin).map_err(failed)?;
        Ok(Self { child, stdout, messages: Some(messages), codec, pump, has_errors: false })
    }

    /// The codec's name, of an ffmpeg that wrote something already.
    pub(super) fn codec(&self) -> Option<String> {
        self.codec.recv_timeout(CODEC_WAIT_MAX).ok()
    }

    /// Why it ended without writing anything of use.
    pub(super) fn refusal(mut self, source: &Source<'_>) -> Refusal {
        let ended = match self.child.end() {
            Ok(ended) => ended,
            Err(cause) => return failed(cause),
        };
        match (ended.signal(), self.messages.take().map(join)) {
            // This one was sent just now.
            (None | Some(KILLED), Some(messages)) => messages.refusal(source.track),
            (None | Some(KILLED), None) => failed(ErrorKind::BrokenPipe.into()),
            (Some(signal), _) => messages::killed(signal),
        }
    }

    /// Judges its end, after its last byte. A success of ffmpeg means little, a failure means what it says.
    pub(super) fn ended(&mut self) -> Result<(), Refusal> {
        let status = self.child.0.wait();
        let status = status.map_err(|cause| Refusal::new(RefusalKind::Internal, format!("ffmpeg is lost: {cause}")))?;
        if let Some(signal) = status.signal() {
            return Err(messages::killed(signal));
        }
        if !status.success() {
            return Err(Refusal::new(RefusalKind::Damaged, "the audio is damaged: ffmpeg gave up on it"));
        }
        self.has_errors |= self.messages.take().map(join).is_some_and(|messages| messages.errors > 0);
        Ok(())
    }

    /// Ends it, whatever it does. Then nobody reads the video any more.
    pub(super) fn close(mut self) {
        let _ = self.child.end();
        if let Some(pump) = self.pump.take() {
            join(pump);
        }
    }
}

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

fn command(source: &Source<'_>, spool: Option<&OwnedFd>, audio_index: usize) -> FfmpegCommand {
    let format = source.container.ffmpeg_format();
    // A playlist is read by no demuxer but its own, and nothing is opened but the one input.
    let (protocol, input) = match spool {
        Some(spool) => ("file", format!("/proc/self/fd/{}", spool.as_raw_fd())),
        None => ("pipe", "pipe:0".to_owned()),
    };
    let track = format!("0:a:{audio_index}");
    let mut command = FfmpegCommand::new_with_path(source.ffmpeg);
    command.args(["-hide_banner", "-nostdin", "-nostats", "-threads", "1"]);
    // It counts what is to be skipped of HE-AAC in samples of the core, and so skips twice as much.
    if source.container == Container::Mp4 && source.movie.movie().plain_start().is_some() {
        command.args(["-ignore_editlist", "1"]);
    }
    command
        .args(["-f", format, "-format_whitelist", format, "-protocol_whitelist", protocol, "-i", &input])
        .args(["-map", &track, "-vn", "-sn", "-dn"]);
    command
}

/// A copy of the descriptor that a child inherits.
fn inheritable(file: &File) -> io::Result<OwnedFd> {
    Ok(rustix::io::dup(file)?)
}

/// Passes a stream on; nothing where ffmpeg reads a file.
fn pump(source: &Source<'_>, stdin: ChildStdin) -> io::Result<Option<JoinHandle<()>>> {
    let Media::Stream(upload) = source.media else { return Ok(None) };
    let video: Box<dyn Read + Send> = match source.container {
        Container::Mp4 => Box::new(StreamFilter::new(upload.clone(), source.movie.clone())),
        _ => Box::new(upload.clone()),
    };
    thread::Builder::new().name("ffmpeg-input".to_owned()).spawn(move || copy(video, stdin)).map(Some)
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

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn failed(cause: io::Error) -> Refusal {
    Refusal::new(RefusalKind::Internal, format!("ffmpeg could not be run: {cause}"))
}
