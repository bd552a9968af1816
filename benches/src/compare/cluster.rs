//! The four services as processes on real servers: for failures of one of them.

use std::{fs, path::Path};

use tempfile::TempDir;

use super::starter::settings;
use crate::system::{ADMIN, ConverterList, PASSWORD, Process, Servers, login};

/// Secrets of a system that lives for a minute on loopback.
const SERVICE_TOKEN: &str = "a service token of the lab, at least 32 bytes long";
const SIGNING_KEY: &str = "a signing key of the lab, at least 32 bytes long";

/// One process of each service.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) base: String,
    pub(super) token: String,
    tapedeck: std::path::PathBuf,
    converter: Option<Process>,
    converter_settings: Vec<(&'static str, String)>,
    others: Vec<Process>,
    converters: ConverterList,
    _folder: TempDir,
}

impl Cluster {
    pub(super) async fn start(tapedeck: &Path, servers: &Servers) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).map(|()| path.display().to_string())
        };
        let (token, key) = (file("service-token", SERVICE_TOKEN)?, file("signing-key", SIGNING_KEY)?);
        let (store, broker) = (servers.new_store()?, servers.rabbit.url());
        let auth = [("USERS_URL", servers.mysql.url()), ("SIGNING_KEY_FILE", &key)];
        let auth = Process::start(tapedeck, "auth", "AUTH_LISTEN", &auth).await?;
        let converter_settings = vec![
            ("STORE_URL", store.clone()),
            ("BROKER_URL", broker.to_owned()),
            ("SERVICE_TOKEN_FILE", token.clone()),
            ("SPOOL_DIR", folder.path().join("spool").display().to_string()),
        ];
        let converters = ConverterList::create(folder.path().join("converters"), &[])?;
        let list = converters.setting();
        let mut cluster = Self {
            base: String::new(),
            token: String::new(),
            tapedeck: tapedeck.to_owned(),
            converter: None,
            converter_settings,
            others: vec![],
            converters,
            _folder: folder,
        };
        cluster.start_converter().await?;
        let gateway = [
            ("AUTH_URL", auth.base.as_str()),
            ("CONVERTERS", &list),
            ("STORE_URL", &store),
            ("BROKER_URL", broker),
            ("SERVICE_TOKEN_FILE", &token),
        ];
        let gateway = Process::start(tapedeck, "gateway", "GATEWAY_LISTEN", &with_settings(&gateway)).await?;
        let notifier = [
            ("STORE_URL", store.as_str()),
            ("BROKER_URL", broker),
            ("MAIL_URL", servers.mail.url()),
            ("PUBLIC_URL", &gateway.base),
        ];
        let notifier = Process::start(tapedeck, "notifier", "NOTIFIER_LISTEN", &notifier).await?;
        cluster.base.clone_from(&gateway.base);
        let http = reqwest::Client::builder().no_proxy().build()?;
        cluster.token = login(&http, &gateway.base, ADMIN, PASSWORD).await?;
        cluster.others = vec![auth, gateway, notifier];
        Ok(cluster)
    }

    /// Of all four.
    pub(super) fn pids(&self) -> Vec<u32> {
        self.others.iter().chain(&self.converter).map(Process::pid).collect()
    }

    /// `kill -9`.
    pub(super) fn kill_converter(&mut self) {
        self.converter = None;
    }

    /// A new one, which takes the place of the killed one in the gateway's list.
    pub(super) async fn start_converter(&mut self) -> anyhow::Result<()> {
        let own: Vec<_> = self.converter_settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let converter = Process::start(&self.tapedeck, "converter", "CONVERTER_LISTEN", &with_settings(&own)).await?;
        self.converters.set(&[converter.address()])?;
        self.converter = Some(converter);
        Ok(())
    }
}

fn with_settings<'a>(own: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [own, &settings()].concat()
}
