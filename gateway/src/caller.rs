//! Who calls: a token from the header or the page's cookie, validated by auth on every request.

use std::net::IpAddr;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{Method, header},
    web::Data,
};
use converter::conversion::Owner;
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use secrecy::SecretString;

use crate::{App, cookie, error::Error, origin};

/// Extractor: anybody with a valid token.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The user's id, which owns conversions; a new user of an old name has another one.
    pub id: Owner,
    pub username: String,
    pub email: String,
    pub isadmin: bool,
    /// What was shown, for calls to auth in the caller's name.
    pub(crate) token: SecretString,
}

/// Extractor: a caller with the claim `isadmin`; others get 403.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

/// Asks auth who calls. Auth down means 503, never "allow".
pub(crate) async fn authenticate(app: &App, request: &HttpRequest) -> Result<Caller, Error> {
    let token = token(app, request)?;
    let caller = app.auth.validate(&token).await.map_err(|problem| match problem.status {
        401 => Error::BadToken(problem.detail),
        _ => problem.into(),
    })?;
    Ok(Caller {
        id: Owner(caller.id),
        username: caller.username,
        email: caller.email,
        isadmin: caller.isadmin,
        token: token.into(),
    })
}

/// Whom auth holds responsible for failed logins. Behind a proxy every connection is the proxy's: its address is
/// nobody's, and failures that count for it would lock everybody out.
pub(crate) fn address(app: &App, request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip()).filter(|_| !app.config.tls_in_front)
}

/// The header wins over the cookie. The cookie travels by itself, so on methods that change something it counts only
/// where the page itself asks.
fn token(app: &App, request: &HttpRequest) -> Result<String, Error> {
    if let Some(sent) = request.headers().get(header::AUTHORIZATION) {
        let sent = sent.to_str().ok().and_then(|value| value.split_once(' '));
        return match sent {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
                Ok(token.trim().to_owned())
            }
            _ => Err(Error::BadToken("Authorization must be: Bearer TOKEN".to_owned())),
        };
    }
    let token = cookie::read(app, request).ok_or(Error::NoToken)?;
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_safe || origin::is_own(app, request) { Ok(token) } else { Err(Error::CrossSite) }
}

impl FromRequest for Caller {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let app = request.app_data::<Data<App>>().ok_or_else(|| anyhow::anyhow!("the route has no state"))?;
            authenticate(app, &request).await
        }
        .boxed_local()
    }
}

impl FromRequest for Admin {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        async move {
            let caller = caller.await?;
            if caller.isadmin { Ok(Self(caller)) } else { Err(Error::NotAdmin) }
        }
        .boxed_local()
    }
}
