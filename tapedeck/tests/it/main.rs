//! The `tapedeck` program from outside.

mod cli;
mod client;
mod gateway;
