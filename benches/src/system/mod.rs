//! What is measured: real servers, tapedeck in one process or in several, and how the lab gets in.

mod list;
mod login;
mod process;
mod servers;
mod service;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

pub(crate) use self::{
    list::ConverterList,
    login::login,
    process::Process,
    servers::Servers,
    service::{Account, Service},
};

/// The admin that `auth migrate` makes.
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "of the lab alone";

/// One user stands for all callers, so no limit of one user may cut in, nor that of the queue: more than ever are under way.
const LIFTED: &str = "100000";
pub(crate) const LIMITS_LIFTED: [(&str, &str); 5] = [
    ("UPLOADS_PER_USER_MAX", LIFTED),
    ("DOWNLOADS_PER_USER_MAX", LIFTED),
    ("QUEUED_PER_USER_MAX", LIFTED),
    ("QUEUE_MAX", LIFTED),
    ("STATUS_WAITS_PER_USER_MAX", LIFTED),
];

/// Longest wait for a start, and between two looks whether it is over.
const START_MAX: Duration = Duration::from_secs(30);
const START_LOOK: Duration = Duration::from_millis(50);

/// Bound for a moment to learn a free port; the lab is alone on its machine.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}
