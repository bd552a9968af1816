//! What every service is bolted on: telemetry, request ids, problems, health, serve and drain.
//!
//! The chassis knows no video, user or mp3. A service hands its route table to [`serve::Server`] and gets
//! request ids, access logs, metrics, `/livez`, `/readyz` and `/metrics` with it.

mod causes;
pub mod deadline;
pub mod health;
pub mod healthcheck;
pub mod hex;
pub mod lock;
pub mod metrics;
mod observe;
mod open_files;
mod outage;
pub mod problem;
pub mod request_id;
pub mod serve;
pub mod service_token;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod telemetry;
mod unread;

pub use causes::chain;
pub use deadline::Deadline;
pub use health::Readiness;
pub use outage::Outage;
pub use problem::Problem;
pub use serve::{Server, shutdown_signal};
pub use service_token::ServiceToken;
