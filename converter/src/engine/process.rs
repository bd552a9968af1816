//! The engine's process group and its end.

use std::{io, process::ExitStatus};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Child;

/// The engine's process, leader of a group that also holds its ffmpeg. Dropped, the whole group is killed.
#[derive(Debug)]
pub struct Process {
    leader: Child,
}

impl Process {
    pub(super) fn new(leader: Child) -> Self {
        Self { leader }
    }

    /// The leader's process id; `None` once it was reaped.
    pub fn id(&self) -> Option<u32> {
        self.leader.id()
    }

    /// Kills the engine and whatever it started. Does nothing once it was reaped: the id may be another's by then.
    pub fn kill(&self) {
        let leader = self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // A group that has ended already is what was wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    /// Waits until the engine ended by itself, without killing it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.leader.wait().await
    }

    /// Kills the group and waits for the leader; the group first, since its id is free for others afterwards.
    pub async fn reap(mut self) {
        self.kill();
        if let Err(cause) = self.leader.wait().await {
            tracing::warn!(%cause, "an engine could not be reaped");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
