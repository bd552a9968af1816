//! A conversion as its owner sees it.

use converter::{
    control::Completeness,
    conversion::{Conversion, ConversionId, Failure, Mp3, Notify, NotifyState, Progress, State, Timestamp},
    options::Options,
};
use serde::Serialize;

/// The JSON of one conversion: of a 201, a status and a list. Instants are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Serialize)]
pub(crate) struct View {
    id: ConversionId,
    state: State,
    filename: String,
    options: Options,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    done_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    /// While its outcome is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(flatten)]
    mp3: Option<Mp3View>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mail: Option<Mail>,
    links: Links,
}

#[derive(Debug, Serialize)]
struct Mp3View {
    bytes: u64,
    duration_ms: u64,
    sha256: String,
    completeness: Completeness,
    /// Hz.
    sample_rate: u32,
    channels: u8,
    source: String,
}

/// Where the mail about a finished conversion is.
#[derive(Debug, Serialize)]
struct Mail {
    state: NotifyState,
    /// Sendings that failed.
    attempts: u32,
}

#[derive(Debug, Serialize)]
struct Links {
    #[serde(rename = "self")]
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<String>,
}

impl View {
    /// What a 201 says: only what never changes again, so that a replay is the same answer.
    pub(crate) fn of_upload(document: Conversion) -> Self {
        Self::of(Conversion { notify: None, ..document })
    }

    pub(crate) fn of(document: Conversion) -> Self {
        let is_open = document.is_open();
        let Conversion { id, state, filename, options, created_at, done_at, expires_at, .. } = document;
        Self {
            id,
            state,
            filename,
            options,
            created_at,
            done_at,
            expires_at,
            progress: is_open.then_some(document.progress),
            links: Links {
                status: format!("/conversions/{id}"),
                download: (state == State::Done).then(|| format!("/download?fid={id}")),
            },
            mp3: document.mp3.map(Mp3View::of),
            failure: document.failure,
            mail: document.notify.as_ref().map(Mail::of),
        }
    }
}

impl Mp3View {
    fn of(mp3: Mp3) -> Self {
        let Mp3 { bytes, duration_ms, sha256, completeness, sample_rate, channels, source, .. } = mp3;
        Self { bytes, duration_ms, sha256, completeness, sample_rate, channels, source }
    }
}

impl Mail {
    fn of(notify: &Notify) -> Self {
        Self { state: notify.state, attempts: notify.attempts }
    }
}
