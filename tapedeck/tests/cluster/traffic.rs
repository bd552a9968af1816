//! Uploads in a loop, each repeated with its key until it is done, and what they were answered.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{task::JoinHandle, time::sleep};

use crate::{
    caller::{Caller, clip},
    servers::Servers,
    wait::{PATIENCE, within},
};

/// Uploads at a time.
const TASKS: usize = 4;
/// Between two uploads of a task, and before an upload is repeated: the machine is not to be busy, only never idle.
const PAUSE: Duration = Duration::from_millis(250);
/// Longest time until one upload is done, the loss of a converter included.
const DONE_MAX: Duration = Duration::from_mins(1);

/// One answer to an upload.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) sent_at: Instant,
    pub(crate) took: Duration,
    /// The status and the type of the problem; `lost` where the connection ended without an answer,
    /// `unreachable` where there was none.
    pub(crate) outcome: String,
    pub(crate) has_retry_after: bool,
}

/// What came of the uploads.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) answers: Vec<Answer>,
    /// Bodies of the 201s, one for each key.
    pub(crate) done: Vec<Value>,
}

/// Uploads that go on until [`Self::finish`].
#[derive(Debug)]
pub(crate) struct Traffic {
    is_over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    record: Arc<Mutex<Record>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Traffic {
    /// Starts uploads of `caller` at these gateways in turn; a repetition goes to the next one.
    pub(crate) fn start(caller: &Caller, bases: &[String]) -> Self {
        let (is_over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let record = Arc::new(Mutex::new(Record::default()));
        let (run, video) = (testbed::unique("run"), clip());
        let tasks = (0..TASKS).map(|task| {
            let callers: Vec<_> = bases.iter().map(|base| caller.at(base.clone())).collect();
            let (is_over, done, record) = (Arc::clone(&is_over), Arc::clone(&done), Arc::clone(&record));
            let (run, video) = (run.clone(), video.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !is_over.load(Ordering::Acquire) {
                    let key = format!("{run}-{task}-{number}");
                    let began = Instant::now();
                    for try_ in 0.. {
                        let at = &callers[(task + number + try_) % callers.len()];
                        if one(at, &key, &video, &record).await {
                            break;
                        }
                        assert!(began.elapsed() < DONE_MAX, "{key} is not done after {DONE_MAX:?}");
                        sleep(PAUSE).await;
                    }
                    done.fetch_add(1, Ordering::AcqRel);
                    number += 1;
                    sleep(PAUSE).await;
                }
            })
        });
        Self { tasks: tasks.collect(), is_over, done, record }
    }

    /// Waits until `count` more uploads are done.
    pub(crate) async fn goes_on(&self, count: usize) -> Duration {
        self.goes_on_within(PATIENCE, count).await
    }

    /// As [`Self::goes_on`], for at most `limit`.
    pub(crate) async fn goes_on_within(&self, limit: Duration, count: usize) -> Duration {
        let wanted = self.done.load(Ordering::Acquire) + count;
        within(limit, "uploads are done", async || {
            assert!(!self.tasks.iter().any(JoinHandle::is_finished), "an upload was given up");
            self.done.load(Ordering::Acquire) >= wanted
        })
        .await
    }

    /// Waits until `count` more answers were no 201.
    pub(crate) async fn is_refused(&self, count: usize) {
        let refused = || {
            let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.answers.iter().filter(|answer| answer.outcome != "201").count()
        };
        let wanted = refused() + count;
        within(PATIENCE, "uploads are refused", async || refused() >= wanted).await;
    }

    /// Begins no further uploads, and waits for those that are under way.
    pub(crate) async fn finish(self) -> Record {
        self.is_over.store(true, Ordering::Release);
        for task in self.tasks {
            task.await.expect("each upload is done at last");
        }
        std::mem::take(&mut *self.record.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Record {
    /// Answers to what was sent in this time, without the 201s.
    pub(crate) fn refusals(&self, from: Instant, to: Instant) -> Vec<&Answer> {
        let sent = self.answers.iter().filter(|answer| (from..to).contains(&answer.sent_at));
        sent.filter(|answer| answer.outcome != "201").collect()
    }

    /// How often each answer came, and the longest wait for it.
    pub(crate) fn counts(&self) -> BTreeMap<&str, (usize, Duration)> {
        let mut counts = BTreeMap::<&str, (usize, Duration)>::new();
        for answer in &self.answers {
            let (count, longest) = counts.entry(&answer.outcome).or_default();
            *count += 1;
            *longest = (*longest).max(answer.took);
        }
        counts
    }

    /// Nothing acknowledged is missing, and nothing half-done is visible: every 201 and every conversion that is listed
    /// as done has its mp3, byte for byte; two keys are never one conversion.
    pub(crate) async fn assert_all_there(&self, caller: &Caller) {
        let listed = caller.list().await;
        let mut ids: Vec<_> = self.done.iter().map(|done| done["id"].to_string()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.done.len(), "two keys gave one id");
        for done in &self.done {
            let found = listed.iter().find(|listed| listed["id"] == done["id"]).expect("it is listed");
            assert_eq!((&found["state"], &found["sha256"]), (&"done".into(), &done["sha256"]));
        }
        for done in listed.iter().filter(|listed| listed["state"] == "done") {
            caller.assert_downloads(done).await;
        }
    }

    /// Waits until there is a mail about each 201, and about nothing else. Answers with their number, and that of further
    /// copies.
    pub(crate) async fn assert_mailed(&self, servers: &Servers, email: &str, limit: Duration) -> (usize, usize) {
        let mut mails = BTreeMap::new();
        let wanted: Vec<_> = self.done.iter().map(|done| done["id"].as_str().expect("an id")).collect();
        within(limit, "every mail is there", async || {
            mails = mailed(servers, email).await;
            wanted.iter().all(|id| mails.contains_key(*id))
        })
        .await;
        assert_eq!(mails.len(), wanted.len(), "a mail for each conversion, and for nothing else");
        (mails.len(), mails.values().sum::<usize>() - mails.len())
    }
}

/// Conversions that were mailed about, and how often.
async fn mailed(servers: &Servers, email: &str) -> BTreeMap<String, usize> {
    let mut mailed = BTreeMap::new();
    for mail in servers.mails(email).await {
        let id = mail["MessageID"].as_str().and_then(|id| id.split('@').next()).expect("an id").to_owned();
        *mailed.entry(id).or_default() += 1;
    }
    mailed
}

/// One try of an upload; true where it is done.
async fn one(caller: &Caller, key: &str, video: &bytes::Bytes, record: &Mutex<Record>) -> bool {
    let sent_at = Instant::now();
    let (mut outcome, mut has_retry_after, mut done) = ("lost".to_owned(), false, None);
    let sent = caller.upload(key, video.clone()).send().await;
    if sent.as_ref().is_err_and(reqwest::Error::is_connect) {
        "unreachable".clone_into(&mut outcome);
    }
    if let Ok(answer) = sent {
        let status = answer.status().as_u16();
        has_retry_after = answer.headers().contains_key("retry-after");
        if let Ok(body) = answer.json::<Value>().await {
            outcome = match status {
                201 => status.to_string(),
                _ => format!("{status} {}", body["type"].as_str().unwrap_or("without a type")),
            };
            done = (status == 201).then_some(body);
        }
    }
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    record.answers.push(Answer { sent_at, took: sent_at.elapsed(), outcome, has_retry_after });
    let is_done = done.is_some();
    record.done.extend(done);
    is_done
}
