//! Errors on the wire: `application/problem+json` (RFC 9457).

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::request_id;

/// The media type of every error.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// One error as the caller sees it. `detail` must be safe to show and say what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable URI path of the kind of problem, or `about:blank` where the status says all.
    #[serde(rename = "type")]
    pub kind: Cow<'static, str>,
    /// The same words for every problem of this kind.
    pub title: Cow<'static, str>,
    /// HTTP status code, 400 to 599.
    pub status: u16,
    /// What happened this time: which limit was hit and which setting raises it.
    pub detail: String,
    /// The request's id, as in the `X-Request-Id` header.
    #[serde(default)]
    pub request_id: String,
    /// Seconds after which a retry makes sense; also sent as `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Members of this kind of problem, e.g. the `id` of a conversion whose fate is open.
    #[serde(flatten)]
    pub members: Map<String, Value>,
    /// Response headers that belong to the status: `Allow`, `WWW-Authenticate`.
    #[serde(skip)]
    headers: Vec<(header::HeaderName, String)>,
}

impl Problem {
    /// A problem of the request that is being answered now.
    pub fn new(
        status: u16,
        kind: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            title: title.into(),
            status,
            detail: detail.into(),
            request_id: request_id::current().unwrap_or_default(),
            retry_after: None,
            members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Adds `Retry-After`, in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1));
        self
    }

    /// Adds a member to the JSON document.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a response header.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(CONTENT_TYPE);
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.as_str()));
        }
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        response.body(serde_json::to_vec(self).unwrap_or_default())
    }
}
