//! The chassis with a service bolted on that does next to nothing.

mod healthcheck;
mod serving;
mod sqlite;
