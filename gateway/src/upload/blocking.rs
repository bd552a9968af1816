//! The blocking flow: reserve, stream, and answer once the mp3 is committed.

use std::time::Instant;

use actix_web::HttpRequest;
use chassis::{chain, request_id};
use converter::{
    client::CallError,
    conversion::{Attempt, Conversion, ConversionId},
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    Converted, Timing, Upload, body,
    pump::{self, Ended, Limits, Pumped, Video},
    recover::{self, Lost},
    request::Head,
};
use crate::{
    App,
    error::Error,
    per_user::Slot,
    replicas::{Admitted, InFlight},
};

/// Streams the video to a converter and answers once the mp3 is committed.
pub(super) async fn convert(app: &App, request: &HttpRequest, upload: Upload) -> Result<(Converted, Timing), Error> {
    let Upload { caller, mut head, slot, payload } = upload;
    let began = Instant::now();
    let video = Video::open(request, &mut head, payload, app.config.upload_idle_max).await?;
    let mut reserve = head.reserve(&caller)?;
    // Refused here, not a byte of the video was read.
    let admitted = app.admission.reserve(&mut reserve, head.deadline).await?;
    let mut timing = Timing { admission: began.elapsed(), ..Timing::default() };
    let (at, id, attempt) = match admitted {
        Admitted::Permit { at, id, attempt } => (at, id, attempt),
        Admitted::Replay(conversion) => return Ok((Converted::replay(*conversion)?, timing)),
    };

    let admitted_at = Instant::now();
    let (feed, chunks, unwanted) = body::channel();
    let call = call(app, Call { at, id, attempt, body: chunks.into_body(), unwanted, slot, head: &head });
    // Dropped with this handler when the client leaves.
    let gone = CancellationToken::new();
    let _gone = gone.clone().drop_guard();
    let (answer, pumped) = tokio::join!(call, pump::spawn(video, feed, Limits::of(&app.config), gone));
    let ((answer, at), pumped) = (answer.map_err(anyhow::Error::from)?, pumped.map_err(anyhow::Error::from)?);
    timing.upload = pumped.at - admitted_at;
    timing.finish = pumped.at.elapsed();
    let lost = Lost {
        id,
        attempt,
        fingerprint: &reserve.fingerprint,
        is_whole: matches!(pumped.ended, Ended::Whole),
        deadline: head.deadline,
    };
    Ok((settle(app, at, answer, pumped, &lost).await?, timing))
}

/// What one PUT to a converter needs.
struct Call<'a> {
    at: InFlight,
    id: ConversionId,
    attempt: Attempt,
    body: reqwest::Body,
    unwanted: CancellationToken,
    slot: Slot,
    head: &'a Head,
}

/// Sends the video on a task of the process: after the end mark it goes on without the client.
fn call(app: &App, call: Call<'_>) -> JoinHandle<(Result<Conversion, CallError>, InFlight)> {
    let Call { at, id, attempt, body, unwanted, slot, head } = call;
    let deadline = head.deadline;
    let send = async move {
        let answer = at.replica().convert(id, attempt, body, deadline).await;
        // The verdict is there: whatever the client still sends is not wanted.
        unwanted.cancel();
        drop(slot);
        (answer, at)
    };
    let request_id = request_id::current().unwrap_or_default();
    app.uploads.spawn_on(request_id::scope(request_id, send), &app.tasks)
}

/// The converter's verdict first: an early refusal also breaks the pump, and a client that gives up on a refused
/// upload is not the reason.
async fn settle(
    app: &App,
    at: InFlight,
    answer: Result<Conversion, CallError>,
    pumped: Pumped,
    lost: &Lost<'_>,
) -> Result<Converted, Error> {
    match (answer, pumped.ended) {
        (Ok(conversion), _) => Ok(Converted { conversion, is_replay: false }),
        // The converter's way of saying what the gateway knows better.
        (Err(CallError::Refused(problem)), Ended::Failed(error)) if problem.status == 408 => Err(error),
        (Err(CallError::Refused(problem)), _) => Err(problem.into()),
        (Err(_), Ended::Failed(error)) => Err(error),
        (Err(cause), Ended::Whole | Ended::Unwanted) => {
            tracing::warn!(id = %lost.id, cause = chain(&cause), "answer_lost");
            at.answer_lost();
            recover::settle(app, lost).await
        }
    }
}
