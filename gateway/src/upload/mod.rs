//! `POST /upload` and `PUT /upload/{filename}`: video in, id of a stored mp3 out.
//!
//! `blocking` and `queued` are the two flows, side by side so that they can be compared line by line. What both need is
//! here: the head (`request`), the client's body (`body`, `multipart`, `pump`), the answer.

mod blocking;
mod body;
mod filename;
mod fingerprint;
mod multipart;
mod pump;
pub(crate) mod queued;
mod recover;
mod request;

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError as _,
    http::header::{self, HeaderName},
    web::{Data, Path, Payload},
};
use chassis::Deadline;
use converter::conversion::{Conversion, State};

use crate::{
    App,
    caller::{self, Caller},
    error::Error,
    per_user::Slot,
    prefer,
    view::View,
};
use body::ClientBody;
use request::Head;

/// Says that an earlier request with this key was answered this way.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// An upload that became an mp3, or in the queued flow will become one.
#[derive(Debug)]
struct Converted {
    conversion: Conversion,
    /// Whether an earlier request did it.
    is_replay: bool,
}

/// One upload whose head is checked.
#[derive(Debug)]
struct Upload {
    caller: Caller,
    head: Head,
    slot: Slot,
    payload: ClientBody,
}

impl Converted {
    /// A final outcome of this key's first request, again.
    fn replay(conversion: Conversion) -> Result<Self, Error> {
        match &conversion.failure {
            Some(failure) => Err(failure.problem().header(IDEMPOTENCY_REPLAYED, "true").into()),
            None => Ok(Self { conversion, is_replay: true }),
        }
    }
}

/// Where the time went, for `Server-Timing`.
#[derive(Debug, Default)]
struct Timing {
    /// Until a permit was held, or in the queued flow the conversion.
    admission: Duration,
    /// From then on until the last byte was passed on.
    upload: Duration,
    /// From then on until the commit was known, or that the video is in the queue.
    finish: Duration,
}

pub(crate) async fn post(app: Data<App>, request: HttpRequest, body: Payload) -> HttpResponse {
    answer(&app, &request, None, body).await
}

pub(crate) async fn put(app: Data<App>, request: HttpRequest, name: Path<String>, body: Payload) -> HttpResponse {
    answer(&app, &request, Some(&name), body).await
}

async fn answer(app: &Data<App>, request: &HttpRequest, path_name: Option<&str>, body: Payload) -> HttpResponse {
    let counted = Counted::new();
    let response = match upload(app, request, path_name, ClientBody::new(body)).await {
        Ok((converted, timing)) => succeeded(converted, &timing),
        Err(error) => error.error_response(),
    };
    counted.end(&response);
    response
}

/// Token, options, key, the user's limit; then the flow.
async fn upload(
    app: &Data<App>,
    request: &HttpRequest,
    path_name: Option<&str>,
    body: ClientBody,
) -> Result<(Converted, Timing), Error> {
    if app.readiness.is_draining() {
        return Err(Error::Draining);
    }
    // The caller's patience begins now, and is judged after the token.
    let queue = app.queue.as_ref().filter(|_| prefer::respond_async(request.headers()));
    let patience = if queue.is_some() { app.config.queue_timeout } else { app.config.convert_timeout };
    let deadline = Deadline::of_request(request.headers(), patience);
    let caller = caller::authenticate(app, request).await?;
    let head = Head::of(request, path_name, deadline?, &app.config)?;
    let slot = app.per_user.take(&caller.id).ok_or(Error::TooManyUploads(app.config.uploads_per_user_max))?;
    let upload = Upload { caller, head, slot, payload: body };
    match queue {
        None => blocking::convert(app, request, upload).await,
        Some(queue) => queued::accept(app, queue, request, upload).await,
    }
}

fn succeeded(converted: Converted, timing: &Timing) -> HttpResponse {
    let Converted { conversion, is_replay } = converted;
    let ms = |span: Duration| span.as_secs_f64() * 1000.0;
    let timing = format!(
        "admission;dur={:.1}, upload;dur={:.1}, finish;dur={:.1}",
        ms(timing.admission),
        ms(timing.upload),
        ms(timing.finish)
    );
    let mut response = match conversion.state {
        State::Done => HttpResponse::Created(),
        // In the queue, or it was a moment ago.
        State::Queued | State::Running | State::Failed | State::Deleted => {
            let mut accepted = HttpResponse::Accepted();
            accepted.insert_header((prefer::PREFERENCE_APPLIED, prefer::RESPOND_ASYNC));
            accepted
        }
    };
    response
        .insert_header((header::LOCATION, format!("/conversions/{}", conversion.id)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((SERVER_TIMING, timing));
    if is_replay {
        response.insert_header((IDEMPOTENCY_REPLAYED, "true"));
    }
    response.json(View::of_upload(conversion))
}

/// One upload in `tapedeck_uploads_total`; without [`Self::end`] its client left before the answer.
struct Counted {
    outcome: &'static str,
}

impl Counted {
    fn new() -> Self {
        Self { outcome: "client_left" }
    }

    fn end(mut self, response: &HttpResponse) {
        self.outcome = match response.status().as_u16() {
            _ if response.headers().contains_key(IDEMPOTENCY_REPLAYED) => "replayed",
            202 => "queued",
            200..=299 => "converted",
            408 => "client_stopped",
            429 | 503 => "turned_away",
            400..=499 => "refused",
            _ => "failed",
        };
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::counter!("tapedeck_uploads_total", "outcome" => self.outcome).increment(1);
    }
}
