//! Why a command failed, and the exit code that says so.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chassis::Problem;
use converter::control::{Refusal, RefusalKind};

/// What `--help` says about exit codes.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  the content was refused: not a video, no audio, too large, an option out of range
  4  the server cannot be reached or is busy; try again later
  5  not logged in";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Usage(String),
    #[error("nothing answers at {server}; start it with `tapedeck up`, or name another server with --server")]
    Unreachable { server: String, cause: reqwest::Error },
    #[error("the connection to the server broke: {}", innermost(.0))]
    Broken(reqwest::Error),
    #[error("{}", refusal(.0))]
    Refused(Box<Problem>),
    #[error("the server answered with status {0} and no explanation; is it tapedeck?")]
    NotTapedeck(u16),
    #[error(
        "not logged in at {server}: run `tapedeck login --server {server}`, or name the system's data folder with --data"
    )]
    NotLoggedIn { server: String },
    #[error("{path}: {cause}")]
    File { path: String, cause: io::Error },
    #[error("{0}")]
    Failed(String),
    #[error("{}: the admin's password was changed since; run `tapedeck login`", file.display())]
    StalePassword { file: PathBuf },
    #[error("it did not end within {} (--patience)", humantime::format_duration(Duration::from_secs(.0.as_secs())))]
    NotEnded(Duration),
    #[error("interrupted; what the server has whole goes on there, see `tapedeck list`")]
    Interrupted,
    /// The engine's refusal, where there is no server.
    #[error("{}", .0.with_flag())]
    Unconvertible(Refusal),
    #[error("interrupted; nothing was written")]
    Stopped,
    /// Was said already, where it happened; only the exit code is still missing.
    #[error("{0}")]
    Shown(Box<Error>),
}

impl Error {
    pub fn file(path: &Path, cause: io::Error) -> Self {
        Self::File { path: path.display().to_string(), cause }
    }

    /// See [`EXIT_CODES`].
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Unconvertible(refusal) if refusal.kind != RefusalKind::Internal => 3,
            Self::Refused(problem) => match problem.status {
                400 | 413 | 415 | 416 | 422 => 3,
                401 => 5,
                _ if self.is_busy() => 4,
                _ => 1,
            },
            Self::Unreachable { .. } | Self::Broken(_) | Self::NotEnded(_) => 4,
            Self::NotLoggedIn { .. } | Self::StalePassword { .. } => 5,
            Self::NotTapedeck(_) | Self::File { .. } | Self::Failed(_) | Self::Unconvertible(_) => 1,
            Self::Shown(failure) => failure.exit_code(),
            // As shells report it.
            Self::Interrupted | Self::Stopped => 130,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Broken(_) | Self::Unreachable { .. } => true,
            Self::Refused(problem) => problem.status == 500 || self.is_busy(),
            _ => false,
        }
    }

    /// Whether the server says that it is a matter of time. A conflict is one only where it names the time.
    fn is_busy(&self) -> bool {
        match self {
            Self::Refused(problem) => match problem.status {
                409 => problem.retry_after.is_some(),
                status => matches!(status, 408 | 429 | 502..=504),
            },
            _ => false,
        }
    }

    /// When the server asked to come back.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after.map(Duration::from_secs),
            _ => None,
        }
    }
}

impl From<Error> for ExitCode {
    fn from(error: Error) -> Self {
        Self::from(error.exit_code())
    }
}

/// Title and detail; the request's id where the server's log says more.
fn refusal(problem: &Problem) -> String {
    match problem.request_id.as_str() {
        id if problem.status >= 500 && !id.is_empty() => format!("{problem} (request {id})"),
        _ => problem.to_string(),
    }
}

/// The outer layers of a client error only say that there was one.
fn innermost(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| cause.source());
    causes.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> Error {
        Error::Refused(Box::new(Problem::new(status, "/problems/x", "Title", "detail")))
    }

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        for (status, code) in
            [(400, 3), (401, 5), (403, 1), (404, 1), (413, 3), (415, 3), (422, 3), (429, 4), (500, 1), (503, 4)]
        {
            assert_eq!(refused(status).exit_code(), code, "status {status}");
        }
        assert_eq!(Error::Usage(String::new()).exit_code(), 2);
    }

    #[test]
    fn a_verdict_about_the_content_is_not_tried_again() {
        assert!([400, 401, 403, 404, 413, 415, 422].iter().all(|status| !refused(*status).is_temporary()));
        assert!(!refused(409).is_temporary(), "a conflict without an end is final");
        assert!([408, 429, 500, 502, 503, 504].iter().all(|status| refused(*status).is_temporary()));
    }

    #[test]
    fn a_refusal_shows_title_and_detail() {
        assert_eq!(refused(422).to_string(), "Title: detail");
    }
}
