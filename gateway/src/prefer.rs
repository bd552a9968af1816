//! The `Prefer` header (RFC 7240): `wait` and `respond-async` are honoured, everything else is ignored as the RFC allows.

use std::time::Duration;

use actix_web::http::header::{HeaderMap, HeaderName};

/// What the caller would like.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// See [`respond_async`].
pub(crate) const RESPOND_ASYNC: &str = "respond-async";
/// What it got (RFC 7240 §3).
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// `wait=N` in seconds; the first one counts (RFC 7240 §2), and a malformed one is no preference.
pub(crate) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let value = value(headers, "wait")?;
    value.trim_matches('"').parse().ok().map(Duration::from_secs)
}

/// `respond-async`: the caller would rather not wait for the work (RFC 7240 §4.1).
pub(crate) fn respond_async(headers: &HeaderMap) -> bool {
    value(headers, RESPOND_ASYNC).is_some()
}

/// The value of the first preference of that name, empty where it has none.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(PREFER).filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    preferences.find_map(|preference| {
        // Parameters of a preference come behind a semicolon.
        let preference = preference.split(';').next()?;
        let (found, value) = preference.split_once('=').unwrap_or((preference, ""));
        found.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
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

    #[test]
    fn respond_async_is_found_among_other_preferences() {
        for asks in [&["respond-async"][..], &["wait=1, Respond-Async; x=1"], &["a", "respond-async=\"\""]] {
            assert!(respond_async(&headers(asks)), "{asks:?}");
        }
        for other in ["", "respond", "wait=1", "x=respond-async"] {
            assert!(!respond_async(&headers(&[other])), "{other}");
        }
    }
}
