//! The engine's process group and its end.

use std::{io, process::ExitStatus, time::Duration};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid};
use tokio::{
    process::Child,
    runtime::Handle,
    task::{JoinHandle, spawn_blocking},
    time::{interval, timeout},
};

/// Signals by which a limit ends a process. A failed allocation and an overflowed stack abort.
const OF_LIMITS: [Signal; 3] = [Signal::XCPU, Signal::XFSZ, Signal::ABORT];
/// An engine that hung up is about to end; one that does not is in trouble.
const END_MAX: Duration = Duration::from_secs(2);
/// A killed process gives its memory back before it can be reaped, and one that waits for a disk does not end at all.
const ORPHANS_END_MAX: Duration = Duration::from_secs(5);
/// Between two looks at killed orphans, which mostly end within one.
const ORPHANS_EVERY: Duration = Duration::from_millis(10);

/// Whether a process that was ended by this signal ended at a limit of its own.
pub fn is_limit(signal: i32) -> bool {
    OF_LIMITS.iter().any(|of_limit| of_limit.as_raw() == signal)
}

/// The engine's process, leader of a group that also holds its ffmpeg. Dropped, the whole group is killed and reaped.
#[derive(Debug)]
pub struct Process {
    /// Absent once its end is somebody else's to wait for.
    leader: Option<Child>,
}

impl Process {
    pub(super) fn new(leader: Child) -> Self {
        Self { leader: Some(leader) }
    }

    /// The leader's process id; `None` once it was reaped.
    pub fn id(&self) -> Option<u32> {
        self.leader.as_ref().and_then(Child::id)
    }

    /// Kills the engine and whatever it started. Does nothing once it was reaped: the id may be another's by then.
    pub fn kill(&self) {
        if let Some(leader) = self.leader() {
            // A group that has ended already is what was wanted.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    fn leader(&self) -> Option<Pid> {
        self.id().and_then(pid)
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
        match &mut self.leader {
            Some(leader) => leader.wait().await,
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Kills the group and waits for its end; cancelled, that goes on.
    pub async fn reap(mut self) {
        if let Some(ending) = self.end() {
            // It ends early with the runtime, which ends with this process.
            let _ = ending.await;
        }
    }

    /// Kills the group and has it reaped by a task of its own; nothing where that is done, or nobody runs tasks.
    fn end(&mut self) -> Option<JoinHandle<()>> {
        // The group first, since its id is free for others afterwards.
        self.kill();
        let leader = self.leader.take()?;
        Some(Handle::try_current().ok()?.spawn(reap(leader)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

/// Waits for the leader of a killed group, then for those that it left.
async fn reap(mut leader: Child) {
    let Some(group) = leader.id().and_then(pid) else { return };
    if let Err(cause) = leader.wait().await {
        tracing::warn!(%cause, "an engine could not be reaped");
        return;
    }
    if timeout(ORPHANS_END_MAX, reap_orphans(group)).await.is_err() {
        tracing::warn!("a killed ffmpeg does not end");
    }
}

/// Reaps what is left of a killed group whose leader is gone. The orphans are children of this process where it is the
/// first one of a container, or a child subreaper, and nobody else would reap them; elsewhere there are none.
///
/// As long as there is an orphan, the group's id is no other's.
async fn reap_orphans(group: Pid) {
    let mut ticks = interval(ORPHANS_EVERY);
    loop {
        ticks.tick().await;
        loop {
            match waitpgid(group, WaitOptions::NOHANG) {
                Ok(Some(_)) => {}
                Ok(None) => break,
                // There are no more.
                Err(_) => return,
            }
        }
    }
}
