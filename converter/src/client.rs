//! The converter's internal API as its callers see it: reserve, then send the video.

use std::time::Duration;

use chassis::{Deadline, Problem, ServiceToken, deadline, request_id};
use reqwest::{Body, Response, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::{
    conversion::{Attempt, Conversion, ConversionId, Owner},
    options::Options,
};

/// The header that names the attempt a video belongs to.
pub const ATTEMPT_HEADER: &str = "x-attempt";
/// Longest wait for a connection; a replica that is gone must not hold up the others.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for the answer to a reservation, which is always given at once.
const RESERVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections kept to one replica.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// How much longer than the deadline the answer to a video is awaited: the converter itself ends at the deadline.
const ANSWER_GRACE: Duration = Duration::from_secs(2);

/// Asks for a permit and claims the conversion document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reserve {
    pub owner: Owner,
    pub email: String,
    pub filename: String,
    pub options: Options,
    pub idempotency_key: Option<String>,
    pub fingerprint: String,
    /// Fresh for every call.
    pub attempt: Attempt,
    /// Attempts of this request whose answers were lost: a live lease of theirs is taken over.
    pub instead_of: Vec<Attempt>,
    /// The caller's patience.
    pub deadline_ms: u64,
}

/// The answer to [`Reserve`] where it was not refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reserved {
    /// A permit, held for a moment on this replica.
    Permit { id: ConversionId, attempt: Attempt },
    /// The key's conversion is over: `done`, or `failed` with a final failure.
    Replay(Box<Conversion>),
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The replica answered, with this.
    #[error("refused: {0}")]
    Refused(Problem),
    /// No connection: the replica knows nothing of the call.
    #[error("no connection to the converter")]
    Unreachable(#[source] reqwest::Error),
    /// The call was sent and its answer did not come: it may have happened.
    #[error("the converter's answer was lost")]
    Lost(#[source] anyhow::Error),
}

/// One converter replica. Each has its own client, so that connections are never mixed up between replicas.
#[derive(Debug, Clone)]
pub struct Replica {
    http: reqwest::Client,
    base: String,
    token: ServiceToken,
}

impl Replica {
    /// A replica at `address` (`host:port`).
    pub fn new(address: &str, token: ServiceToken) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .tcp_nodelay(true)
            .no_proxy()
            .build()?;
        Ok(Self { http, base: format!("http://{address}"), token })
    }

    /// Asks for a permit; answered at once.
    pub async fn reserve(&self, reserve: &Reserve) -> Result<Reserved, CallError> {
        let url = format!("{}/conversions", self.base);
        let call = self.http.post(url).timeout(RESERVE_TIMEOUT).json(reserve);
        read(self.send(call).await?).await
    }

    /// Sends the video of a held permit; answers with the committed conversion.
    pub async fn convert(
        &self,
        id: ConversionId,
        attempt: Attempt,
        video: Body,
        deadline: Deadline,
    ) -> Result<Conversion, CallError> {
        let call = self
            .http
            .put(format!("{}/conversions/{id}/video", self.base))
            .timeout(deadline.remaining() + ANSWER_GRACE)
            .header(ATTEMPT_HEADER, attempt.to_string())
            .header(deadline::HEADER, deadline.remaining_ms().max(1))
            .body(video);
        read(self.send(call).await?).await
    }

    async fn send(&self, call: reqwest::RequestBuilder) -> Result<Response, CallError> {
        let mut call = call.bearer_auth(self.token.expose());
        if let Some(id) = request_id::current() {
            call = call.header(request_id::HEADER, id);
        }
        let sent = call.send().await;
        sent.map_err(|e| if e.is_connect() { CallError::Unreachable(e) } else { CallError::Lost(e.into()) })
    }
}

async fn read<T: for<'de> Deserialize<'de>>(response: Response) -> Result<T, CallError> {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == chassis::problem::CONTENT_TYPE);
    if status == StatusCode::OK || status == StatusCode::CREATED {
        return response.json().await.map_err(|e| CallError::Lost(e.into()));
    }
    if !is_problem {
        return Err(CallError::Lost(anyhow::anyhow!("the converter answered {status} without a problem")));
    }
    Err(CallError::Refused(response.json().await.map_err(|e| CallError::Lost(e.into()))?))
}
