//! One message: read the document, claim the delivery, send, mark.

use std::{sync::Arc, time::Duration};

use chassis::chain;
use converter::{
    conversion::{Attempt, Conversion, ConversionId, DeliveryClaim, Timestamp},
    event::{Broker, Delivery},
    store::{self, Change, Store},
};
use lettre::message::Mailbox;
use tokio::time::{sleep, timeout};

use crate::{
    Config, letter,
    letter::LetterError,
    mail::{Carrier, SendError},
};

/// Pace at which a store that is away is told how a sending ended: some twenty times within what a claim leaves for it.
const MARK_AGAIN: Duration = Duration::from_millis(500);

/// What every delivery shares.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) broker: Broker,
    pub(crate) carrier: Carrier,
    pub(crate) from: Mailbox,
    pub(crate) link_base: String,
}

/// How one message ended; the label of the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Delivered,
    /// Sent, but the claim was over before it could be marked: another copy may go out.
    Unmarked,
    /// No mail is due: deleted, delivered before, or given up.
    NotDue,
    /// Another notifier is sending it. Should it crash, the converter's sweep announces it again.
    ClaimedElsewhere,
    RetryLater {
        after: Duration,
    },
    Dead,
    StoreDown,
    /// The document cannot be read, now and later.
    Unreadable,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Unmarked => "unmarked",
            Self::NotDue => "not_due",
            Self::ClaimedElsewhere => "claimed_elsewhere",
            Self::RetryLater { .. } => "retry_later",
            Self::Dead => "dead",
            Self::StoreDown => "store_down",
            Self::Unreadable => "unreadable",
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Letter(#[from] LetterError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("the mail was not accepted in time")]
    Late,
}

impl Failed {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Letter(_) => true,
            Self::Send(cause) => cause.is_permanent(),
            Self::Late => false,
        }
    }
}

/// Handles one message to its end.
pub(crate) async fn handle(app: Arc<App>, delivery: Delivery) {
    let id = delivery.event.id;
    let outcome = deliver(&app, id).await.unwrap_or_else(|cause| unanswered(id, &cause));
    metrics::counter!("tapedeck_deliveries_total", "outcome" => outcome.label()).increment(1);
    match outcome {
        Outcome::Delivered | Outcome::Unmarked | Outcome::NotDue | Outcome::ClaimedElsewhere => delivery.ack().await,
        Outcome::RetryLater { after } => delivery.retry_later(after).await,
        // The document still says that the mail is due. A message does not count its tries, so this wait does not grow; nor
        // need it: a store that is away holds up each try for seconds, and a notifier makes a few at a time.
        Outcome::StoreDown => delivery.retry_later(app.config.delivery_retry_first).await,
        Outcome::Dead | Outcome::Unreadable => delivery.reject().await,
    }
}

/// What becomes of a message whose document the store did not hand out or did not change.
fn unanswered(id: ConversionId, cause: &store::Error) -> Outcome {
    let text = chain(cause);
    if let store::Error::Unreadable { .. } = cause {
        tracing::error!(conversion = %id, cause = text, "a mail is given up, its document cannot be read");
        return Outcome::Unreadable;
    }
    tracing::warn!(conversion = %id, cause = text, "a mail waits for the store");
    Outcome::StoreDown
}

async fn deliver(app: &App, id: ConversionId) -> Result<Outcome, store::Error> {
    let Some(conversion) = app.store.get(id).await? else { return Ok(Outcome::NotDue) };
    let now = Timestamp::now();
    let failures = match &conversion.notify {
        Some(notify) if notify.is_open() && notify.is_claimed(now) => return Ok(Outcome::ClaimedElsewhere),
        Some(notify) if notify.is_open() => notify.attempts,
        _ => return Ok(Outcome::NotDue),
    };
    let (seen, token) = (conversion.seen(), Attempt::random());
    let claim = DeliveryClaim { token, until: now.plus(app.config.delivery_claim) };
    if !app.store.update(seen, Change::ClaimDelivery { claim, at: now }).await? {
        return Ok(Outcome::ClaimedElsewhere);
    }
    let sent = send(app, &conversion).await;
    let at = Timestamp::now();
    match sent {
        Ok(()) => {
            let marked = mark(claim.until, || app.store.update(seen, Change::Delivered { token, at })).await?;
            tracing::info!(conversion = %id, marked, "mail sent");
            Ok(if marked { Outcome::Delivered } else { Outcome::Unmarked })
        }
        Err(cause) => {
            let failures = failures.saturating_add(1);
            let dead = cause.is_permanent() || failures >= app.config.delivery_attempts_max;
            tracing::warn!(conversion = %id, failures, dead, cause = chain(&cause), "a mail did not go out");
            mark(claim.until, || app.store.update(seen, Change::DeliveryFailed { token, dead, at })).await?;
            if dead {
                return Ok(Outcome::Dead);
            }
            Ok(Outcome::RetryLater { after: app.config.retry_delay(failures) })
        }
    }
}

/// Sends within two thirds of the claim, so that the mark still belongs to it.
async fn send(app: &App, conversion: &Conversion) -> Result<(), Failed> {
    let letter = letter::write(conversion, &app.from, &app.link_base)?;
    let accepted = timeout(app.config.delivery_claim * 2 / 3, app.carrier.send(letter)).await;
    Ok(accepted.map_err(|_| Failed::Late)??)
}

/// Marks how a sending ended, again and again until its claim ends: with the claim the only word that the mail went out is
/// lost, and it would go out twice. Whether the document took the mark; one whose answer was lost counts as not taken.
async fn mark<F>(until: Timestamp, update: impl Fn() -> F) -> Result<bool, store::Error>
where
    F: Future<Output = Result<bool, store::Error>>,
{
    loop {
        match update().await {
            Err(store::Error::Unavailable(_)) if Timestamp::now().plus(MARK_AGAIN) < until => sleep(MARK_AGAIN).await,
            answer => return answer,
        }
    }
}
