//! A tapedeck of its own for one measurement, in a temporary folder.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{ADMIN, START_LOOK, START_MAX, free_address, login};

/// Who logs in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// The admin whose password stands in the data folder.
    OfFolder,
    /// A user of the store that the settings name.
    Known { name: &'static str, password: &'static str },
}

/// A running `tapedeck up`; killed when dropped.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    token: String,
    http: reqwest::Client,
    data: TempDir,
}

impl Service {
    /// On embedded stores.
    pub(crate) async fn start(tapedeck: &Path) -> anyhow::Result<Self> {
        Self::start_with(tapedeck, &[], Account::OfFolder).await
    }

    /// With further settings in its environment.
    pub(crate) async fn start_with(
        tapedeck: &Path,
        settings: &[(&str, &str)],
        account: Account,
    ) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let address = free_address()?;
        let child = Command::new(tapedeck)
            .args(["up", "--listen", &address.to_string(), "--data"])
            .arg(data.path())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot run {}; build it with cargo build --release", tapedeck.display()))?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut service = Self { child, address, token: String::new(), http, data };
        service.token = service.login(account).await?;
        Ok(service)
    }

    async fn login(&mut self, account: Account) -> anyhow::Result<String> {
        let deadline = Instant::now() + START_MAX;
        let kept = || std::fs::read_to_string(self.data.path().join("admin-password")).unwrap_or_default();
        loop {
            let (name, password) = match account {
                Account::OfFolder => (ADMIN, kept()),
                Account::Known { name, password } => (name, password.to_owned()),
            };
            if let Ok(token) = login(&self.http, &self.base(), name, password.trim()).await {
                return Ok(token);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("tapedeck ended at once: {status}");
            }
            ensure!(Instant::now() < deadline, "tapedeck did not start within {START_MAX:?}");
            tokio::time::sleep(START_LOOK).await;
        }
    }

    /// Uploads `video` and answers when the 201 is there, with its body.
    pub(crate) async fn upload(&self, name: &str, length: u64, video: reqwest::Body) -> anyhow::Result<Value> {
        let answer = self.put(name).header("content-length", length).body(video).send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status == 201, "the upload was answered {status}: {body}");
        Ok(body)
    }

    /// An upload that has no body yet.
    pub(crate) fn put(&self, name: &str) -> reqwest::RequestBuilder {
        self.http.put(self.url(&format!("/upload/{name}"))).bearer_auth(&self.token)
    }

    pub(crate) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(&self.token)
    }

    /// Where it answers.
    pub(crate) fn base(&self) -> String {
        self.url("")
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
