//! All services of one test: one auth, two gateways, two converters, one notifier.

use std::{fs, path::Path, time::Duration};

use reqwest::Client;
use tempfile::TempDir;

use crate::{
    answer::expect,
    caller::Caller,
    process::{Process, Settings},
    servers::{ADMIN_PASSWORD, Servers},
    wait::{PATIENCE, until},
};

/// A lease short enough that a test sees it end.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// A secret that two services share.
const SERVICE_TOKEN: &str = "a service token of these tests, at least 32 bytes";
const SIGNING_KEY: &str = "a signing key of these tests, at least 32 bytes";
/// Every user's but the administrator's.
const PASSWORD: &str = "correct horse";

/// The services, on one set of servers and a store of their own.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) auth: Process,
    pub(crate) gateways: Vec<Process>,
    pub(crate) converters: Vec<Process>,
    pub(crate) notifier: Process,
    pub(crate) http: Client,
    converter_settings: Settings,
    folder: TempDir,
}

impl Cluster {
    /// Starts all services; they are ready when this returns.
    pub(crate) async fn start(servers: &Servers) -> Self {
        Self::launch(servers).await.ready().await
    }

    /// As [`Self::start`], with the queued flow on, and with one conversion at a time in each converter, so that jobs wait.
    pub(crate) async fn start_queued(servers: &Servers) -> Self {
        let more = [("QUEUED_FLOW", "true".to_owned()), ("CONVERSIONS_MAX", "1".to_owned())];
        Self::launch_with(servers, &more).await.ready().await
    }

    async fn ready(self) -> Self {
        until("all services are ready", async || self.is_ready().await).await;
        self
    }

    /// Starts all services; they listen when this returns, whatever of the servers is there.
    pub(crate) async fn launch(servers: &Servers) -> Self {
        Self::launch_with(servers, &[]).await
    }

    /// `more` is for gateways and converters.
    async fn launch_with(servers: &Servers, more: &[(&'static str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("the folder takes files");
            path.display().to_string()
        };
        let (token, key) = (file("service-token", SERVICE_TOKEN), file("signing-key", SIGNING_KEY));
        let (store, broker) = (servers.new_store(), servers.rabbit.url().to_owned());
        let auth = vec![("USERS_URL", servers.mysql.url().to_owned()), ("SIGNING_KEY_FILE", key)];
        let auth = Process::start("auth", "AUTH_LISTEN", auth, folder.path()).await;
        let mut converter_settings = vec![
            ("STORE_URL", store.clone()),
            ("BROKER_URL", broker.clone()),
            ("SERVICE_TOKEN_FILE", token.clone()),
            ("SPOOL_DIR", folder.path().join("spool").display().to_string()),
            ("LEASE", format!("{}s", LEASE.as_secs())),
            ("PERMIT_HOLD", "2s".to_owned()),
            ("DISK_FREE_MIN", "0".to_owned()),
        ];
        converter_settings.extend_from_slice(more);
        let mut converters = Vec::new();
        for _ in 0..2 {
            converters.push(converter(&converter_settings, folder.path()).await);
        }
        list(folder.path(), &converters.iter().collect::<Vec<_>>());
        let mut gateway = vec![
            ("AUTH_URL", auth.url("")),
            ("CONVERTERS", format!("file:{}", folder.path().join("converters").display())),
            ("STORE_URL", store.clone()),
            ("SERVICE_TOKEN_FILE", token),
            ("UPLOADS_PER_USER_MAX", "32".to_owned()),
            ("BROKER_URL", broker.clone()),
            ("LEASE", format!("{}s", LEASE.as_secs())),
        ];
        gateway.extend_from_slice(more);
        let mut gateways = Vec::new();
        for _ in 0..2 {
            gateways.push(Process::start("gateway", "GATEWAY_LISTEN", gateway.clone(), folder.path()).await);
        }
        let notifier = vec![
            ("STORE_URL", store),
            ("BROKER_URL", broker),
            ("MAIL_URL", servers.mail.url().to_owned()),
            ("PUBLIC_URL", gateways[0].url("")),
            ("DELIVERY_RETRY_MAX", "2s".to_owned()),
        ];
        let notifier = Process::start("notifier", "NOTIFIER_LISTEN", notifier, folder.path()).await;
        let http = Client::builder().no_proxy().timeout(PATIENCE * 2).build().expect("a client");
        Self { auth, gateways, converters, notifier, http, converter_settings, folder }
    }

    /// All processes.
    pub(crate) fn processes(&self) -> Vec<&Process> {
        let pairs = self.gateways.iter().chain(&self.converters);
        [&self.auth, &self.notifier].into_iter().chain(pairs).collect()
    }

    pub(crate) async fn is_ready(&self) -> bool {
        for process in self.processes() {
            if process.readiness(&self.http).await.0 != 200 {
                return false;
            }
        }
        true
    }

    /// Addresses of the gateways.
    pub(crate) fn bases(&self) -> Vec<String> {
        self.gateways.iter().map(|gateway| gateway.url("")).collect()
    }

    /// The administrator at the first gateway.
    pub(crate) async fn admin(&self) -> Caller {
        Caller::login(&self.http, self.gateways[0].url(""), "admin", ADMIN_PASSWORD).await
    }

    /// A new user at the first gateway, and its address; both begin with `name`.
    pub(crate) async fn user(&self, name: &str) -> (Caller, String) {
        let name = testbed::unique(name);
        let email = format!("{name}@example.org");
        let user = serde_json::json!({"username": name, "email": email, "password": PASSWORD});
        let answer = self.admin().await.post("/users").json(&user).send().await;
        expect(answer.expect("an answer"), 201).await;
        (Caller::login(&self.http, self.gateways[0].url(""), &name, PASSWORD).await, email)
    }

    /// Starts one more converter and adds it to the list.
    pub(crate) async fn add_converter(&mut self) {
        let new = converter(&self.converter_settings, self.folder.path()).await;
        self.converters.push(new);
        list(self.folder.path(), &self.converters.iter().collect::<Vec<_>>());
    }

    /// Takes a converter off the list; it runs on.
    pub(crate) fn unlist_converter(&mut self, at: usize) -> Process {
        let removed = self.converters.remove(at);
        list(self.folder.path(), &self.converters.iter().collect::<Vec<_>>());
        removed
    }
}

async fn converter(settings: &Settings, folder: &Path) -> Process {
    Process::start("converter", "CONVERTER_LISTEN", settings.clone(), folder).await
}

/// Writes the list that the gateways watch; by a rename, so that none reads half of it.
fn list(folder: &Path, converters: &[&Process]) {
    let addresses: Vec<_> = converters.iter().map(|converter| converter.address().to_string()).collect();
    fs::write(folder.join("converters.new"), addresses.join("\n")).expect("the folder takes files");
    fs::rename(folder.join("converters.new"), folder.join("converters")).expect("the file was written");
}
