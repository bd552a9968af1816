//! The whole story, end to end: the real program over real HTTP; and the command line by itself.

mod answer;
mod bad_input;
mod cli;
mod client;
mod client_queue;
mod clients;
mod crashes;
mod downloads;
mod expiry;
mod media;
mod queued;
mod refusals;
mod scripted_gateway;
mod stack;
mod transcode;
mod transcode_stopped;
mod truncated;
mod uploads;
mod user;
mod users;
mod wait;
