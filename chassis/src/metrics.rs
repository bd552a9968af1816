//! Prometheus metrics: one recorder for the process, rendered by every service's `/metrics`.

use std::{sync::OnceLock, time::Duration};

use actix_web::{HttpResponse, http::Method};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the request duration buckets, in seconds: from a status read to a long conversion.
const REQUEST_SECONDS: [f64; 10] = [0.005, 0.02, 0.05, 0.2, 1.0, 5.0, 20.0, 60.0, 300.0, 600.0];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder; calls after the first do nothing.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new().set_buckets(&REQUEST_SECONDS).ok()?;
        builder.install_recorder().map_err(|cause| tracing::error!(%cause, "metrics are off")).ok()
    });
}

/// Counts one served request.
pub(crate) fn request(service: &'static str, route: &str, method: &Method, status: u16, elapsed: Duration) {
    let labels = [
        ("service", service.to_owned()),
        ("route", route.to_owned()),
        ("method", known(method).to_owned()),
        ("status", status.to_string()),
    ];
    metrics::counter!("tapedeck_requests_total", &labels).increment(1);
    metrics::histogram!("tapedeck_request_seconds", &labels[..2]).record(elapsed.as_secs_f64());
}

/// A label must come from a closed set: callers may invent methods without end.
fn known(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "DELETE" | "OPTIONS" | "PATCH") => known,
        _ => "other",
    }
}

/// `GET /metrics`, in the Prometheus text format.
pub(crate) async fn render() -> HttpResponse {
    match RECORDER.get().and_then(Option::as_ref) {
        Some(recorder) => {
            recorder.run_upkeep();
            HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(recorder.render())
        }
        None => HttpResponse::ServiceUnavailable().body("the metrics recorder is not installed"),
    }
}

/// Folds recorded histogram samples into their buckets, so that they do not pile up where nobody scrapes.
pub(crate) fn upkeep() {
    if let Some(Some(recorder)) = RECORDER.get() {
        recorder.run_upkeep();
    }
}
