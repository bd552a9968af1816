//! Why a request failed, and the one table from error to wire.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use chassis::Problem;
use converter::{
    claim,
    conversion::{ConversionId, Failure},
    lease,
    options::OptionError,
    store,
};

/// After which a running conversion may be looked at again, or a draining replica is replaced.
const RUNNING_RETRY: Duration = Duration::from_secs(2);
/// After which a dependency may be back.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);
/// After which the queue may have room: a few conversions have ended.
const QUEUE_RETRY: Duration = Duration::from_secs(15);
/// Longest that a lost converter's lease keeps its conversion; see the converter's `LEASE`.
const LOST_RETRY: Duration = Duration::from_secs(15);

/// Each message is safe to show the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Option(#[from] OptionError),
    #[error("the body is empty; send the video as the body, or as the file of a form")]
    EmptyBody,
    #[error("{0}")]
    Multipart(&'static str),
    #[error("send a token: Authorization: Bearer TOKEN; POST /login gives one")]
    NoToken,
    #[error("{0}")]
    BadToken(String),
    #[error("wrong name or password")]
    BadLogin { challenge: &'static str },
    #[error(
        "the cookie counts only on requests of tapedeck's own page (Origin, Sec-Fetch-Site; behind TLS set TLS_IN_FRONT)"
    )]
    CrossSite,
    #[error("only an administrator may do this")]
    NotAdmin,
    #[error("this gateway is not addressed by that name; see ALLOWED_HOSTS")]
    WrongHost,
    #[error("nothing with this id or name is yours")]
    NotFound,
    #[error("the client sent nothing for {0:?} (UPLOAD_IDLE_MAX)")]
    ClientIdle(Duration),
    #[error("the client sent less than {0} bytes per second (UPLOAD_RATE_MIN)")]
    ClientSlow(u64),
    #[error("the upload broke off before its end")]
    ClientStopped,
    #[error("the conversion has not ended yet; ask GET /conversions/{0} for its state")]
    NotReady(ConversionId),
    #[error("the conversion failed: {0}")]
    ConversionFailed(String),
    #[error("the upload exceeds {0} bytes (UPLOAD_BYTES_MAX)")]
    TooLarge(u64),
    #[error("the mp3 has {bytes} bytes; the range lies outside of it")]
    RangeOutside { bytes: u64 },
    #[error("{0} of your uploads are in flight already (UPLOADS_PER_USER_MAX)")]
    TooManyUploads(usize),
    #[error("{0} of your downloads are in flight already (DOWNLOADS_PER_USER_MAX)")]
    TooManyDownloads(usize),
    #[error("{0} uploads wait for a converter already (ADMISSION_WAITING_MAX)")]
    Busy(usize),
    #[error("{0} of your uploads wait in the queue already (QUEUED_PER_USER_MAX); wait for one to end, or delete one")]
    TooManyQueued(u64),
    #[error("{0} uploads wait in the queue already (QUEUE_MAX)")]
    QueueFull(u64),
    #[error("the videos in the queue have {0} bytes already (QUEUE_BYTES_MAX)")]
    QueueHeavy(u64),
    #[error("the conversion was deleted, or another request took it over")]
    Cancelled,
    #[error("no converter can be reached (CONVERTERS)")]
    NoConverter,
    #[error("this gateway is shutting down")]
    Draining,
    #[error("the conversion store did not answer in time for the upload (LEASE)")]
    LeaseEnded,
    #[error("the conversion store does not answer")]
    Unavailable(#[source] store::Error),
    #[error("the user is removed, but what is theirs is not yet; repeat the request")]
    HalfRemoved(#[source] store::Error),
    #[error("whether the conversion is done is not known yet; ask for it again")]
    OutcomeUnknown(ConversionId),
    #[error("the converter that worked on this is gone; send the video again")]
    ConverterLost,
    #[error("the conversion took longer than the caller waits (CONVERT_TIMEOUT, QUEUE_TIMEOUT, Request-Deadline-Ms)")]
    TimedOut,
    /// Another service's answer, as it came.
    #[error("{0}")]
    Passed(Box<Problem>),
    #[error("internal error")]
    Internal(#[from] anyhow::Error),
}

impl From<store::Error> for Error {
    fn from(cause: store::Error) -> Self {
        match cause {
            // To ask again is no help.
            store::Error::Unreadable { .. } => Self::Internal(cause.into()),
            _ => Self::Unavailable(cause),
        }
    }
}

impl From<claim::Refused> for Error {
    fn from(refused: claim::Refused) -> Self {
        refused.problem().into()
    }
}

impl From<lease::Lost> for Error {
    fn from(lost: lease::Lost) -> Self {
        match lost {
            lease::Lost::Store(cause) => cause.into(),
            lease::Lost::Late | lease::Lost::Ended => Self::LeaseEnded,
            lease::Lost::Fenced => Self::Cancelled,
        }
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Passed(Box::new(problem))
    }
}

impl Error {
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::BadRequest(detail.into())
    }

    /// The failure that a conversion ended with, as it was answered the first time.
    pub(crate) fn failure(failure: &Failure) -> Self {
        failure.problem().into()
    }

    /// The only table from error to wire.
    pub(crate) fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::Passed(problem) => return Problem::clone(problem),
            Self::BadRequest(_) | Self::Option(_) | Self::Multipart(_) => {
                (400, "/problems/bad-request", "Malformed request")
            }
            Self::EmptyBody => (400, "/problems/empty-body", "Empty upload"),
            Self::NoToken | Self::BadToken(_) | Self::BadLogin { .. } => {
                (401, "/problems/unauthorized", "Not authorized")
            }
            Self::CrossSite | Self::NotAdmin => (403, "/problems/forbidden", "Forbidden"),
            Self::WrongHost => (421, "/problems/wrong-host", "Wrong host"),
            Self::NotFound => (404, "/problems/not-found", "Not found"),
            Self::ClientIdle(_) | Self::ClientSlow(_) | Self::ClientStopped => {
                (408, "/problems/client-stopped", "Upload broke off")
            }
            Self::NotReady(_) => (409, "/problems/not-ready", "Not ready"),
            Self::ConversionFailed(_) => (409, "/problems/conversion-failed", "Conversion failed"),
            Self::TooLarge(_) => (413, "/problems/too-large", "Upload too large"),
            Self::RangeOutside { .. } => (416, "/problems/range-outside", "Range outside the mp3"),
            Self::TooManyUploads(_) => (429, "/problems/too-many-uploads", "Too many uploads"),
            Self::TooManyDownloads(_) => (429, "/problems/too-many-downloads", "Too many downloads"),
            Self::TooManyQueued(_) => (429, "/problems/too-many-queued", "Too many uploads in the queue"),
            Self::QueueFull(_) | Self::QueueHeavy(_) => (503, "/problems/queue-full", "Queue full"),
            Self::Cancelled => (409, "/problems/cancelled", "Conversion cancelled"),
            Self::Busy(_) => (503, "/problems/busy", "Busy"),
            Self::Draining => (503, "/problems/draining", "Shutting down"),
            Self::NoConverter | Self::LeaseEnded | Self::Unavailable(_) | Self::HalfRemoved(_) => {
                (503, "/problems/unavailable", "Unavailable")
            }
            Self::OutcomeUnknown(_) => (503, "/problems/outcome-unknown", "Outcome unknown"),
            Self::ConverterLost => (502, "/problems/converter-lost", "Converter lost"),
            Self::TimedOut => (504, "/problems/timed-out", "Timed out"),
            Self::Internal(_) => (500, "about:blank", "Internal Server Error"),
        };
        self.decorate(Problem::new(status, kind, title, self.to_string()))
    }

    /// Adds what belongs to the status: challenges, waits, members.
    fn decorate(&self, problem: Problem) -> Problem {
        match self {
            Self::NoToken => problem.header(header::WWW_AUTHENTICATE, r#"Bearer realm="tapedeck""#),
            Self::BadToken(_) => {
                problem.header(header::WWW_AUTHENTICATE, r#"Bearer realm="tapedeck", error="invalid_token""#)
            }
            Self::BadLogin { challenge } => problem.header(header::WWW_AUTHENTICATE, *challenge),
            Self::RangeOutside { bytes } => problem.header(header::CONTENT_RANGE, format!("bytes */{bytes}")),
            Self::OutcomeUnknown(id) => problem.retry_after(RUNNING_RETRY).member("id", id.to_string()),
            Self::NotReady(_)
            | Self::TooManyUploads(_)
            | Self::TooManyDownloads(_)
            | Self::Busy(_)
            | Self::Draining
            | Self::TimedOut => problem.retry_after(RUNNING_RETRY),
            Self::ConverterLost => problem.retry_after(LOST_RETRY),
            Self::TooManyQueued(_) | Self::QueueFull(_) | Self::QueueHeavy(_) => problem.retry_after(QUEUE_RETRY),
            _ if problem.status == 503 => problem.retry_after(UNAVAILABLE_RETRY),
            _ => problem,
        }
    }

    /// Logs the cause, once, where the error leaves the service.
    fn log(&self) {
        match self {
            Self::Unavailable(cause) | Self::HalfRemoved(cause) => {
                tracing::warn!(cause = chassis::chain(cause), "store_unavailable");
            }
            Self::Internal(cause) => tracing::error!(cause = format!("{cause:#}"), "internal_error"),
            _ => {}
        }
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.problem().status_code()
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        self.problem().error_response()
    }
}

#[cfg(test)]
mod tests;
