//! How an update ended that ends or hands on an attempt, also where its answer was lost.

use std::time::Duration;

use chassis::chain;
use tokio::time::{sleep, timeout};

use super::{Change, Store};
use crate::conversion::{Conversion, Failure, Timestamp};

/// How long an answer is waited for, and then the fate of the update looked for, before its caller is told that it is open.
const FATE_WAIT_MAX: Duration = Duration::from_secs(5);
/// Between two looks at a store that does not answer.
const RETRY: Duration = Duration::from_millis(100);

/// What is certain of an update.
#[derive(Debug)]
pub enum Fate {
    /// It happened: the document as it was written, or as it has become since.
    Taken(Box<Conversion>),
    /// It did not happen, and cannot any more: the attempt has failed.
    Fenced,
    /// Another attempt has the document, or nobody has: what this one stored is garbage.
    Lost,
    /// The store does not say; the lease decides.
    Open,
}

impl Store {
    /// Makes the update that ends or hands on an attempt, and finds out what became of it where its answer is lost. `failure` is
    /// what ends the attempt then, unless `has_taken` says of the document found that the update had come before.
    pub async fn conclude(
        &self,
        attempted: &Conversion,
        change: Change,
        failure: &Failure,
        has_taken: impl Fn(&Conversion) -> bool,
    ) -> Fate {
        let written = change.after(attempted);
        let cause = match timeout(FATE_WAIT_MAX, self.update(attempted.seen(), change)).await {
            Ok(Ok(true)) => return Fate::Taken(Box::new(written)),
            Ok(Ok(false)) => return Fate::Lost,
            Ok(Err(cause)) => chain(&cause),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(conversion = %attempted.id, cause, "the answer to an update was lost");
        // A store that hangs says as little as one that fails.
        timeout(FATE_WAIT_MAX, self.fence(attempted, failure, has_taken)).await.unwrap_or(Fate::Open)
    }

    /// Fences first, then reads: only a document that took the fence proves that the lost update never comes; what its
    /// attempt stored may be deleted then, and not before. Asks again until the store answers; the caller sets the limit.
    async fn fence(&self, attempted: &Conversion, failure: &Failure, has_taken: impl Fn(&Conversion) -> bool) -> Fate {
        loop {
            let fence = Change::Fail { failure: failure.clone(), at: Timestamp::now() };
            match self.update(attempted.seen(), fence).await {
                Ok(true) => return Fate::Fenced,
                Ok(false) => {
                    if let Ok(found) = self.get(attempted.id).await {
                        return found.filter(has_taken).map_or(Fate::Lost, |found| Fate::Taken(Box::new(found)));
                    }
                }
                Err(_) => {}
            }
            sleep(RETRY).await;
        }
    }
}
