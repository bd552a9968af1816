//! The callers of one run: what they send, what they see, and what they were promised.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::{RequestBuilder, Response};
use serde::Deserialize;

use super::{clips::Clips, watcher::Watcher};
use crate::{
    flow::Flow,
    load::{Arrival, Outcome, Reply},
};

/// Before the next try of a caller who was told no time, where callers try again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Callers with one user's token; clones share connections and everything that is noted.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    pub(super) token: String,
    pub(super) flow: Flow,
    /// First part of each file's name, of this run alone: `{run}-{number}.mp4`.
    pub(super) run: String,
    pub(super) clips: Clips,
    /// Tries again after a refusal or a broken connection, with the same idempotency key.
    pub(super) retry: bool,
    pub(super) watcher: Watcher,
    pub(super) noted: Arc<Mutex<Noted>>,
}

/// What all callers of a run saw.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// How often which answer came that was not the wished one: a status, `no answer`, `broken connection`.
    pub(super) seen: BTreeMap<String, usize>,
    /// One for each acknowledged upload.
    pub(super) receipts: Vec<Receipt>,
}

/// An upload that the system took on.
#[derive(Debug, Clone)]
pub(super) struct Receipt {
    pub(super) number: usize,
    pub(super) id: String,
    /// Of the mp3, where it was said to be done: checksum and length.
    pub(super) mp3: Option<(String, u64)>,
    pub(super) video_bytes: u64,
}

/// What is read of the JSON of a conversion.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct View {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) filename: String,
    /// Milliseconds since 1970.
    pub(super) done_at: Option<u64>,
    pub(super) sha256: Option<String>,
    pub(super) bytes: Option<u64>,
}

impl View {
    pub(super) fn mp3(&self) -> Option<(String, u64)> {
        Some((self.sha256.clone()?, self.bytes?))
    }
}

impl Client {
    /// One arrival, with its further tries where those are wished.
    pub(super) async fn call(self, arrival: Arrival) -> Reply {
        loop {
            let reply = self.once(arrival).await;
            // What was acknowledged is the system's: a caller who tried again would hide its failure.
            if reply.id.is_some() {
                return reply;
            }
            let pause = match reply.outcome {
                Outcome::Refused { retry_after_s, .. } => retry_after_s.map(Duration::from_secs_f64),
                Outcome::Failed { status: None | Some(500..) } => None,
                _ => return reply,
            };
            let again = Instant::now() + pause.unwrap_or(RETRY_PAUSE);
            if !self.retry || again >= arrival.deadline {
                return reply;
            }
            tokio::time::sleep_until(again.into()).await;
        }
    }

    async fn once(&self, arrival: Arrival) -> Reply {
        let answer = self.upload(arrival).send().await;
        let answered = Instant::now();
        match answer {
            Err(error) => {
                let (what, outcome) = if error.is_timeout() {
                    ("no answer", Outcome::Unanswered)
                } else {
                    ("broken connection", Outcome::Failed { status: None })
                };
                self.note(what);
                Reply { answered: None, finished: None, outcome, id: None }
            }
            Ok(answer) if answer.status().as_u16() == self.flow.status() => self.accepted(arrival, answer).await,
            Ok(answer) => {
                self.note(answer.status().as_str());
                let outcome = Outcome::of_unsuccessful(&answer);
                Reply { answered: Some(answered), finished: None, outcome, id: None }
            }
        }
    }

    fn upload(&self, arrival: Arrival) -> RequestBuilder {
        let clip = self.clips.of(arrival.number);
        let name = format!("{}-{}.{}", self.run, arrival.number, clip.ending);
        let upload = self
            .http
            .put(format!("{}/upload/{name}", self.base))
            .bearer_auth(&self.token)
            .timeout(arrival.deadline.saturating_duration_since(Instant::now()))
            .header("idempotency-key", name)
            .body(clip.bytes.clone());
        match self.flow {
            Flow::Blocking => upload,
            Flow::Queued => upload.header("prefer", "respond-async"),
        }
    }

    /// In the queued flow this waits for the mp3.
    async fn accepted(&self, arrival: Arrival, answer: Response) -> Reply {
        let Ok(view) = answer.json::<View>().await else {
            self.note("broken connection");
            return Reply { answered: None, finished: None, outcome: Outcome::Failed { status: None }, id: None };
        };
        let answered = Instant::now();
        let video_bytes = self.clips.of(arrival.number).bytes.len() as u64;
        let mut receipt = Receipt { number: arrival.number, id: view.id.clone(), mp3: view.mp3(), video_bytes };
        let (finished, outcome) = match self.flow {
            Flow::Blocking => (Some(answered), Outcome::Done),
            Flow::Queued => match self.watcher.ended(view.id.clone(), arrival.deadline).await {
                Some(ended) => {
                    receipt.mp3 = ended.mp3;
                    let failed = Outcome::Failed { status: None };
                    (ended.done, if ended.done.is_some() { Outcome::Done } else { failed })
                }
                None => (None, Outcome::Unanswered),
            },
        };
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).receipts.push(receipt);
        Reply { answered: Some(answered), finished, outcome, id: Some(view.id) }
    }

    fn note(&self, what: &str) {
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner).seen.entry(what.to_owned()).or_default() += 1;
    }
}
