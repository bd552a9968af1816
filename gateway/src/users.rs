//! Users: auth keeps them; the gateway ends what a removed one owns.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Json, Path, Query},
};
use auth::client::{NewUser, PasswordChange, UserPage};
use converter::conversion::Owner;
use secrecy::ExposeSecret as _;
use serde::Deserialize;

use crate::{
    App,
    caller::{self, Admin, Caller},
    error::Error,
};

/// Where a list of users goes on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    after: Option<String>,
}

pub(crate) async fn create(admin: Admin, app: Data<App>, user: Json<NewUser>) -> Result<HttpResponse, Error> {
    let user = app.auth.create_user(admin.0.token.expose_secret(), &user).await?;
    Ok(HttpResponse::Created().json(user))
}

pub(crate) async fn list(admin: Admin, app: Data<App>, page: Query<Page>) -> Result<Json<UserPage>, Error> {
    Ok(Json(app.auth.list_users(admin.0.token.expose_secret(), page.after.as_deref()).await?))
}

/// Auth first, so that nothing new can begin; then the store is told, for every id that the name ever had.
pub(crate) async fn remove(admin: Admin, app: Data<App>, name: Path<String>) -> Result<HttpResponse, Error> {
    let removed = app.auth.delete_user(admin.0.token.expose_secret(), &name).await?;
    for id in removed.ids {
        app.store.forget(&Owner(id)).await.map_err(Error::HalfRemoved)?;
    }
    Ok(HttpResponse::NoContent().finish())
}

pub(crate) async fn change_password(
    caller: Caller,
    app: Data<App>,
    request: HttpRequest,
    change: Json<PasswordChange>,
) -> Result<HttpResponse, Error> {
    let address = caller::address(&app, &request);
    app.auth.change_password(caller.token.expose_secret(), &change, address).await?;
    Ok(HttpResponse::NoContent().finish())
}
