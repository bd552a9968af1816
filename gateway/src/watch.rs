//! Who waits for the end of a conversion, and one look at the store for all of them: what waiting costs does not grow with the
//! number of callers.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use converter::{conversion::ConversionId, store::Store};
use tokio::{
    sync::{Notify, oneshot},
    time::sleep,
};

/// Between two looks: with the look itself, and the reading of the conversion that follows, an end is told within 20 ms.
const PAUSE: Duration = Duration::from_millis(10);
/// Conversions that the store is asked for at a time.
const IDS_MAX: usize = 500;

/// The callers that wait.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    waiting: Mutex<HashMap<ConversionId, Vec<oneshot::Sender<()>>>>,
    some: Notify,
}

impl Watch {
    /// Ends once the conversion has ended or is gone, or when the store does not say: the caller looks for itself then.
    pub(crate) async fn ended(&self, id: ConversionId) {
        let (sender, receiver) = oneshot::channel();
        self.waiting().entry(id).or_default().push(sender);
        self.some.notify_one();
        // An error is the end of the watch, which is an end of waiting as well.
        let _ = receiver.await;
    }

    /// Looks at the store for ever, as long as somebody waits.
    pub(crate) async fn keep(&self, store: &Store) {
        loop {
            let ids = self.wanted();
            if ids.is_empty() {
                self.some.notified().await;
                continue;
            }
            for asked in ids.chunks(IDS_MAX) {
                // Where the store fails, everybody is to see it.
                let open: HashSet<_> = store.open_among(asked.to_vec()).await.unwrap_or_default().into_iter().collect();
                let mut waiting = self.waiting();
                for callers in asked.iter().filter(|id| !open.contains(id)).filter_map(|id| waiting.remove(id)) {
                    for caller in callers {
                        let _ = caller.send(());
                    }
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// What is waited for, without callers that have gone.
    fn wanted(&self) -> Vec<ConversionId> {
        let mut waiting = self.waiting();
        waiting.retain(|_, callers| {
            callers.retain(|caller| !caller.is_closed());
            !callers.is_empty()
        });
        waiting.keys().copied().collect()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<ConversionId, Vec<oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
