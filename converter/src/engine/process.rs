//! The engine's process group and its end.

use std::{io, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{process::Child, task::spawn_blocking, time::timeout};

/// Signals by which a limit ends a process. A failed allocation and an overflowed stack abort.
const OF_LIMITS: [Signal; 3] = [Signal::XCPU, Signal::XFSZ, Signal::ABORT];
/// An engine that hung up is about to end; one that does not is in trouble.
const END_MAX: Duration = Duration::from_secs(2);

/// Whether a process that was ended by this signal ended at a limit of its own.
pub fn is_limit(signal: i32) -> bool {
    OF_LIMITS.iter().any(|of_limit| of_limit.as_raw() == signal)
}

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
        if let Some(leader) = self.leader() {
            // A group that has ended already is what was wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    fn leader(&self) -> Option<Pid> {
        self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }

    /// The signal that ended an engine which hung up, where one did. It is not reaped by that, so its group can still
    /// be killed.
    pub async fn ending_signal(&self) -> Option<i32> {
        let leader = self.leader()?;
        let waiting =
            spawn_blocking(move || waitid(WaitId::Pid(leader), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        let status = timeout(END_MAX, waiting).await.ok()?.ok()?.ok()??;
        status.terminating_signal()
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
