//! The systems that are compared: all of tapedeck in one process, on embedded stores or on real servers.

use std::path::Path;

use super::{cluster::Cluster, point::Target, summary::Stores};
use crate::{
    servers::system::Servers,
    service::{Account, Service},
};

/// The queued flow is on, and no limit of one user or of the queue cuts in: one user stands for all callers here. The
/// permits are the default, 4 for each core, as they are what refuses blocking uploads.
pub(super) const SETTINGS: [(&str, &str); 7] = [
    // What fails on purpose is told in the report.
    ("RUST_LOG", "error"),
    ("QUEUED_FLOW", "true"),
    ("UPLOADS_PER_USER_MAX", "100000"),
    ("DOWNLOADS_PER_USER_MAX", "100000"),
    ("QUEUED_PER_USER_MAX", "100000"),
    ("QUEUE_MAX", "100000"),
    ("STATUS_WAITS_PER_USER_MAX", "100000"),
];

/// A running system; gone when dropped.
#[derive(Debug)]
pub(super) struct System {
    pub(super) base: String,
    pub(super) token: String,
    /// Of tapedeck's own processes, whose use of CPU and memory counts.
    pub(super) pids: Vec<u32>,
    _service: Service,
}

impl System {
    pub(super) fn target(&self) -> Target {
        Target { base: self.base.clone(), token: self.token.clone(), pids: self.pids.clone() }
    }
}

/// What starts systems.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starter<'a> {
    pub(super) tapedeck: &'a Path,
    /// Needed for [`Stores::Real`].
    pub(super) servers: Option<&'a Servers>,
}

impl Starter<'_> {
    /// Each with empty stores of its own.
    pub(super) async fn start(&self, stores: Stores) -> anyhow::Result<System> {
        let service = match (stores, self.servers) {
            (Stores::Real, Some(servers)) => {
                servers.system_with(self.tapedeck, &servers.new_store()?, &SETTINGS).await?
            }
            _ => Service::start_with(self.tapedeck, &SETTINGS, Account::OfFolder).await?,
        };
        let (base, token, pids) = (service.base(), service.token().to_owned(), vec![service.pid()]);
        Ok(System { base, token, pids, _service: service })
    }

    /// The four services as processes, of which one can be killed.
    pub(super) async fn cluster(&self, servers: &Servers) -> anyhow::Result<Cluster> {
        Cluster::start(self.tapedeck, servers).await
    }
}
