//! Why a request failed, and the one table from that to the wire.

use std::time::Duration;

use actix_web::http::header;
use chassis::{Problem, chain};

/// When a caller may try again after a full queue or a silent store.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request failed; each message is safe to show the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("send a user name and a password by HTTP Basic, in UTF-8")]
    NoLogin,
    #[error("the user name or the password is wrong")]
    WrongLogin,
    #[error("send a token: Authorization: Bearer TOKEN")]
    NoToken,
    #[error("the token is not valid or has expired; log in again")]
    BadToken,
    #[error("only an admin may do this")]
    NotAdmin,
    #[error("the old password is wrong")]
    WrongPassword,
    #[error("too many failed logins; wait (LOGIN_FAILURES_MAX, LOGIN_FAILURES_PER_ADDRESS_MAX, LOGIN_FAILURES_WINDOW)")]
    Throttled(Duration),
    #[error("too many passwords are being checked; try again (PASSWORD_CHECKS_MAX)")]
    Busy,
    #[error("{0}")]
    Rule(&'static str),
    #[error("there is already a user of this name")]
    Taken,
    #[error("this is the last admin; create another one first")]
    LastAdmin,
    #[error("there never was a user of this name")]
    UnknownUser,
    #[error("the user store does not answer; try again")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the server of the user store refuses the login or the database (USERS_URL)")]
    StoreRefused(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the schema of the user store is missing or too old: run `auth migrate`")]
    OldSchema,
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A defect; its cause is logged, not sent.
    pub(crate) fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The store's fault, or the way to it; the cause is logged, not sent.
    pub(crate) fn store(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Store(cause.into())
    }

    /// The only table from error to wire.
    fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::NoLogin | Self::WrongLogin | Self::NoToken | Self::BadToken => {
                (401, "/problems/unauthorized", "Not authorized")
            }
            Self::NotAdmin => (403, "/problems/forbidden", "Forbidden"),
            Self::WrongPassword => (403, "/problems/wrong-password", "Wrong password"),
            Self::Throttled(_) => (429, "/problems/too-many-requests", "Too many requests"),
            Self::Busy | Self::Store(_) | Self::StoreRefused(_) | Self::OldSchema => {
                (503, "/problems/unavailable", "Unavailable")
            }
            Self::Rule(_) => (400, "/problems/bad-request", "Malformed request"),
            Self::Taken => (409, "/problems/user-exists", "User exists"),
            Self::LastAdmin => (409, "/problems/last-admin", "Last admin"),
            Self::UnknownUser => (404, "/problems/not-found", "Not found"),
            Self::Internal(_) => (500, "about:blank", "Internal Server Error"),
        };
        let problem = Problem::new(status, kind, title, self.to_string());
        let problem = match self.challenge() {
            Some(challenge) => problem.header(header::WWW_AUTHENTICATE, challenge),
            None => problem,
        };
        match self {
            Self::Throttled(wait) => problem.retry_after(*wait),
            Self::Busy | Self::Store(_) | Self::StoreRefused(_) | Self::OldSchema => problem.retry_after(RETRY_AFTER),
            _ => problem,
        }
    }

    /// `WWW-Authenticate`: RFC 7617 §2 for the login, RFC 6750 §3 for tokens.
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::NoLogin | Self::WrongLogin => Some("Basic realm=\"tapedeck\", charset=\"UTF-8\""),
            Self::NoToken => Some("Bearer realm=\"tapedeck\""),
            Self::BadToken => Some("Bearer realm=\"tapedeck\", error=\"invalid_token\""),
            Self::NotAdmin => Some("Bearer realm=\"tapedeck\", error=\"insufficient_scope\""),
            _ => None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match &error {
            Error::Store(cause) | Error::StoreRefused(cause) | Error::Internal(cause) => {
                tracing::error!(cause = chain(cause.as_ref()), "request_failed");
            }
            Error::OldSchema => tracing::error!(cause = %error, "request_failed"),
            _ => {}
        }
        error.problem()
    }
}

impl From<chassis::sqlite::Error> for Error {
    fn from(cause: chassis::sqlite::Error) -> Self {
        Self::store(cause)
    }
}
