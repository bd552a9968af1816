//! The internal API: reserve, then send the video.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, Json, Path, Payload},
};
use chassis::{Deadline, Problem, serve, service_token::FromService};
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::{
    App, admission,
    client::{ATTEMPT_HEADER, Reserve, Reserved},
    conversion::{Attempt, ConversionId},
    error::Error,
    job::{self, input},
};

/// The route table.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(serve::resource("/conversions", "POST").route(web::post().to(reserve)))
        .service(serve::resource("/conversions/{id}/video", "PUT").route(web::put().to(put_video)));
}

async fn reserve(_: FromService, app: Data<App>, request: Json<Reserve>) -> Result<HttpResponse, Error> {
    let app = app.into_inner();
    // A task of the process: dropped with its request, it could leave a claim that nobody holds.
    let reserving = app.tasks.clone().spawn(async move { admission::reserve(&app, request.into_inner()).await });
    let reserved = reserving.await.map_err(Error::internal)??;
    Ok(match reserved {
        Reserved::Permit { .. } => HttpResponse::Created().json(reserved),
        Reserved::Replay(_) => HttpResponse::Ok().json(reserved),
    })
}

async fn put_video(
    _: FromService,
    app: Data<App>,
    id: Path<ConversionId>,
    request: HttpRequest,
    video: Payload,
) -> Result<HttpResponse, Problem> {
    let app = app.into_inner();
    let deadline = Deadline::of_request(request.headers(), app.config.convert_timeout)?;
    let attempt = request.headers().get(ATTEMPT_HEADER).and_then(|value| value.to_str().ok());
    let held = attempt
        .and_then(|attempt| attempt.parse::<Attempt>().ok())
        .and_then(|attempt| app.permits.take_held(*id, attempt));
    let Some(held) = held else { return Err(Error::PermitGone(app.config.permit_hold).problem()) };

    let (sender, receiver) = input::channel();
    // A task of the process, not of this request: after the end mark it needs no client.
    let conversion = app.tasks.spawn(job::convert(Arc::clone(&app), held, receiver, deadline));
    pump(video, sender, app.config.video_idle_max).await;
    match conversion.await {
        Ok(Ok(done)) => Ok(HttpResponse::Ok().json(done)),
        Ok(Err(error)) => Err(error.problem()),
        Err(panicked) => {
            let defect = Error::internal(panicked);
            defect.log();
            Err(defect.problem())
        }
    }
}

/// Forwards the video until its end, its breaking off, or the conversion's verdict.
///
/// Only a body that ended well gets the end mark; dropped without it, the sender says that the video broke off.
async fn pump(mut video: Payload, sender: input::Sender, idle_max: Duration) {
    loop {
        let next = tokio::select! {
            next = timeout(idle_max, video.next()) => next,
            // The verdict is there already: the rest of the video is not wanted.
            () = sender.closed() => break,
        };
        match next {
            Ok(Some(Ok(bytes))) => {
                if !sender.send(bytes).await {
                    break;
                }
            }
            Ok(None) => {
                sender.end().await;
                break;
            }
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
}
