//! The one file of a `multipart/form-data` body (RFC 7578).

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::HeaderMap;
use bytes::Bytes;
use futures_util::Stream;

use super::{body::ClientBody, fingerprint::FileHeaders, request::FORM_BYTES_MAX};
use crate::error::Error;

const NO_FILE: Error = Error::Multipart("the form has no file: send one part with a file name");
const TWO_FILES: Error = Error::Multipart("the form has a second file; send one file for each upload");
const TOO_MUCH_AROUND: Error = Error::Multipart("the form has more than 16 KiB around its file");
const MALFORMED: Error = Error::Multipart("the form cannot be read");

/// The file part of a form, as its bytes come.
pub(super) struct FilePart {
    form: Multipart,
    file: Option<Field>,
    body: ClientBody,
}

/// What the part says of its file.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) filename: Option<String>,
    pub(super) headers: FileHeaders,
}

impl FilePart {
    /// Reads up to the file's first byte, at most [`FORM_BYTES_MAX`] bytes.
    pub(super) async fn find(headers: &HeaderMap, body: ClientBody) -> Result<(Self, Found), Error> {
        body.limit(Some(FORM_BYTES_MAX));
        let mut form = Multipart::new(headers, body.clone());
        loop {
            let mut field = next(&mut form, &body).await?.ok_or(NO_FILE)?;
            if let Some(filename) = file_name(&field) {
                let found = Found { filename: Some(filename), headers: FileHeaders::of(field.headers()) };
                body.limit(None);
                return Ok((Self { form, file: Some(field), body }, found));
            }
            while next(&mut field, &body).await?.is_some() {}
        }
    }

    /// The next bytes of the file. `None` only once the closing boundary was seen: without it the form was cut.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(file) = &mut self.file {
            if let Some(bytes) = next(file, &self.body).await? {
                return Ok(Some(bytes));
            }
            // The form goes on only when its field is gone.
            self.file = None;
            self.body.limit(Some(FORM_BYTES_MAX));
        }
        while let Some(mut field) = next(&mut self.form, &self.body).await? {
            if file_name(&field).is_some() {
                return Err(TWO_FILES);
            }
            while next(&mut field, &self.body).await?.is_some() {}
        }
        Ok(None)
    }
}

/// The next item, or why the form is not read on.
async fn next<S, T>(stream: &mut S, body: &ClientBody) -> Result<Option<T>, Error>
where
    S: Stream<Item = Result<T, MultipartError>> + Unpin,
{
    let read = |cx: &mut Context<'_>| match Pin::new(&mut *stream).poll_next(cx) {
        Poll::Pending if body.is_starved() => Poll::Ready(Err(TOO_MUCH_AROUND)),
        Poll::Ready(item) => Poll::Ready(item.transpose().map_err(|error| refused(&error))),
        Poll::Pending => Poll::Pending,
    };
    poll_fn(read).await
}

/// A body that ended too early was cut by the client; anything else is not a form.
fn refused(error: &MultipartError) -> Error {
    match error {
        MultipartError::Incomplete | MultipartError::BoundaryMissing | MultipartError::Payload(_) => {
            Error::ClientStopped
        }
        _ => MALFORMED,
    }
}

/// A part is a file where it names one.
fn file_name(field: &Field) -> Option<String> {
    let disposition = field.content_disposition()?;
    let name = disposition.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
    name.or_else(|| disposition.get_filename().map(str::to_owned))
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilePart").finish_non_exhaustive()
    }
}
