//! `POST /login`: a name and a password for a token.

use std::net::IpAddr;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use chassis::Problem;
use secrecy::SecretString;

use crate::{
    App, Error, basic,
    client::{CLIENT_ADDRESS, Login},
    token,
    users::Account,
};

/// 200 with a token; 401, also for an unknown user, in the same words and the same time.
pub(crate) async fn login(request: HttpRequest, app: Data<App>) -> Result<HttpResponse, Problem> {
    let (username, password) = basic::credentials(request.headers())?;
    let account = authenticate(&app, &username, password, client_address(&request)).await?;
    let account = account.ok_or(Error::WrongLogin)?;
    let token = token::issue(&app.keys, &account, app.token_lifetime)?;
    let login = Login { token, token_type: "Bearer".to_owned(), expires_in: app.token_lifetime.as_secs() };
    tracing::info!(user_id = account.user.id, "logged_in");
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(login))
}

/// The account whose password this is.
pub(crate) async fn authenticate(
    app: &App,
    username: &str,
    password: SecretString,
    address: Option<IpAddr>,
) -> Result<Option<Account>, Error> {
    let attempt = app.attempts.of(username, address);
    app.attempts.check(attempt)?;
    let account = app.users.by_name(username).await?;
    let place = app.passwords.place().await?;
    // Asked again: of many guesses that came at once, those that waited for a place must not all be tried.
    app.attempts.check(attempt)?;
    let known = account.as_ref().map(|account| account.password_hash.clone());
    let checked = app.passwords.verify(place, password, known).await?;
    if checked.right {
        app.attempts.succeeded(attempt);
        Ok(account)
    } else {
        app.attempts.failed(attempt);
        // The id where the name is known, and never the name: people type passwords into the wrong field.
        tracing::info!(user_id = account.map(|account| account.user.id), "login_failed");
        Ok(None)
    }
}

/// The address that the gateway names. Only the gateway can reach auth, so its word counts, and the address of the
/// connection would be its own.
pub(crate) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    request.headers().get(CLIENT_ADDRESS).and_then(|value| value.to_str().ok()?.parse().ok())
}
