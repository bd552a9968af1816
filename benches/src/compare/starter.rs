//! The systems that are compared: all of tapedeck in one process, on embedded stores or on real servers.

use std::path::Path;

use super::{cluster::Cluster, point::Target, summary::Stores};
use crate::system::{Account, LIMITS_LIFTED, Servers, Service};

/// The queued flow is on; the permits are the default, 4 for each core, as they are what refuses blocking uploads.
const OWN: [(&str, &str); 2] = [
    // What fails on purpose is told in the report.
    ("RUST_LOG", "error"),
    ("QUEUED_FLOW", "true"),
];

/// Of every system that is compared.
pub(super) fn settings() -> Vec<(&'static str, &'static str)> {
    [&OWN[..], &LIMITS_LIFTED].concat()
}

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
                servers.system_with(self.tapedeck, &servers.new_store()?, &settings()).await?
            }
            _ => Service::start_with(self.tapedeck, &settings(), Account::OfFolder).await?,
        };
        let (base, token, pids) = (service.base(), service.token().to_owned(), vec![service.pid()]);
        Ok(System { base, token, pids, _service: service })
    }

    /// The four services as processes, of which one can be killed.
    pub(super) async fn cluster(&self, servers: &Servers) -> anyhow::Result<Cluster> {
        Cluster::start(self.tapedeck, servers).await
    }
}
