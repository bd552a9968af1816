//! Where a request comes from: the page's own origin, and a name that is meant for this gateway.

use std::net::IpAddr;

use crate::{App, error::Error};
use actix_web::{
    HttpRequest, ResponseError as _,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderName, HeaderValue},
    middleware::Next,
    web::Data,
};

/// Set by browsers and never by scripts (Fetch Metadata).
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the page of this very gateway sent the request.
pub(crate) fn is_own(app: &App, request: &HttpRequest) -> bool {
    let text = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(&SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let scheme = if app.config.tls_in_front { "https" } else { "http" };
    match (text(&header::ORIGIN), text(&header::HOST)) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(&format!("{scheme}://{host}")),
        _ => false,
    }
}

/// The names under which a gateway on loopback is addressed; `None` elsewhere, where any name is fine.
pub(crate) fn allowed_hosts(listen: IpAddr, further: &[String]) -> Option<Vec<String>> {
    let own = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
    let listen_name = if listen.is_ipv6() { format!("[{listen}]") } else { listen.to_string() };
    listen.is_loopback().then(|| own.into_iter().chain([listen_name]).chain(further.iter().cloned()).collect())
}

/// Refuses names that are not ours, and adds the headers that every answer has.
pub(crate) async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, BoxBody>>, actix_web::Error> {
    let allowed = request.app_data::<Data<App>>().and_then(|app| app.allowed_hosts.as_deref());
    let is_ours = allowed.is_none_or(|allowed| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        host.is_some_and(|host| allowed.iter().any(|name| name.eq_ignore_ascii_case(without_port(host))))
    });
    let mut response = if is_ours {
        next.call(request).await?.map_into_left_body()
    } else {
        request.into_response(Error::WrongHost.error_response()).map_into_right_body()
    };
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_does_not_count() {
        for (host, name) in
            [("localhost:8080", "localhost"), ("localhost", "localhost"), ("[::1]:80", "[::1]"), ("[::1]", "[::1]")]
        {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn names_are_checked_on_loopback_only() {
        assert_eq!(allowed_hosts([0, 0, 0, 0].into(), &[]), None);
        let allowed = allowed_hosts([127, 0, 0, 2].into(), &["deck.local".to_owned()]).expect("loopback");
        assert!(allowed.contains(&"127.0.0.2".to_owned()) && allowed.contains(&"deck.local".to_owned()));
    }
}
