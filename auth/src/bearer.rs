//! `POST /validate`, and who calls by the `Authorization: Bearer` header (RFC 6750).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Json},
};
use chassis::Problem;

use crate::{
    App, Error, basic,
    client::{Caller, Token},
    token,
};

/// 200 with the caller as its row says now; 401.
pub(crate) async fn validate(body: Json<Token>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let caller = caller_of(&body.token, &app).await?;
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(caller))
}

/// The caller of a request.
pub(crate) async fn caller(request: &HttpRequest, app: &App) -> Result<Caller, Error> {
    let token = basic::of_scheme(request.headers(), "Bearer").ok_or(Error::NoToken)?;
    caller_of(token, app).await
}

/// The caller of a request that only an admin may make.
pub(crate) async fn admin(request: &HttpRequest, app: &App) -> Result<Caller, Error> {
    let caller = caller(request, app).await?;
    if caller.isadmin { Ok(caller) } else { Err(Error::NotAdmin) }
}

/// The row is read every time, by id: a removed user or a demoted admin stops at once, a new password ends the tokens
/// before it, and a new user of an old name is somebody else.
async fn caller_of(token: &str, app: &App) -> Result<Caller, Error> {
    let claims = token::verify(&app.keys, token)?;
    let account = app.users.by_id(&claims.sub).await?.ok_or(Error::BadToken)?;
    if claims.generation != account.token_generation {
        return Err(Error::BadToken);
    }
    let user = account.user;
    Ok(Caller {
        id: user.id,
        username: user.username,
        email: user.email,
        isadmin: user.isadmin,
        expires_at: claims.exp,
    })
}
