//! `GET /download?fid=ID`: the mp3, whole or a part of it, straight from the store.

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{Method, header},
    web::{Data, Query},
};
use converter::{
    conversion::{Conversion, Mp3, State},
    store::{self, BlobBytes},
};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;

use crate::{
    App,
    caller::Caller,
    conditional, conversions, disposition,
    error::Error,
    range::{self, Part},
};

/// Revalidated by its tag each time: the file never changes, but it can be deleted, and it is its owner's alone.
const CACHE: &str = "private, no-cache";

/// Which mp3, and whether it is to be played rather than saved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    fid: String,
    inline: Option<String>,
}

pub(crate) async fn download(
    caller: Caller,
    app: Data<App>,
    wanted: Query<Wanted>,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    let found = conversions::of_caller(&app, &caller, conversions::id(&wanted.fid)?).await?;
    let mp3 = finished(&found)?;
    let etag = format!("\"{}\"", mp3.sha256);
    if conditional::is_fresh(request.headers(), &etag) {
        let mut response = HttpResponse::NotModified();
        return Ok(response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, CACHE)).finish());
    }
    let asked = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
    let part = match range::part(asked, mp3.bytes) {
        part if conditional::range_counts(request.headers(), &etag) => part,
        _ => Part::All,
    };
    let (mut response, bytes) = match part {
        Part::All => (HttpResponse::Ok(), 0..=mp3.bytes.saturating_sub(1)),
        Part::Bytes(bytes) => {
            let mut response = HttpResponse::PartialContent();
            let (first, last) = (bytes.start(), bytes.end());
            response.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{}", mp3.bytes)));
            (response, bytes)
        }
        Part::Outside => return Err(Error::RangeOutside { bytes: mp3.bytes }),
    };
    let inline = wanted.inline.as_deref().is_some_and(|inline| inline != "0");
    describe(&mut response, &found, etag, inline);
    let length = bytes.end() - bytes.start() + 1;
    let body: BlobBytes = if request.method() == Method::HEAD {
        stream::empty().boxed()
    } else {
        app.store.read_blob(mp3.blob_id, bytes).await.map_err(|error| match error {
            // Deleted since the document was read.
            store::Error::BlobMissing => Error::NotFound,
            error => error.into(),
        })?
    };
    // An error in the middle of the stream breaks the connection: a short file never looks whole.
    Ok(response.body(SizedStream::new(length, body)))
}

fn finished(found: &Conversion) -> Result<&Mp3, Error> {
    match (found.state, &found.mp3, &found.failure) {
        (State::Done, Some(mp3), _) => Ok(mp3),
        (State::Failed, _, Some(failure)) => Err(Error::ConversionFailed(failure.detail.clone())),
        _ => Err(Error::NotReady(found.id)),
    }
}

fn describe(response: &mut HttpResponseBuilder, found: &Conversion, etag: String, inline: bool) {
    let kind = if inline { "inline" } else { "attachment" };
    let name = disposition::mp3_name(&found.filename);
    response
        .content_type("audio/mpeg")
        .insert_header((header::ETAG, etag))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CACHE_CONTROL, CACHE))
        .insert_header((header::CONTENT_DISPOSITION, disposition::header(kind, &name)));
}
