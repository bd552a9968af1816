//! From a response, or none, to a value or a problem.

use std::time::Duration;

use actix_web::http::header;
use chassis::{Problem, problem, request_id};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::{Call, Repeat};

/// Largest answer that is read, in bytes; a full page of users stays below it.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// When a caller may try again after auth did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Sends the call and reads its answer.
pub(super) async fn read<T: DeserializeOwned>(call: Call) -> Result<T, Problem> {
    let body = exchange(call).await?;
    serde_json::from_slice(&body).map_err(|cause| silent(&cause))
}

/// Sends a call whose answer has no body.
pub(super) async fn read_nothing(call: Call) -> Result<(), Problem> {
    exchange(call).await.map(drop)
}

async fn exchange(call: Call) -> Result<Vec<u8>, Problem> {
    let Call { request, repeat, deadline } = call;
    let again = request.try_clone();
    let response = match (request.timeout(deadline.remaining()).send().await, again) {
        (Err(cause), Some(again)) if lost(&cause, repeat) => again.timeout(deadline.remaining()).send().await,
        (sent, _) => sent,
    };
    let response = response.map_err(|cause| silent(&cause.without_url()))?;
    if response.status().is_success() { bytes(response).await } else { Err(passed_on(response).await) }
}

/// Whether one more try makes sense: no connection came about, or it broke and the call can be repeated. A
/// rolling restart of auth looks like this; a call that took too long does not.
fn lost(cause: &reqwest::Error, repeat: Repeat) -> bool {
    !cause.is_timeout() && (cause.is_connect() || (cause.is_request() && repeat == Repeat::Safe))
}

async fn bytes(mut response: Response) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| silent(&cause.without_url()))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(silent(&"the answer is too long"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Auth's own problem with the headers that belong to it. Anything else, e.g. a proxy's page, means that auth
/// itself did not answer.
async fn passed_on(response: Response) -> Problem {
    let text = |name: header::HeaderName| {
        response.headers().get(name.as_str()).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let status = response.status().as_u16();
    let own = text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with(problem::CONTENT_TYPE));
    let retry_after = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    let carried: Vec<_> = [header::WWW_AUTHENTICATE, header::ALLOW]
        .into_iter()
        .filter_map(|name| text(name.clone()).map(|value| (name, value)))
        .collect();
    if !own {
        return silent(&format_args!("status {status} without a problem"));
    }
    let body = match bytes(response).await {
        Ok(body) => body,
        Err(problem) => return problem,
    };
    let Ok(mut problem) = serde_json::from_slice::<Problem>(&body) else {
        return silent(&"the problem cannot be read");
    };
    problem.status = status;
    problem.retry_after = problem.retry_after.or(retry_after);
    if let Some(id) = request_id::current() {
        problem.request_id = id;
    }
    carried.into_iter().fold(problem, |problem, (name, value)| problem.header(name, value))
}

/// The cause is logged here and not sent: it names addresses inside.
fn silent(cause: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%cause, "auth_does_not_answer");
    Problem::new(503, "/problems/unavailable", "Unavailable", "auth does not answer; try again")
        .retry_after(RETRY_AFTER)
}
