//! `POST /login` and `POST /logout`.

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{App, caller, cookie, error::Error, origin};

/// Sent by the page, which wants a cookie instead of a token that its scripts could leak.
const PAGE_HEADER: &str = "x-tapedeck-page";
/// RFC 7617 §2.1: names and passwords are UTF-8.
const BASIC: &str = r#"Basic realm="tapedeck", charset="UTF-8""#;
/// For the page: at the sight of `Basic` a browser would ask for a password by itself.
const FORM: &str = r#"Bearer realm="tapedeck""#;

pub(crate) async fn login(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Error> {
    let for_page = request.headers().contains_key(PAGE_HEADER);
    if for_page && !origin::is_own(&app, &request) {
        return Err(Error::CrossSite);
    }
    let challenge = if for_page { FORM } else { BASIC };
    let (username, password) = credentials(&request).ok_or(Error::BadLogin { challenge })?;
    let address = caller::address(&app, &request);
    let login = app.auth.login(&username, &password, address).await.map_err(|problem| match problem.status {
        401 => Error::BadLogin { challenge },
        _ => problem.into(),
    })?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    if for_page {
        response.insert_header((header::SET_COOKIE, cookie::set(&app, &login.token, login.expires_in)));
        return Ok(response.json(json!({"token_type": "Cookie", "expires_in": login.expires_in})));
    }
    Ok(response.json(login))
}

/// Ends the page's session in the browser; the token itself ends by its time.
pub(crate) async fn logout(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Error> {
    if cookie::read(&app, &request).is_none() {
        // Another site's request comes without the cookie (SameSite): the answer to it must not clear one either.
        return Ok(HttpResponse::NoContent().finish());
    }
    if !origin::is_own(&app, &request) {
        return Err(Error::CrossSite);
    }
    Ok(HttpResponse::NoContent().insert_header((header::SET_COOKIE, cookie::clear(&app))).finish())
}

/// Split at the first colon: passwords may hold further ones (RFC 7617 §2).
fn credentials(request: &HttpRequest) -> Option<(String, String)> {
    let sent = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = sent.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(encoded.trim()).ok())??;
    let (username, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}
