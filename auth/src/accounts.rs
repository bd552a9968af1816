//! User management: create, list, remove, change the own password.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use chassis::Problem;
use serde::Deserialize;

use crate::{
    App, Error, bearer,
    client::{NewUser, PasswordChange},
    login,
    rules::{Email, Password, Username},
    users::NewAccount,
};

/// Users on one page of the list.
const PAGE_USERS_MAX: usize = 1000;

/// 201 with the user; 400 naming the rule; 409 where the name is taken.
pub(crate) async fn create(request: HttpRequest, body: Json<NewUser>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let admin = bearer::admin(&request, &app).await?;
    let NewUser { username, email, password, isadmin } = body.into_inner();
    let (username, email) = (Username::parse(&username)?, Email::parse(&email)?);
    let password_hash = app.passwords.hash(Password::parse(password)?).await?;
    let user = app.users.create(NewAccount { username, email, password_hash, isadmin }).await?;
    tracing::info!(user_id = user.id, by = admin.id, isadmin, "user_created");
    Ok(HttpResponse::Created().json(user))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    after: Option<String>,
}

/// 200 with one page.
pub(crate) async fn list(request: HttpRequest, page: Query<Page>, app: Data<App>) -> Result<HttpResponse, Problem> {
    bearer::admin(&request, &app).await?;
    let page = app.users.list(page.into_inner().after, PAGE_USERS_MAX).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// 200 with all ids ever removed under the name, also on a repeat; 404 where it never existed.
pub(crate) async fn remove(request: HttpRequest, name: Path<String>, app: Data<App>) -> Result<HttpResponse, Problem> {
    let admin = bearer::admin(&request, &app).await?;
    let removed = app.users.remove(&name).await?;
    tracing::info!(user_ids = removed.ids.join(" "), by = admin.id, "user_removed");
    Ok(HttpResponse::Ok().json(removed))
}

/// Answers 204; the user's tokens, the caller's as well, end with it. The old password is asked for,
/// because a token alone may have been stolen; wrong ones count as failed logins.
pub(crate) async fn change_password(
    request: HttpRequest,
    body: Json<PasswordChange>,
    app: Data<App>,
) -> Result<HttpResponse, Problem> {
    let caller = bearer::caller(&request, &app).await?;
    let PasswordChange { old_password, new_password } = body.into_inner();
    let new_password = Password::parse(new_password)?;
    let address = login::client_address(&request);
    let account = login::authenticate(&app, &caller.username, old_password, address).await?;
    let user = account.map(|account| account.user).filter(|user| user.id == caller.id).ok_or(Error::WrongPassword)?;
    let password_hash = app.passwords.hash(new_password).await?;
    if !app.users.set_password(&user.id, password_hash).await? {
        return Err(Error::BadToken.into());
    }
    tracing::info!(user_id = user.id, "password_changed");
    Ok(HttpResponse::NoContent().finish())
}
