//! The first line to the engine. A command line can be read by every user of the machine, this cannot.

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::{fd::AsFd as _, unix::net::UnixStream},
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use super::Job;
use crate::control::{LINE_BYTES_MAX, Start, ToEngine};

/// Sends the job, and its scratch file with it. The line is shorter than any socket's buffer, so it never waits.
pub(super) fn send(socket: &UnixStream, job: &Job) -> io::Result<()> {
    let start = Start {
        options: job.options.clone(),
        duration_max_ms: u64::try_from(job.duration_max.as_millis()).unwrap_or(u64::MAX),
        ffmpeg: job.ffmpeg.clone(),
    };
    let mut line = serde_json::to_vec(&ToEngine::Start(start))?;
    line.push(b'\n');
    if line.len() > LINE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the job is too long for a line"));
    }
    let scratch = job.scratch.as_ref().map(|file| [file.as_fd()]);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut files = SendAncillaryBuffer::new(&mut space);
    if let Some(scratch) = &scratch {
        files.push(SendAncillaryMessage::ScmRights(scratch));
    }
    let sent = sendmsg(socket, &[IoSlice::new(&line)], &mut files, SendFlags::NOSIGNAL)?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}
