//! One upload of the clip, in either flow, as the load generator calls it.

use std::time::{Duration, Instant};

use anyhow::bail;
use bytes::Bytes;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

use crate::{
    flow::Flow,
    load::{Arrival, Outcome, Reply},
    system::login,
};

/// What a caller in a closed loop waits after a refusal that names no time.
const REFUSED_REST: Duration = Duration::from_millis(500);
/// Longest such wait, whatever is named: a caller that sleeps offers nothing.
const REFUSED_REST_MAX: Duration = Duration::from_secs(1);
/// Seconds that one status request is held; the next follows at once.
const STATUS_WAIT_S: u64 = 20;

/// A user who uploads the same clip over and over; clones share connections.
#[derive(Debug, Clone)]
pub(super) struct Uploader {
    http: reqwest::Client,
    base: String,
    token: String,
    clip: Bytes,
}

impl Uploader {
    /// Logs in at the gateway.
    pub(super) async fn login(base: String, user: &str, password: &str, clip: Bytes) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let token = login(&http, &base, user, password).await?;
        Ok(Self { http, base, token, clip })
    }

    /// Whether the server has the queued flow: where it has not, `Prefer: respond-async` is ignored (RFC 7240 §2).
    pub(super) async fn has_queued_flow(&self) -> anyhow::Result<bool> {
        match self.put(Flow::Queued).send().await?.status() {
            StatusCode::ACCEPTED => Ok(true),
            StatusCode::CREATED => Ok(false),
            status => bail!("the first upload was answered {status}"),
        }
    }

    fn put(&self, flow: Flow) -> RequestBuilder {
        let put = self.http.put(format!("{}/upload/clip.mp4", self.base)).bearer_auth(&self.token);
        let put = put.body(self.clip.clone());
        if flow == Flow::Queued { put.header("prefer", "respond-async") } else { put }
    }

    /// Uploads, and in the queued flow waits for the mp3.
    pub(super) async fn upload(self, flow: Flow, arrival: Arrival) -> Reply {
        let answer = self.put(flow).send().await;
        let answered = Some(Instant::now());
        let Ok(answer) = answer else { return ended(answered, Outcome::Failed { status: None }) };
        match (answer.status().as_u16(), flow) {
            (201, _) => Reply { finished: answered, ..ended(answered, Outcome::Done) },
            (202, Flow::Queued) => {
                let Ok(Value::String(id)) = answer.json().await.map(|mut body: Value| body["id"].take()) else {
                    return ended(answered, Outcome::Failed { status: Some(202) });
                };
                let outcome = self.wait(&id, arrival.deadline).await;
                let finished = (outcome == Outcome::Done).then(Instant::now);
                Reply { finished, id: Some(id), ..ended(answered, outcome) }
            }
            _ => ended(answered, Outcome::of_unsuccessful(&answer)),
        }
    }

    /// The same for a caller in a closed loop, who rests after a refusal before calling again.
    pub(super) async fn upload_and_rest(self, flow: Flow, arrival: Arrival) -> Reply {
        let reply = self.upload(flow, arrival).await;
        let rest = match reply.outcome {
            Outcome::Refused { retry_after_s, .. } => retry_after_s.map_or(REFUSED_REST, Duration::from_secs_f64),
            // A gateway without converters fails fast, and a caller that comes at once would only measure that.
            Outcome::Failed { .. } => REFUSED_REST,
            _ => return reply,
        };
        tokio::time::sleep(rest.min(REFUSED_REST_MAX)).await;
        reply
    }

    async fn wait(&self, id: &str, deadline: Instant) -> Outcome {
        while Instant::now() < deadline {
            let get = self.http.get(format!("{}/conversions/{id}", self.base)).bearer_auth(&self.token);
            let Ok(answer) = get.header("prefer", format!("wait={STATUS_WAIT_S}")).send().await else {
                return Outcome::Failed { status: None };
            };
            let status = answer.status();
            let Ok(conversion) = answer.json::<Value>().await else {
                return Outcome::Failed { status: Some(status.as_u16()) };
            };
            match conversion["state"].as_str() {
                Some("done") => return Outcome::Done,
                Some("queued" | "running") => {}
                _ => return Outcome::Failed { status: Some(status.as_u16()) },
            }
        }
        Outcome::Unanswered
    }
}

fn ended(answered: Option<Instant>, outcome: Outcome) -> Reply {
    Reply { answered, finished: None, outcome, id: None }
}
