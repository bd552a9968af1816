//! Video in, mp3 out: all services in one process, and the command line client.

pub mod cli;
pub mod client;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod error;
mod interrupt;
mod partial;
mod progress;
pub mod transcode;
pub mod up;
