//! The `Prefer` header (RFC 7240): only `wait` is honoured, everything else is ignored as the RFC allows.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};

/// What the caller would like.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// What it got (RFC 7240 §3).
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `wait=N` in seconds; the first one counts (RFC 7240 §2), and a malformed one is no preference.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    preferences.find_map(|preference| {
        // Parameters of a preference come behind a semicolon.
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let is_wait = name.trim().eq_ignore_ascii_case("wait");
        is_wait.then(|| value.trim().trim_matches('"').parse().ok().map(Duration::from_secs))
    })?
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn wait_is_found_among_other_preferences() {
        let ten = Some(Duration::from_secs(10));
        assert_eq!(wait(&headers(&["wait=10"])), ten);
        assert_eq!(wait(&headers(&["respond-async, Wait = \"10\"; x=1"])), ten);
        assert_eq!(wait(&headers(&["respond-async", "wait=10, wait=20"])), ten);
        for none in ["", "wait", "wait=", "wait=-1", "wait=x", "waiting=10"] {
            assert_eq!(wait(&headers(&[none])), None, "{none}");
        }
    }
}
