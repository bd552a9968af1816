//! The servers of one run, and tapedeck on them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use testbed::{Kind, Server};

use super::{ADMIN, Account, PASSWORD, Service};

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
