//! The servers of one run, and tapedeck on them.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use testbed::{Kind, Server};

use crate::service::{Account, Service};

/// Longest wait for a start.
const START_MAX: Duration = Duration::from_secs(30);
/// The admin that `auth migrate` makes.
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "of the lab alone";

/// One server of each kind, with the users' tables made; gone with this value.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) mysql: Server,
    pub(crate) mongo: Server,
    pub(crate) rabbit: Server,
    pub(crate) mail: Server,
    folder: TempDir,
}

impl Servers {
    pub(crate) fn start(tapedeck: &Path) -> anyhow::Result<Self> {
        let [mysql, mongo, rabbit, mail] = [Kind::Mysql, Kind::Mongo, Kind::Rabbit, Kind::Mail].map(Server::start);
        let servers = Self { mysql: mysql?, mongo: mongo?, rabbit: rabbit?, mail: mail?, folder: tempfile::tempdir()? };
        servers.migrate(tapedeck, servers.mysql.url())?;
        Ok(servers)
    }

    /// Makes the tables and the admin in a user store.
    pub(crate) fn migrate(&self, tapedeck: &Path, users_url: &str) -> anyhow::Result<()> {
        let password = self.write("admin-password", PASSWORD)?;
        let status = Command::new(tapedeck.with_file_name("auth"))
            .args(["migrate", "--bootstrap-admin-password-file"])
            .arg(password)
            .env("USERS_URL", users_url)
            .status()
            .context("cannot run auth; build it with cargo build --release --workspace")?;
        ensure!(status.success(), "auth migrate failed");
        Ok(())
    }

    /// All services in one process, on these servers.
    pub(crate) async fn system(&self, tapedeck: &Path) -> anyhow::Result<Service> {
        self.system_with(tapedeck, self.mongo.url(), &[]).await
    }

    /// The same with its conversions in that store, and with more settings.
    pub(crate) async fn system_with(
        &self,
        tapedeck: &Path,
        store_url: &str,
        more: &[(&str, &str)],
    ) -> anyhow::Result<Service> {
        let own = [
            ("USERS_URL", self.mysql.url()),
            ("STORE_URL", store_url),
            ("BROKER_URL", self.rabbit.url()),
            ("MAIL_URL", self.mail.url()),
        ];
        let settings = [&own, more].concat();
        Service::start_with(tapedeck, &settings, Account::Known { name: ADMIN, password: PASSWORD }).await
    }

    /// A database of its own on the MongoDB server.
    pub(crate) fn new_store(&self) -> anyhow::Result<String> {
        let (server, options) = self.mongo.url().split_once("/tapedeck?").context("the database is not in the URL")?;
        Ok(format!("{server}/{}?{options}", testbed::unique("lab")))
    }

    /// A file of this run.
    pub(crate) fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// One service alone; killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it answers.
    pub(crate) base: String,
}

impl Process {
    /// Starts `program`, which stands beside `tapedeck` and learns its address from the variable `listen`, and waits until
    /// it is ready.
    pub(crate) async fn start(
        tapedeck: &Path,
        program: &str,
        listen: &str,
        settings: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let command = Command::new(tapedeck.with_file_name(program));
        Self::launch(command, listen, settings)
            .await
            .with_context(|| format!("cannot run {program}; build it with cargo build --release --workspace"))
    }

    /// The same for a command that becomes the service.
    pub(crate) async fn launch(mut command: Command, listen: &str, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        // Bound for a moment to learn a free port; the lab is alone on its machine.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = command
            .env(listen, address.to_string())
            .env("RUST_LOG", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut process = Self { child, base: format!("http://{address}") };
        process.wait_until_ready().await?;
        Ok(process)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let deadline = Instant::now() + START_MAX;
        loop {
            let answer = http.get(format!("{}/readyz", self.base)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            ensure!(Instant::now() < deadline, "it was not ready within {START_MAX:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
