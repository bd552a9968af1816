//! The converter's answer was lost: the conversion document says what became of the upload.

use std::time::{Duration, Instant};

use chassis::{Deadline, chain};
use converter::conversion::{Attempt, Conversion, ConversionId, State, Timestamp};
use tokio::time::sleep;

use super::Converted;
use crate::{App, error::Error};

/// How often the document is looked at.
const POLL: Duration = Duration::from_millis(150);
/// How long a verdict on a video that did not go through whole is waited for.
const VERDICT_WAIT: Duration = Duration::from_secs(1);

/// Which upload, and what makes its request.
#[derive(Debug)]
pub(super) struct Lost<'a> {
    pub(super) id: ConversionId,
    pub(super) attempt: Attempt,
    pub(super) fingerprint: &'a str,
    /// Whether the end mark was sent; otherwise nothing can be done any more.
    pub(super) is_whole: bool,
    pub(super) deadline: Deadline,
}

/// Polls until the document is done or failed, its lease ends, or the deadline passes.
pub(super) async fn settle(app: &App, lost: &Lost<'_>) -> Result<Converted, Error> {
    let wait = lost.deadline.remaining();
    let until = Instant::now() + if lost.is_whole { wait } else { wait.min(VERDICT_WAIT) };
    loop {
        let is_last = Instant::now() >= until;
        match app.store.get(lost.id).await {
            Ok(found) => {
                if let Some(settled) = verdict(found, lost, Timestamp::now()) {
                    return settled;
                }
                if is_last {
                    return Err(if lost.is_whole { Error::TimedOut } else { Error::ConverterLost });
                }
            }
            Err(cause) if is_last => {
                tracing::warn!(cause = chain(&cause), "outcome_unknown");
                return Err(Error::OutcomeUnknown(lost.id));
            }
            Err(_) => {}
        }
        sleep(POLL).await;
    }
}

/// What the document says about the upload; `None` while its fate is open.
fn verdict(found: Option<Conversion>, lost: &Lost<'_>, now: Timestamp) -> Option<Result<Converted, Error>> {
    let Some(found) = found else { return Some(Err(Error::ConverterLost)) };
    let is_own = found.attempt == lost.attempt;
    match (found.state, &found.failure) {
        (State::Done, _) if is_own => Some(Ok(Converted { conversion: found, is_replay: false })),
        (State::Done, _) if found.fingerprint == lost.fingerprint => {
            Some(Ok(Converted { conversion: found, is_replay: true }))
        }
        (State::Failed, Some(failure)) if is_own => Some(Err(Error::failure(failure))),
        (State::Running, _) if is_own && found.lease_is_live(now) => None,
        _ => Some(Err(Error::ConverterLost)),
    }
}
