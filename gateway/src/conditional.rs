//! Entity tags (RFC 9110 §8.8.3, §13.1).

use actix_web::http::header::{self, HeaderMap};

/// Whether `If-None-Match` names the tag, so that the caller's copy is good. The comparison is the weak one.
pub(crate) fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// Whether `If-Range` lets the range count: absent, or exactly this tag. A date never does; none is sent.
pub(crate) fn range_counts(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value == etag)
}
