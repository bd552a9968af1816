//! Mails that were given up, for administrators: look, and send again.

use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use converter::{
    conversion::{NotifyState, Timestamp},
    store::{Change, Due},
};
use serde::Serialize;

use crate::{App, caller::Admin, conversions, error::Error, view::View};

/// The dead mails that one answer lists.
#[derive(Debug, Serialize)]
pub(crate) struct DeadMail {
    conversions: Vec<Addressed>,
}

/// A conversion and who should have heard of it.
#[derive(Debug, Serialize)]
struct Addressed {
    owner: String,
    email: String,
    #[serde(flatten)]
    conversion: View,
}

pub(crate) async fn list(_: Admin, app: Data<App>) -> Result<Json<DeadMail>, Error> {
    let dead = app.store.due(Due::DeadMail, app.config.page_max).await?;
    let addressed = |document: converter::conversion::Conversion| Addressed {
        owner: document.owner.0.clone(),
        email: document.email.clone(),
        conversion: View::of(document),
    };
    Ok(Json(DeadMail { conversions: dead.into_iter().map(addressed).collect() }))
}

/// Opens the outbox entry again; the converters' relay publishes it at its next sweep.
pub(crate) async fn send_again(_: Admin, app: Data<App>, id: Path<String>) -> Result<HttpResponse, Error> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    for _ in 0..conversions::UPDATE_TRIES_MAX {
        let found = app.store.get(id).await?.ok_or(Error::NotFound)?;
        if found.notify.as_ref().is_none_or(|notify| notify.state != NotifyState::Dead) {
            return Err(Error::NotFound);
        }
        if app.store.update(found.seen(), Change::SendAgain { at: Timestamp::now() }).await? {
            return Ok(HttpResponse::Accepted().finish());
        }
    }
    Err(Error::OutcomeUnknown(id))
}
