//! Auth over real HTTP, and its user store and command line.

mod accounts;
mod client;
mod command_line;
mod forgery;
mod login;
mod mysql;
mod outage;
mod rotation;
mod service;
mod tokens;
mod users_contract;
mod users_mysql;
mod users_races;
mod users_sqlite;
