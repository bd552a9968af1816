//! What is scaled: processes here, or a deployment in a cluster.

use std::time::Instant;

use bytes::Bytes;

use super::{
    kubectl::Cluster,
    local::{Fleet, Used},
    metrics::Counts,
    plan::Arm,
    upload::Uploader,
};

/// A system with converters whose number can be set.
#[derive(Debug)]
pub(super) enum Target {
    Local(Box<Fleet>),
    Cluster(Cluster),
}

impl Target {
    pub(super) async fn uploader(&self, clip: Bytes) -> anyhow::Result<Uploader> {
        match self {
            Self::Local(fleet) => fleet.uploader(clip).await,
            Self::Cluster(cluster) => cluster.uploader(clip).await,
        }
    }

    /// Returns when so many converters are ready. Gives the moment from which they could get work.
    pub(super) async fn scale(&mut self, replicas: u32, arm: Arm) -> anyhow::Result<Instant> {
        match self {
            Self::Local(fleet) => fleet.scale(replicas, arm).await,
            Self::Cluster(cluster) => cluster.scale(replicas).await,
        }
    }

    /// Conversions of each converter since it started.
    pub(super) async fn counts(&self, http: &reqwest::Client) -> anyhow::Result<Counts> {
        match self {
            Self::Local(fleet) => fleet.counts(http).await,
            Self::Cluster(cluster) => cluster.counts().await,
        }
    }

    /// CPU time so far; `None` where it cannot be seen from here.
    pub(super) fn used(&self) -> anyhow::Result<Option<Used>> {
        match self {
            Self::Local(fleet) => fleet.used().map(Some),
            Self::Cluster(_) => Ok(None),
        }
    }

    /// Each converter's quota, in CPUs; 0 where there is none or it is not known.
    pub(super) fn cpus(&self) -> f64 {
        match self {
            Self::Local(fleet) => fleet.cpus(),
            Self::Cluster(cluster) => cluster.cpus(),
        }
    }
}
