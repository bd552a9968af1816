//! The contract of auth and the client that speaks it; both compile without the server.

mod answer;
mod contract;

use std::{fmt, net::IpAddr, time::Duration};

use chassis::{Deadline, Problem, request_id};
use reqwest::{Method, RequestBuilder, Url, redirect};

pub use contract::{CLIENT_ADDRESS, Caller, Login, NewUser, PasswordChange, Removed, Token, User, UserPage};

/// Longest whole call, where the caller has no other wish.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle connections that are kept; more are opened and closed as needed.
const IDLE_CONNECTIONS_MAX: usize = 32;
/// Shorter than the server's keep-alive, so that a request seldom meets a connection that is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    #[error("`{0}` is no address of auth; it looks like http://auth:8081 (AUTH_URL)")]
    Url(String),
    #[error("the HTTP client cannot start")]
    Http(#[from] reqwest::Error),
}

/// Calls auth. Every error is a problem that can be shown to the caller: auth's own one with its headers, or
/// 503 `/problems/unavailable` where auth does not answer.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    timeout: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// One call: the request, and until when its answer is waited for.
struct Call {
    request: RequestBuilder,
    repeat: Repeat,
    deadline: Deadline,
}

/// Whether a call may be sent again after its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    Safe,
    Never,
}

impl Client {
    /// A client of the auth at `base_url` (`AUTH_URL`); `timeout` bounds each whole call.
    pub fn new(base_url: &str, timeout: Duration) -> Result<Self, ClientError> {
        let base = Url::parse(base_url).ok().filter(|url| url.scheme() == "http" && !url.cannot_be_a_base());
        let base = base.ok_or_else(|| ClientError::Url(base_url.to_owned()))?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // Inside the cluster no proxy of the environment may see a password.
            .no_proxy()
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self { http, base, timeout })
    }

    /// Changes a name and a password into a token. `client_address` is whom the throttle holds responsible.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        client_address: Option<IpAddr>,
    ) -> Result<Login, Problem> {
        let request = self.request(Method::POST, &["login"]).basic_auth(username, Some(password));
        answer::read(self.call(with_address(request, client_address), Repeat::Safe)).await
    }

    /// Says who shows `token`; 401 where it is bad, expired, or its user is gone.
    pub async fn validate(&self, token: &str) -> Result<Caller, Problem> {
        let body = Token { token: token.to_owned() };
        answer::read(self.call(self.request(Method::POST, &["validate"]).json(&body), Repeat::Safe)).await
    }

    /// Creates a user; `token` is an admin's.
    pub async fn create_user(&self, token: &str, user: &NewUser) -> Result<User, Problem> {
        let request = self.request(Method::POST, &["users"]).bearer_auth(token).json(user);
        answer::read(self.call(request, Repeat::Never)).await
    }

    /// One page of users, those behind the name `after`; `token` is an admin's.
    pub async fn list_users(&self, token: &str, after: Option<&str>) -> Result<UserPage, Problem> {
        let request =
            self.request(Method::GET, &["users"]).bearer_auth(token).query(&after.map(|name| [("after", name)]));
        answer::read(self.call(request, Repeat::Safe)).await
    }

    /// Removes a user and names all ids of that name, also on a repeat; `token` is an admin's.
    pub async fn delete_user(&self, token: &str, username: &str) -> Result<Removed, Problem> {
        let request = self.request(Method::DELETE, &["users", username]).bearer_auth(token);
        answer::read(self.call(request, Repeat::Safe)).await
    }

    /// Changes the password of the token's owner. `client_address` is whom the throttle holds responsible.
    pub async fn change_password(
        &self,
        token: &str,
        change: &PasswordChange,
        client_address: Option<IpAddr>,
    ) -> Result<(), Problem> {
        let request = self.request(Method::PUT, &["users", "me", "password"]).bearer_auth(token).json(change);
        answer::read_nothing(self.call(with_address(request, client_address), Repeat::Never)).await
    }

    fn call(&self, request: RequestBuilder, repeat: Repeat) -> Call {
        Call { request, repeat, deadline: Deadline::after(self.timeout) }
    }

    /// A request to `path`, whose segments are encoded, under the id of the request that is being served.
    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.http.request(method, url);
        match request_id::current() {
            Some(id) => request.header(request_id::HEADER, id),
            None => request,
        }
    }
}

fn with_address(request: RequestBuilder, client_address: Option<IpAddr>) -> RequestBuilder {
    match client_address {
        Some(address) => request.header(CLIENT_ADDRESS, address.to_string()),
        None => request,
    }
}
