//! The middleware around every route: request id, access log, request metrics, and a limit for bodies nobody reads.

use std::time::Instant;

use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};

use crate::{metrics, request_id, unread};

/// Serves one request under its id; counts and logs it. The duration ends with the head of the response.
pub(crate) async fn observe(
    service: &'static str,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let offered = request.headers().get(request_id::HEADER).and_then(|id| id.to_str().ok());
    let id = request_id::accept(offered);
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let method = request.method().clone();
    let started = Instant::now();
    let unread = unread::keep(&mut request);

    let response = request_id::scope(id.clone(), next.call(request)).await?;
    let mut response = unread::hold(response.map_into_boxed_body(), unread);

    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static(request_id::HEADER), value);
    }
    let (status, elapsed) = (response.status().as_u16(), started.elapsed());
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    metrics::request(service, &route, &method, status, elapsed);
    // Probes and scrapes come every few seconds and say nothing.
    if matches!(route.as_str(), "/livez" | "/readyz" | "/metrics") {
        tracing::debug!(service, %method, route, status, request_id = id, "request");
    } else {
        tracing::info!(service, %method, route, status, duration_ms, request_id = id, "request");
    }
    Ok(response)
}
