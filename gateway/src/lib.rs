//! The public door: log-in, uploads, downloads, status, users, and the web page.
//!
//! The gateway has no state of its own. Auth says who calls, a converter converts, and everything else is read
//! straight from the conversion store.

mod caller;
mod conditional;
mod config;
mod conversions;
mod cookie;
mod cursor;
mod disposition;
mod download;
mod error;
mod login;
mod mail;
mod origin;
mod page;
mod per_user;
mod prefer;
mod range;
mod replicas;
mod server;
mod upload;
mod users;
mod view;
mod watch;

use actix_web::web::{self, ServiceConfig};
use chassis::{Readiness, serve::resource};
use converter::store::Store;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

pub use caller::{Admin, Caller};
pub use config::Config;
pub use error::Error;
pub use replicas::Source;
pub use server::{Gateway, Mount, Parts, start};

/// What every request shares.
#[derive(Debug)]
struct App {
    config: Config,
    auth: auth::client::Client,
    store: Store,
    admission: replicas::Admission,
    /// Where the queued flow is on.
    queue: Option<upload::queued::Queue>,
    /// Uploads in flight.
    per_user: per_user::PerUser,
    /// Downloads in flight.
    downloads: per_user::PerUser,
    /// Status requests that wait for the end of a conversion.
    waiting: per_user::PerUser,
    /// What those look for.
    watch: watch::Watch,
    /// Videos on their way to a converter.
    uploads: TaskTracker,
    /// Where those run: not on the threads that serve requests, which end with them.
    tasks: Handle,
    readiness: Readiness,
    /// The names this gateway answers to; `None` means any.
    allowed_hosts: Option<Vec<String>>,
}

/// The route table.
fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/login", "POST").route(web::post().to(login::login)))
        .service(resource("/logout", "POST").route(web::post().to(login::logout)))
        .service(
            resource("/upload", "POST, PUT").route(web::post().to(upload::post)).route(web::put().to(upload::post)),
        )
        .service(resource("/upload/{filename:.*}", "PUT").route(web::put().to(upload::put)))
        .service(
            resource("/download", "GET, HEAD")
                .route(web::get().to(download::download))
                .route(web::head().to(download::download)),
        )
        .service(resource("/conversions", "GET").route(web::get().to(conversions::list)))
        .service(
            resource("/conversions/{id}", "GET, DELETE")
                .route(web::get().to(conversions::status))
                .route(web::delete().to(conversions::remove)),
        )
        .service(resource("/users", "GET, POST").route(web::get().to(users::list)).route(web::post().to(users::create)))
        .service(resource("/users/me/password", "PUT").route(web::put().to(users::change_password)))
        .service(resource("/users/{name}", "DELETE").route(web::delete().to(users::remove)))
        .service(resource("/admin/dead-mail", "GET").route(web::get().to(mail::list)))
        .service(resource("/admin/dead-mail/{id}", "POST").route(web::post().to(mail::send_again)))
        .configure(page::routes);
}
