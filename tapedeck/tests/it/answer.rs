//! What every answer must look like.

use reqwest::{Response, header};
use serde_json::Value;

/// The JSON of an answer that must have this status. An error must be a problem that names the request.
pub(crate) async fn expect(answer: Response, status: u16) -> Value {
    let (found, headers) = (answer.status(), answer.headers().clone());
    let text = answer.text().await.expect("a body");
    assert_eq!(found, status, "{text}");
    let body: Value = serde_json::from_str(&text).expect("JSON");
    if status >= 400 {
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["status"], status);
        assert_eq!(headers["x-request-id"].to_str().ok(), body["request_id"].as_str());
        for member in ["type", "title", "detail"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {body}");
        }
    }
    body
}
