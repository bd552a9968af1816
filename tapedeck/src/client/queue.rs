//! Waits for what the server has in its queue.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{
    api::{Api, Converted, Upload},
    conversions,
    retry::Retries,
};
use crate::{console, error::Error, progress::Progress};

/// How long the server holds one answer: short enough that a person sees how the queue moves.
const HELD: Duration = Duration::from_secs(10);
/// Least time between two questions, since a server that holds too many answers for a user gives further ones at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Waits until conversion `id` has ended. Whatever ends the wait before that, also Ctrl-C, leaves its id on the terminal.
pub(super) async fn wait(api: &Api, id: &str, patience: Duration, progress: &Progress) -> Result<Converted, Error> {
    progress.remark(format!("in the queue as {id}"));
    progress.wait("in the queue");
    let mut left_behind = LeftBehind { id, progress, goes_on: true };
    let seen = follow(api, id, patience, progress).await;
    left_behind.goes_on = match &seen {
        Ok(upload) => matches!(upload, Upload::Open { .. }),
        Err(Error::Refused(problem)) => problem.status != 404, // somebody has deleted it
        Err(_) => true,
    };
    match seen? {
        Upload::Done(converted) => Ok(converted),
        Upload::Failed { failure } => Err(Error::Refused(Box::new(failure.problem()))),
        Upload::Open { .. } => Err(Error::NotEnded(patience)),
    }
}

/// The state once it has ended, or when the patience is over.
async fn follow(api: &Api, id: &str, patience: Duration, progress: &Progress) -> Result<Upload, Error> {
    let give_up_at = Instant::now() + patience;
    loop {
        let asked_at = Instant::now();
        let left = give_up_at.saturating_duration_since(asked_at);
        let upload = look(api, id, left, progress).await?;
        let Upload::Open { state, .. } = &upload else { return Ok(upload) };
        if left.is_zero() {
            return Ok(upload);
        }
        progress.wait(if state == "queued" { "in the queue" } else { "converting" });
        sleep_until((asked_at + LOOK_EVERY).min(give_up_at)).await;
    }
}

/// One answer, through lost connections and busy servers.
async fn look(api: &Api, id: &str, patience: Duration, progress: &Progress) -> Result<Upload, Error> {
    let mut retries = Retries::of_accepted(patience);
    loop {
        let error = match conversions::look(api, id, HELD.min(retries.remaining())).await {
            Ok(upload) => return Ok(upload),
            Err(error) => error,
        };
        let (error, wait) = retries.after(error)?;
        progress.remark(format!("{error}; asking again in {} s", wait.as_secs().max(1)));
        sleep(wait).await;
    }
}

/// Dropped while the conversion goes on without us, it says how to get the mp3.
struct LeftBehind<'a> {
    id: &'a str,
    progress: &'a Progress,
    goes_on: bool,
}

impl Drop for LeftBehind<'_> {
    fn drop(&mut self) {
        if self.goes_on {
            self.progress.clear();
            console::note(format!("{0} goes on at the server; `tapedeck download {0}` fetches its mp3", self.id));
        }
    }
}
