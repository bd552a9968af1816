//! The service, as the engine sees it: one end of the control channel.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, IoSliceMut, Read as _, Write as _},
    mem::MaybeUninit,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg},
    process::{Signal, getpgrp, getpid, kill_process_group},
};

use crate::control::{FromEngine, Guard, LINE_BYTES_MAX, Pass, Start, ToEngine, Verdict};

/// The mark follows the end of the input at once; a service that needs longer is in trouble.
const END_WAIT_MAX: Duration = Duration::from_secs(10);
/// Between two progress lines.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// The service that started this engine.
#[derive(Debug)]
pub(super) struct Supervisor {
    socket: UnixStream,
    heard: Arc<Heard>,
    told: Mutex<Option<(Pass, Instant)>>,
}

#[derive(Debug, Default)]
struct Heard {
    words: Mutex<Words>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Words {
    /// Bytes of the complete upload.
    end: Option<u64>,
    /// After the verdict the service may hang up.
    is_judged: bool,
}

/// The channel before this process has a second thread.
#[derive(Debug)]
pub(super) struct Channel {
    socket: UnixStream,
    /// What came behind the first line.
    rest: Vec<u8>,
}

impl Channel {
    /// Takes the channel out of standard error, which LAME, ffmpeg and panics write to as well, and reads the first
    /// line. With it may come a file.
    pub(super) fn open() -> io::Result<(Self, Start, Option<File>)> {
        let socket = UnixStream::from(rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3)?);
        let null = OwnedFd::from(std::fs::OpenOptions::new().write(true).open("/dev/null")?);
        rustix::stdio::dup2_stderr(null)?;
        let (mut line, mut scratch) = (Vec::new(), None);
        let end = loop {
            if let Some(end) = line.iter().position(|&byte| byte == b'\n') {
                break end;
            }
            if line.len() >= LINE_BYTES_MAX || receive(&socket, &mut line, &mut scratch)? == 0 {
                return Err(io::ErrorKind::InvalidData.into());
            }
        };
        let rest = line.split_off(end + 1);
        match serde_json::from_slice(&line)? {
            ToEngine::Start(start) => Ok((Self { socket, rest }, start, scratch)),
            ToEngine::End { .. } => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// Starts to listen, on a thread of its own.
    pub(super) fn listen(self) -> io::Result<Supervisor> {
        let Self { socket, rest } = self;
        let heard = Arc::<Heard>::default();
        let listener = BufReader::new(io::Cursor::new(rest).chain(socket.try_clone()?));
        let ears = Arc::clone(&heard);
        thread::Builder::new().name("control".to_owned()).spawn(move || listen(listener, &ears))?;
        Ok(Supervisor { socket, heard, told: Mutex::default() })
    }
}

/// Appends what arrived and keeps the file that came with it, which no program started from here inherits.
fn receive(socket: &UnixStream, line: &mut Vec<u8>, scratch: &mut Option<File>) -> io::Result<usize> {
    let mut piece = [0; 4096];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut files = RecvAncillaryBuffer::new(&mut space);
    let mut pieces = [IoSliceMut::new(&mut piece)];
    let received = recvmsg(socket, &mut pieces, &mut files, RecvFlags::CMSG_CLOEXEC)?.bytes;
    for message in files.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            *scratch = sent.last().map(File::from);
        }
    }
    line.extend_from_slice(&piece[..received]);
    Ok(received)
}

impl Supervisor {
    /// The size of the complete upload, as the service says it; `None` where it never did.
    pub(super) fn upload_bytes(&self) -> Option<u64> {
        let words = self.heard.lock();
        let waited = self.heard.news.wait_timeout_while(words, END_WAIT_MAX, |words| words.end.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.end
    }

    /// Tells what of the cage is missing.
    pub(super) fn uncaged(&self, missing: Vec<Guard>) -> io::Result<()> {
        self.send(&FromEngine::Uncaged(missing))
    }

    /// Tells how much a pass has done, of `total` where that is known; its beginning at once, and then not more often
    /// than is worth reading.
    pub(super) fn progress(&self, pass: Pass, done: Duration, total: Option<Duration>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = |(last, at): (Pass, Instant)| last == pass && at.elapsed() < PROGRESS_EVERY;
        // The verdict is the last line.
        if told.is_some_and(is_told) || self.heard.lock().is_judged {
            return;
        }
        *told = Some((pass, Instant::now()));
        let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // A service that went away is noticed where its channel is read.
        let _ = self.send(&FromEngine::Progress { pass, done_ms: ms(done), total_ms: total.map(ms) });
    }

    /// The last line.
    pub(super) fn judge(&self, verdict: Verdict) -> io::Result<()> {
        self.heard.lock().is_judged = true;
        self.send(&FromEngine::Verdict(verdict))
    }

    fn send(&self, line: &FromEngine) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        (&self.socket).write_all(&line)
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens until the service hangs up. Where that comes before the verdict, the service is dead, and nobody else
/// would ever stop this engine and its ffmpeg.
fn listen(mut listener: impl BufRead, heard: &Heard) {
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut listener).take(LINE_BYTES_MAX as u64).read_until(b'\n', &mut line) {
            Ok(1..) if line.ends_with(b"\n") => {}
            _ => break,
        }
        match serde_json::from_slice(&line) {
            Ok(ToEngine::End { bytes }) => {
                heard.lock().end = Some(bytes);
                heard.news.notify_all();
            }
            Ok(ToEngine::Start(_)) | Err(_) => break,
        }
    }
    if !heard.lock().is_judged {
        kill_group();
    }
}

#[expect(clippy::disallowed_methods, reason = "the engine is nobody's service: it ends here, without a verdict")]
fn kill_group() -> ! {
    let group = getpgrp();
    // Another's group must not be killed; the service always makes the engine a leader.
    if group == getpid() {
        let _ = kill_process_group(group, Signal::KILL);
    }
    process::exit(1);
}
