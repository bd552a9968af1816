//! The system in a cluster: the deployment `converter` in the namespace `tapedeck`, scaled by `kubectl`. Every command is
//! printed before it runs, so that a reader can repeat it.

mod answers;
mod commands;

use std::{
    process::{self, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use tokio::process::Command;

use self::answers::{Deployment, Pods};
use super::{
    metrics::{Counts, conversions_done},
    upload::Uploader,
};
use crate::console::note;

/// Where the cluster is, and who uploads.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Gateway {
    /// The gateway as it is reached from here, e.g. by `kubectl --namespace tapedeck port-forward service/gateway 8080`.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Who uploads.
    #[arg(long, default_value = "admin")]
    user: String,
    /// File with that user's password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<std::path::PathBuf>,
}

/// The deployment as it is scaled. It gets its first number of replicas back when this is dropped.
#[derive(Debug)]
pub(super) struct Cluster {
    gateway: Gateway,
    deployment: Deployment,
}

impl Cluster {
    /// Looks at the deployment; refuses where an autoscaler would scale it, too.
    pub(super) async fn open(gateway: Gateway) -> anyhow::Result<Self> {
        let deployment = Deployment::parse(&run(&commands::deployment()).await?)?;
        let scalers = answers::autoscalers(&run(&commands::autoscalers()).await?)?;
        ensure!(
            scalers.is_empty(),
            "the autoscaler {} would undo what the lab does; remove it for the time of the run",
            scalers.join(", ")
        );
        if deployment.cpus.is_none() {
            note(
                "the container converter has no CPU limit: one replica may use all cores of its node, and N then shows little",
            );
        }
        Ok(Self { gateway, deployment })
    }

    pub(super) async fn uploader(&self, clip: Bytes) -> anyhow::Result<Uploader> {
        let file = self.gateway.password_file.as_ref().context("--kubectl needs --password-file")?;
        let password = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Uploader::login(self.gateway.url.trim_end_matches('/').to_owned(), &self.gateway.user, password.trim(), clip)
            .await
    }

    /// Scales and waits until as many are ready. The moment is that of the command: what a cluster needs to start a pod counts.
    pub(super) async fn scale(&self, replicas: u32) -> anyhow::Result<Instant> {
        let asked = Instant::now();
        run(&commands::scale(replicas)).await?;
        run(&commands::rollout()).await?;
        Ok(asked)
    }

    pub(super) async fn counts(&self) -> anyhow::Result<Counts> {
        let pods = Pods::parse(&ask(&commands::pods(&self.deployment.selector)).await?)?;
        let mut counts = Counts::default();
        for pod in pods.ready {
            let page = ask(&commands::metrics(&pod, self.deployment.port)).await?;
            counts.0.insert(pod, conversions_done(&page));
        }
        Ok(counts)
    }

    pub(super) fn cpus(&self) -> f64 {
        self.deployment.cpus.unwrap_or(0.0)
    }
}

impl Drop for Cluster {
    /// Waits for the command: the lab may be on its way out.
    fn drop(&mut self) {
        let arguments = commands::scale(self.deployment.replicas);
        note(format!("$ {}", commands::line(&arguments)));
        let status = process::Command::new("kubectl").args(&arguments).stdin(Stdio::null()).status();
        if !status.is_ok_and(|status| status.success()) {
            note("that failed: the deployment does not have its first number of replicas back");
        }
    }
}

/// Prints the command, runs it, and gives what it printed.
async fn run(arguments: &[String]) -> anyhow::Result<String> {
    note(format!("$ {}", commands::line(arguments)));
    ask(arguments).await
}

/// The same for the looks that repeat several times a second.
async fn ask(arguments: &[String]) -> anyhow::Result<String> {
    let output = Command::new("kubectl").args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.context("cannot run kubectl; install it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {}", commands::line(arguments), said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
