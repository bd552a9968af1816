//! The page's session cookie: scripts cannot read it, other sites cannot send it.

use actix_web::{HttpRequest, http::header};

use crate::App;

/// Behind TLS the prefix binds the cookie to this host (RFC 6265bis §4.1.3.2).
fn name(app: &App) -> &'static str {
    if app.config.tls_in_front { "__Host-tapedeck" } else { "tapedeck" }
}

/// The token in the request's cookie.
pub(crate) fn read(app: &App, request: &HttpRequest) -> Option<String> {
    let cookies = request.headers().get_all(header::COOKIE).filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name(app) && !value.is_empty())
        .map(|(_, value)| value.to_owned())
}

/// `Set-Cookie` for a token that lives `seconds`.
pub(crate) fn set(app: &App, token: &str, seconds: u64) -> String {
    let secure = if app.config.tls_in_front { "; Secure" } else { "" };
    format!("{}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}", name(app))
}

/// `Set-Cookie` that ends the session in the browser.
pub(crate) fn clear(app: &App) -> String {
    set(app, "", 0)
}
