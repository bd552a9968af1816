//! The head of an upload, checked before its body is looked at.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderName},
};
use chassis::Deadline;
use converter::{
    client::Reserve,
    conversion::Attempt,
    options::{Options, RawOptions},
};

use super::{
    filename,
    fingerprint::{FileHeaders, Fingerprint},
};
use crate::{Config, caller::Caller, error::Error};

/// Longest `Idempotency-Key` in bytes.
const KEY_BYTES_MAX: usize = 255;
/// What a form may have around its file, in bytes: boundaries, part headers, small fields.
pub(super) const FORM_BYTES_MAX: usize = 16 * 1024;
/// Longest boundary of a form in bytes (RFC 2046 §5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;
const NO_BOUNDARY: Error = Error::Multipart(
    "the form's Content-Type has no good boundary; send: multipart/form-data; boundary=TEXT, of 1 to 70 characters",
);
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// What the head asks for.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) options: Options,
    /// From the query or the path; a form's part may name one too.
    pub(super) filename: Option<String>,
    pub(super) key: Option<String>,
    pub(super) deadline: Deadline,
    /// `Content-Length`, where the body has one.
    pub(super) length: Option<u64>,
    pub(super) is_form: bool,
    pub(super) file: FileHeaders,
}

impl Head {
    /// Reads and checks the head. `path_name` is the name in a PUT's path.
    pub(super) fn of(
        request: &HttpRequest,
        path_name: Option<&str>,
        deadline: Deadline,
        config: &Config,
    ) -> Result<Self, Error> {
        let headers = request.headers();
        let (raw, query_name) = options(request.query_string())?;
        let kind = text(headers, &header::CONTENT_TYPE);
        let is_form = kind.as_deref().is_some_and(is_form);
        if is_form && !kind.as_deref().is_some_and(has_boundary) {
            return Err(NO_BOUNDARY);
        }
        let head = Self {
            options: raw.check()?,
            filename: query_name.or_else(|| path_name.filter(|name| !name.is_empty()).map(str::to_owned)),
            key: key(headers)?,
            deadline,
            length: text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            is_form,
            file: FileHeaders::of(headers),
        };
        head.check_length(headers, config.upload_bytes_max)?;
        Ok(head)
    }

    /// What a converter, or the document, is asked with.
    pub(super) fn reserve(&self, caller: &Caller) -> Result<Reserve, Error> {
        let filename = filename::clean(self.filename.as_deref())?;
        let fingerprint = Fingerprint { options: &self.options, filename: &filename, file: &self.file };
        Ok(Reserve {
            owner: caller.id.clone(),
            email: caller.email.clone(),
            fingerprint: fingerprint.digest().map_err(anyhow::Error::from)?,
            options: self.options.clone(),
            idempotency_key: self.key.clone(),
            // Each POST to a converter replaces it by a fresh one.
            attempt: Attempt::random(),
            instead_of: Vec::new(),
            deadline_ms: self.deadline.remaining_ms().max(1),
            filename,
        })
    }

    /// Where the length is known, it is judged before the body.
    fn check_length(&self, headers: &HeaderMap, bytes_max: u64) -> Result<(), Error> {
        let around = if self.is_form { FORM_BYTES_MAX as u64 } else { 0 };
        match self.length {
            Some(0) => Err(Error::EmptyBody),
            Some(length) if length > bytes_max.saturating_add(around) => Err(Error::TooLarge(bytes_max)),
            // Without a length and without chunks there is no body (RFC 9112 §6.3).
            None if !headers.contains_key(header::TRANSFER_ENCODING) => Err(Error::EmptyBody),
            _ => Ok(()),
        }
    }
}

impl FileHeaders {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self {
            kind: text(headers, &header::CONTENT_TYPE),
            length: text(headers, &header::CONTENT_LENGTH),
            digest: text(headers, &CONTENT_DIGEST),
        }
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

fn is_form(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// Whether the form's parts can be told apart.
fn has_boundary(content_type: &str) -> bool {
    let kind = content_type.parse::<actix_web::mime::Mime>().ok();
    let boundary = kind.as_ref().and_then(|kind| kind.get_param(actix_web::mime::BOUNDARY));
    boundary.is_some_and(|boundary| (1..=BOUNDARY_BYTES_MAX).contains(&boundary.as_str().len()))
}

/// The options of the query and the file name in it. An option that nobody knows is a typing error, not a wish to
/// ignore.
fn options(query: &str) -> Result<(RawOptions, Option<String>), Error> {
    let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
        .map_err(|cause| Error::bad_request(format!("the query cannot be read: {cause}")))?;
    let (mut raw, mut filename) = (RawOptions::default(), None);
    for (name, value) in pairs.into_inner() {
        let place = if name == "filename" { Some(&mut filename) } else { raw.get_mut(&name) };
        let Some(place) = place else {
            let known = RawOptions::names().join(", ");
            return Err(Error::bad_request(format!("there is no option {name:?}; the options are filename, {known}")));
        };
        if place.replace(value).is_some() {
            return Err(Error::bad_request(format!("the option {name} is there twice")));
        }
    }
    Ok((raw, filename))
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut sent = headers.get_all(IDEMPOTENCY_KEY);
    let Some(key) = sent.next() else { return Ok(None) };
    let is_good = (1..=KEY_BYTES_MAX).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic);
    match key.to_str() {
        Ok(key) if is_good && sent.next().is_none() => Ok(Some(key.to_owned())),
        _ => Err(Error::bad_request(format!(
            "Idempotency-Key must be one value of 1 to {KEY_BYTES_MAX} visible ASCII characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn unknown_and_double_options_are_named() {
        let refusal = |query| options(query).expect_err(query).to_string();
        assert!(refusal("qualty=V2").contains("qualty"));
        assert!(refusal("start=1&start=2").contains("start"));
        let (raw, name) = options("quality=V0&filename=a%20b.mp4").expect("known options");
        assert_eq!((raw.quality.as_deref(), name.as_deref()), (Some("V0"), Some("a b.mp4")));
    }

    #[test]
    fn a_key_is_one_value_of_visible_ascii() {
        let read = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).expect("a header value"));
            }
            key(&headers)
        };
        assert_eq!(read(&[]).expect("no key"), None);
        assert_eq!(read(&[b"k-1"]).expect("a key"), Some("k-1".to_owned()));
        assert!(read(&[&[b'x'; 255]]).is_ok());
        for bad in [&[b"".as_slice()][..], &[b"a b"], &["é".as_bytes()], &[&[b'x'; 256]], &[b"a", b"b"]] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
