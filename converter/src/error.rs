//! Why the converter could not do what was asked.

use std::time::Duration;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use chassis::Problem;

use crate::{
    claim,
    control::{Refusal, RefusalKind},
    conversion::ConversionId,
    lease, store,
};

/// After which a caller may look again at a conversion that is still running.
const RUNNING_RETRY: Duration = Duration::from_secs(2);
/// After which a dependency or disk may be back.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(5);

/// Each message is safe to show the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Claim(#[from] claim::Refused),
    #[error("all {permits} conversions of this converter are taken (CONVERSIONS_MAX)")]
    Full { permits: usize, retry: Duration },
    #[error("the spool is full (SPOOL_BYTES_MAX)")]
    SpoolFull,
    #[error(
        "what must wait on disk, a video of this format or decoded audio to normalize, exceeds {bytes_max} bytes \
         (SPOOL_BYTES_MAX)"
    )]
    NeverSpooled { bytes_max: u64 },
    #[error("less than {bytes} bytes of disk are free (DISK_FREE_MIN)")]
    DiskShort { bytes: u64 },
    #[error("this converter is shutting down")]
    Draining,
    #[error("no permit is held for this video; it is given back after {0:?} (PERMIT_HOLD)")]
    PermitGone(Duration),
    #[error("the video broke off before its end")]
    UploadBroken,
    #[error("the video exceeds {bytes_max} bytes (UPLOAD_BYTES_MAX)")]
    TooLarge { bytes_max: u64 },
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the conversion was deleted, or another request took it over")]
    Fenced,
    #[error(
        "the conversion took longer than it may (CONVERT_TIMEOUT, Request-Deadline-Ms; in the queue also QUEUE_TIMEOUT)"
    )]
    Deadline,
    #[error("no converter had room for the conversion in time (QUEUE_TIMEOUT, Request-Deadline-Ms)")]
    Overdue,
    #[error("the engine ended without a verdict; the video may be damaged in a way that crashes it")]
    EngineDied,
    #[error("the converter that worked on this is gone")]
    ConverterLost,
    #[error("a disk or store that the conversion needs failed")]
    Unavailable(#[source] anyhow::Error),
    #[error("whether the mp3 was stored is not known yet; ask for the conversion again")]
    OutcomeUnknown(ConversionId),
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl From<lease::Lost> for Error {
    fn from(lost: lease::Lost) -> Self {
        match lost {
            lease::Lost::Store(cause) => cause.into(),
            lease::Lost::Late => Self::Unavailable(lost.into()),
            lease::Lost::Ended => Self::ConverterLost,
            lease::Lost::Fenced => Self::Fenced,
        }
    }
}

impl From<store::Error> for Error {
    fn from(cause: store::Error) -> Self {
        match cause {
            store::Error::Unreadable { .. } | store::Error::BlobMissing => Self::Internal(cause.into()),
            store::Error::Unavailable(_) => Self::Unavailable(cause.into()),
        }
    }
}

impl Error {
    pub(crate) fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self::Unavailable(cause.into())
    }

    pub(crate) fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }

    /// The only table from error to wire.
    pub(crate) fn problem(&self) -> Problem {
        let (status, kind, title) = match self {
            Self::Claim(refused) => return refused.problem(),
            Self::Full { .. } | Self::SpoolFull => (503, "/problems/busy", "Busy"),
            Self::DiskShort { .. } => (503, "/problems/disk-short", "Disk short"),
            Self::Draining => (503, "/problems/draining", "Shutting down"),
            Self::PermitGone(_) => (503, "/problems/permit-gone", "Permit gone"),
            Self::UploadBroken => (408, "/problems/client-stopped", "Upload broke off"),
            Self::TooLarge { .. } | Self::NeverSpooled { .. } => (413, "/problems/too-large", "Upload too large"),
            Self::Refused(refusal) => refused(refusal.kind),
            Self::Fenced => (409, "/problems/cancelled", "Conversion cancelled"),
            Self::Deadline | Self::Overdue => (504, "/problems/timed-out", "Timed out"),
            Self::EngineDied => (500, "/problems/engine-crashed", "Engine crashed"),
            Self::ConverterLost => (502, "/problems/converter-lost", "Converter lost"),
            Self::Unavailable(_) => (503, "/problems/unavailable", "Unavailable"),
            Self::OutcomeUnknown(_) => (503, "/problems/outcome-unknown", "Outcome unknown"),
            Self::Internal(_) => (500, "about:blank", "Internal Server Error"),
        };
        let problem = Problem::new(status, kind, title, self.to_string());
        match self {
            Self::Full { retry, .. } => problem.retry_after(*retry),
            Self::OutcomeUnknown(id) => problem.retry_after(RUNNING_RETRY).member("id", id.to_string()),
            Self::Draining | Self::PermitGone(_) | Self::ConverterLost | Self::Deadline | Self::Overdue => {
                problem.retry_after(RUNNING_RETRY)
            }
            _ if status == 503 => problem.retry_after(UNAVAILABLE_RETRY),
            _ => problem,
        }
    }

    /// Logs the cause, once, where the error leaves the service.
    pub(crate) fn log(&self) {
        match self {
            Self::Unavailable(cause) => tracing::warn!(cause = format!("{cause:#}"), "unavailable"),
            Self::Internal(cause) => tracing::error!(cause = format!("{cause:#}"), "internal error"),
            _ => {}
        }
    }
}

fn refused(kind: RefusalKind) -> (u16, &'static str, &'static str) {
    match kind {
        RefusalKind::Empty => (400, "/problems/empty-body", "Empty upload"),
        RefusalKind::UnknownContainer => (415, "/problems/unknown-container", "Not a video"),
        RefusalKind::Playlist => (422, "/problems/playlist", "A playlist, not a video"),
        RefusalKind::NoAudio => (422, "/problems/no-audio", "No audio track"),
        RefusalKind::UnsupportedCodec => (422, "/problems/unsupported-codec", "Unsupported codec"),
        RefusalKind::Truncated => (422, "/problems/truncated", "Video cut off"),
        RefusalKind::Damaged => (422, "/problems/damaged", "Video damaged"),
        RefusalKind::TooLong => (422, "/problems/too-long", "Audio too long"),
        RefusalKind::EmptyRange => (422, "/problems/empty-range", "Nothing to convert"),
        RefusalKind::Limits => (422, "/problems/engine-limits", "Engine limit reached"),
        RefusalKind::Internal => (500, "about:blank", "Internal Server Error"),
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
