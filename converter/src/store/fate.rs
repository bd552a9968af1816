//! What became of an update that ends or hands on an attempt, where its answer was lost.

use std::time::Duration;

use tokio::time::sleep;

use super::{Change, Store};
use crate::conversion::{Conversion, Failure, Timestamp};

/// Between two looks at a store that does not answer.
const RETRY: Duration = Duration::from_millis(100);

/// What is certain of an update whose answer was lost.
#[derive(Debug)]
pub enum Fate {
    /// It did not happen, and cannot any more: the attempt has failed.
    Fenced,
    /// It happened, or somebody else's update came first: the document as it is.
    Found(Option<Box<Conversion>>),
}

impl Store {
    /// Fences first, then reads: only a document that took the fence proves that the lost update never comes; what its
    /// attempt stored may be deleted then, and not before. Asks again until the store answers; the caller sets the limit.
    pub async fn fate(&self, attempted: &Conversion, failure: &Failure) -> Fate {
        loop {
            let fence = Change::Fail { failure: failure.clone(), at: Timestamp::now() };
            match self.update(attempted.seen(), fence).await {
                Ok(true) => return Fate::Fenced,
                Ok(false) => {
                    if let Ok(found) = self.get(attempted.id).await {
                        return Fate::Found(found.map(Box::new));
                    }
                }
                Err(_) => {}
            }
            sleep(RETRY).await;
        }
    }
}
