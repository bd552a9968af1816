//! Lists, status and deletion of conversions, straight from the store: no converter is needed for them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Json, Path, Query},
};
use converter::{
    conversion::{Conversion, ConversionId, Owner, State, Timestamp},
    store::Change,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::{App, caller::Caller, cursor, error::Error, prefer, view::View};

/// How often an update is tried again after somebody else's came first. A conversion changes a few times a second at
/// most, so a few tries are plenty.
pub(crate) const UPDATE_TRIES_MAX: usize = 8;

/// Which conversions are listed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    limit: Option<usize>,
    cursor: Option<String>,
    key: Option<String>,
}

/// One page, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    conversions: Vec<View>,
    /// For `?cursor=`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The conversion where it is the caller's. A foreign one answers exactly like an unknown or deleted one.
pub(crate) async fn of_caller(app: &App, caller: &Caller, id: ConversionId) -> Result<Conversion, Error> {
    let found = app.store.get(id).await?;
    found.filter(|found| found.owner == caller.id && found.state != State::Deleted).ok_or(Error::NotFound)
}

/// A text that is no id names nothing.
pub(crate) fn id(text: &str) -> Result<ConversionId, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

pub(crate) async fn list(caller: Caller, app: Data<App>, which: Query<Which>) -> Result<Json<Page>, Error> {
    if let Some(key) = &which.key {
        let found = by_key(&app, &caller.id, key).await?;
        return Ok(Json(Page { conversions: found.into_iter().map(View::of).collect(), next: None }));
    }
    let page_max = app.config.page_max;
    let limit = which.limit.unwrap_or(app.config.page_default.min(page_max));
    if !(1..=page_max).contains(&limit) {
        return Err(Error::bad_request(format!("limit must be 1 to {page_max} (PAGE_MAX), not {limit}")));
    }
    let after = match &which.cursor {
        None => None,
        Some(text) => Some(cursor::decode(text).ok_or_else(|| Error::bad_request("cursor must be a former `next`"))?),
    };
    // One more than asked for tells whether there is a next page.
    let mut found = app.store.list(&caller.id, after, limit + 1).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(cursor::encode);
    Ok(Json(Page { conversions: found.into_iter().map(View::of).collect(), next }))
}

async fn by_key(app: &App, owner: &Owner, key: &str) -> Result<Option<Conversion>, Error> {
    let found = app.store.get(ConversionId::of_key(owner, key)).await?;
    Ok(found.filter(|found| found.owner == *owner && found.state != State::Deleted))
}

/// The state; with `Prefer: wait=N` once it has ended, or after N seconds. A user with too many such
/// waits is answered at once: a preference need not be applied (RFC 7240 §2).
pub(crate) async fn status(
    caller: Caller,
    app: Data<App>,
    text: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let id = id(&text)?;
    let mut found = of_caller(&app, &caller, id).await?;
    let preferred = prefer::wait(request.headers()).map(|wait| wait.min(app.config.status_wait_max));
    let is_open = found.is_open();
    // Held until the answer is made. What has ended is answered at once anyway and takes no place.
    let place = preferred.filter(|_| is_open).and_then(|_| app.waiting.take(&caller.id));
    let wait = preferred.filter(|_| place.is_some() || !is_open);
    let until = wait.map(|wait| Instant::now() + wait);
    while found.is_open()
        && let Some(until) = until.filter(|until| Instant::now() < *until)
    {
        // What is read then decides, whether the time is over or the conversion.
        let _ = timeout_at(until, app.watch.ended(id)).await;
        found = of_caller(&app, &caller, id).await?;
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(wait) = wait {
        response.insert_header((prefer::PREFERENCE_APPLIED, format!("wait={}", wait.as_secs())));
    }
    Ok(response.json(View::of(found)))
}

/// One update to the tombstone. A running conversion ends at its next heartbeat.
pub(crate) async fn remove(caller: Caller, app: Data<App>, text: Path<String>) -> Result<HttpResponse, Error> {
    let id = id(&text)?;
    for _ in 0..UPDATE_TRIES_MAX {
        let found = of_caller(&app, &caller, id).await?;
        if app.store.update(found.seen(), Change::Tombstone { at: Timestamp::now() }).await? {
            return Ok(HttpResponse::NoContent().finish());
        }
    }
    Err(Error::OutcomeUnknown(id))
}
