//! The gateway's public API as this program calls it.

use std::time::Duration;

use chassis::{Problem, problem};
use converter::conversion::Failure;
use reqwest::{Client, Method, RequestBuilder, Response, header, redirect::Policy};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::Error;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for the answer to anything but an upload or a download.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest silence in the middle of an answer.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// The answer to a login.
#[derive(Debug, Deserialize)]
pub struct Token {
    pub token: String,
    /// Seconds.
    pub expires_in: u64,
}

/// A finished upload; members that this program does not use are kept for `--json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Converted {
    pub id: String,
    pub bytes: u64,
    pub duration_ms: u64,
    pub sha256: String,
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// How far an upload is.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Upload {
    Done(Converted),
    Failed {
        failure: Failure,
    },
    /// Its outcome is still to come: it waits in the queue, or is being converted.
    Open {
        id: String,
        state: String,
    },
}

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Api {
    http: Client,
    server: String,
    token: Option<String>,
}

impl Api {
    /// A client that is not logged in yet.
    pub fn new(server: &str) -> Result<Self, Error> {
        let server = server.trim_end_matches('/');
        if !server.starts_with("http://") {
            return Err(Error::Usage(format!("--server must be like http://127.0.0.1:8080, not {server:?}")));
        }
        // Passwords and tokens go to the server that was named and to nobody else.
        let http = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .user_agent(concat!("tapedeck/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| Error::Failed(format!("cannot make an HTTP client: {cause}")))?;
        Ok(Self { http, server: server.to_owned(), token: None })
    }

    /// The same client with a login.
    #[must_use]
    pub fn with_token(self, token: String) -> Self {
        Self { token: Some(token), ..self }
    }

    pub fn server(&self) -> &str {
        &self.server
    }

    /// Trades a password for a token.
    pub async fn login(&self, username: &str, password: &str) -> Result<Token, Error> {
        let call = self.http.post(format!("{}/login", self.server)).timeout(CALL_TIMEOUT);
        self.read(call.basic_auth(username, Some(password))).await
    }

    /// A call whose answer comes within a moment.
    pub fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.long_call(method, path).timeout(CALL_TIMEOUT)
    }

    /// A call that may take as long as a video needs; the caller bounds it.
    pub fn long_call(&self, method: Method, path: &str) -> RequestBuilder {
        let call = self.http.request(method, format!("{}{path}", self.server));
        match &self.token {
            Some(token) => call.bearer_auth(token),
            None => call,
        }
    }

    /// Sends `call` and reads its JSON answer.
    pub async fn read<T: DeserializeOwned>(&self, call: RequestBuilder) -> Result<T, Error> {
        let answer = self.send(call).await?;
        let status = answer.status().as_u16();
        // Read first: a body that breaks off is worth another try, one that is no JSON is not.
        let body = answer.bytes().await.map_err(Error::Broken)?;
        serde_json::from_slice(&body).map_err(|_| Error::NotTapedeck(status))
    }

    /// Sends `call`; an answer that is no success is an error with what the server said.
    pub async fn send(&self, call: RequestBuilder) -> Result<Response, Error> {
        let answer = call.send().await.map_err(|cause| {
            if cause.is_connect() {
                Error::Unreachable { server: self.server.clone(), cause }
            } else {
                Error::Broken(cause)
            }
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refusal(answer).await)
    }

    async fn refusal(&self, answer: Response) -> Error {
        let status = answer.status().as_u16();
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.starts_with(problem::CONTENT_TYPE)) {
            return Error::NotTapedeck(status);
        }
        let after = answer.headers().get(header::RETRY_AFTER).and_then(|after| after.to_str().ok()?.parse().ok());
        match answer.json::<Problem>().await {
            Ok(problem) if problem.status == 401 && self.token.is_some() => {
                Error::NotLoggedIn { server: self.server.clone() }
            }
            Ok(mut problem) => {
                problem.retry_after = problem.retry_after.or(after);
                Error::Refused(Box::new(problem))
            }
            Err(_) => Error::NotTapedeck(status),
        }
    }
}

/// The next piece of a body; silence for [`SILENCE_MAX`] is a broken connection.
pub async fn next_piece(answer: &mut Response) -> Result<Option<bytes::Bytes>, Error> {
    match tokio::time::timeout(SILENCE_MAX, answer.chunk()).await {
        Ok(piece) => piece.map_err(Error::Broken),
        Err(_) => Err(Error::Failed(format!("the server sent nothing for {SILENCE_MAX:?}"))),
    }
}
