//! Sees queued uploads end, without being a load itself.
//!
//! A long poll for each of a thousand waiting uploads would read the store thousands of times a second, and the queue would be
//! measured with the weight of its measurement. Instead a few of the oldest are looked at, since a queue ends them first; when
//! one ended stands in its document, in milliseconds of the machine's one clock.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::client::View;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looked at each time, oldest first; four times as many in a second end nowhere that a lab has so far.
const WINDOW: usize = 32;
/// Of one look at one upload; a service that restarts is asked again.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// How a queued upload ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// When its mp3 was there; `None` where the conversion failed.
    pub(super) done: Option<Instant>,
    pub(super) mp3: Option<(String, u64)>,
}

#[derive(Debug)]
struct Pending {
    id: String,
    tell: oneshot::Sender<Ended>,
}

/// Clones are one watcher; it ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Watcher {
    pending: Arc<Mutex<VecDeque<Pending>>>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Watcher {
    pub(super) fn start(http: reqwest::Client, base: String, token: String) -> Self {
        let pending = Arc::new(Mutex::new(VecDeque::new()));
        let watched = Arc::clone(&pending);
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            loop {
                ticks.tick().await;
                for id in oldest(&watched) {
                    let get = http.get(format!("{base}/conversions/{id}")).bearer_auth(&token).timeout(ANSWER_MAX);
                    // Where it cannot be seen now, it is looked at again.
                    let Ok(answer) = get.send().await else { break };
                    let Ok(view) = answer.json::<View>().await else { continue };
                    if !matches!(view.state.as_str(), "queued" | "running") {
                        tell(&watched, &view);
                    }
                }
            }
        });
        Self { pending, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Waits for the end of a conversion; `None` at the deadline.
    pub(super) async fn ended(&self, id: String, deadline: Instant) -> Option<Ended> {
        let (tell, told) = oneshot::channel();
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).push_back(Pending { id, tell });
        tokio::time::timeout_at(deadline.into(), told).await.ok()?.ok()
    }
}

/// Without those for which nobody waits any more.
fn oldest(pending: &Mutex<VecDeque<Pending>>) -> Vec<String> {
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    pending.retain(|one| !one.tell.is_closed());
    pending.iter().take(WINDOW).map(|one| one.id.clone()).collect()
}

fn tell(pending: &Mutex<VecDeque<Pending>>, view: &View) {
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(at) = pending.iter().position(|one| one.id == view.id) else { return };
    if let Some(one) = pending.remove(at) {
        let is_done = view.state == "done";
        let done = is_done.then(|| instant(view.done_at.unwrap_or(0)));
        // Where nobody waits any more, the deadline came first.
        let _ = one.tell.send(Ended { done, mp3: view.mp3() });
    }
}

/// Of milliseconds since 1970 by this machine's clock; never in the future.
fn instant(ms: u64) -> Instant {
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
    let ago = SystemTime::now().duration_since(at).unwrap_or_default();
    Instant::now().checked_sub(ago).unwrap_or_else(Instant::now)
}
