//! A whole system in this process: started inside out, stopped outside in.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use auth::{Auth, KeyRing, Password, PasswordHash, Users};
use chassis::ServiceToken;
use converter::{
    Converter,
    event::{Broker, Queue},
    store::Store,
};
use gateway::{Gateway, Mount};
use notifier::Notifier;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use super::{ADMIN, Args, DataDir, data_dir::Held, inbox};

/// What another process is told that wants the same folders.
const WHO: &str = "tapedeck up";
/// How much longer the converter waits for the gateway than that for its client.
const IDLE_SLACK: Duration = Duration::from_secs(15);
/// How long answers may take to be sent once no conversion runs.
const ANSWERS_MAX: Duration = Duration::from_secs(5);
/// Where the services behind the gateway listen.
const PRIVATE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Who manages the users.
#[derive(Debug)]
pub enum Admin {
    /// The user `admin` of the data folder, with the password that this start made up, if it did.
    Here { new_password: Option<SecretString> },
    /// Whoever `USERS_URL` says.
    Elsewhere,
}

/// A running system.
#[derive(Debug)]
pub struct System {
    gateway: Gateway,
    converter: Converter,
    notifier: Notifier,
    auth: Auth,
    base: String,
    data: DataDir,
    admin: Admin,
    // Last, so that the folder is free only when nothing uses it any more.
    _held: Held,
}

impl System {
    /// Starts all services; they answer when this returns.
    pub async fn start(args: Args) -> anyhow::Result<Self> {
        let Args { listen, data, stores, admin_password, mut services, .. } = args;
        let data = DataDir::locate(data.as_deref())?;
        let held = data.take()?;
        let keys = KeyRing::load_or_create(&data.users().join("signing-key"))?;
        let (users, admin) = if let Some(url) = &stores.users_url {
            (Users::open(url, WHO)?, Admin::Elsewhere)
        } else {
            let users = Users::open(&url("sqlite", &data.users().join("users.sqlite"))?, WHO)?;
            let new_password = own_admin(&users, &data, admin_password).await?;
            (users, Admin::Here { new_password })
        };
        let store = stores.store_url.map_or_else(|| url("file", &data.conversions()), Ok)?;
        let store = Store::open(&store, WHO).await?;
        let open = |queue| match &stores.broker_url {
            None => Ok(Broker::memory()),
            Some(url) => Broker::open(url, queue),
        };
        let broker = open(Queue::Mp3)?;
        let jobs = services.gateway.queued_flow.then(|| open(Queue::Video)).transpose()?;
        let service_token = ServiceToken::random();

        services.auth.listen = PRIVATE;
        let auth = auth::start(auth::Parts { service: services.auth, users, keys }).await?;

        services.converter.converter_listen = PRIVATE;
        // The gateway watches its client; the converter must not give up first.
        let idle_max = services.gateway.upload_idle_max + IDLE_SLACK;
        services.converter.video_idle_max = services.converter.video_idle_max.max(idle_max);
        services.converter.spool_dir.get_or_insert_with(|| data.spool());
        let converter = converter::start(converter::Parts {
            config: services.converter,
            store: store.clone(),
            broker: broker.clone(),
            jobs: jobs.clone(),
            service_token: service_token.clone(),
        })?;

        let mail_url =
            services.notifier.mail_url.take().map_or_else(|| url(notifier::FOLDER_SCHEME, &data.mail()), Ok)?;
        let folder = mail_url.split_once(':').filter(|(scheme, _)| *scheme == notifier::FOLDER_SCHEME);
        let folder = folder.map(|(_, folder)| Path::new(folder));
        services.gateway.gateway_listen = listen;
        services.gateway.auth_url = format!("http://{}", auth.address());
        services.gateway.converters = converter.address().to_string().parse().map_err(anyhow::Error::msg)?;
        let gateway = gateway::start(gateway::Parts {
            config: services.gateway,
            store: store.clone(),
            jobs,
            service_token,
            // Mails name who converted what: they are shown only where nobody else's machine can ask.
            mount: folder.filter(|_| listen.ip().is_loopback()).map(|folder| Arc::new(inbox::routes(folder)) as Mount),
        })
        .await?;

        let base = base(gateway.address());
        services.notifier.notifier_listen = PRIVATE;
        services.notifier.mail_url = Some(mail_url);
        services.notifier.public_url.get_or_insert_with(|| base.clone());
        let notifier = notifier::start(notifier::Parts { config: services.notifier, store, broker }).await?;
        data.tell_address(&base)?;
        Ok(Self { gateway, converter, notifier, auth, base, data, admin, _held: held })
    }

    /// The gateway's address for programs on this machine, e.g. `http://127.0.0.1:8080`.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn data(&self) -> &DataDir {
        &self.data
    }

    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Takes no further uploads, finishes those that run, sends their mails, and stops. What has not ended after `longest` is
    /// stopped: its callers are told, and queued videos stay in the queue. The order matters: each service needs those that
    /// stop after it.
    pub async fn stop(self, longest: Duration) {
        self.gateway.drain();
        let mut gateway = tokio::spawn(self.gateway.stop());
        let drained = timeout(longest, async {
            let _ = (&mut gateway).await;
            self.converter.drain().await;
        });
        if drained.await.is_err() {
            tracing::warn!("not everything ended within {longest:?} (STOP_MAX); it is stopped");
        }
        // Its last step hands all announcements to the broker.
        self.converter.stop().await;
        if !gateway.is_finished() && timeout(ANSWERS_MAX, &mut gateway).await.is_err() {
            gateway.abort();
        }
        self.notifier.stop().await;
        self.auth.stop().await;
    }
}

/// Makes the admin where there are no users, and gives it the password that was asked for. Answers with a password
/// that was made up.
async fn own_admin(users: &Users, data: &DataDir, given: Option<SecretString>) -> anyhow::Result<Option<SecretString>> {
    let (password, is_new) = data.admin_password(given.as_ref().map(ExposeSecret::expose_secret))?;
    let secret = SecretString::from(password);
    let password = Password::parse(secret.clone())?;
    let created = users.ensure_admin(ADMIN, "admin@localhost", password.clone()).await?;
    if !created && is_new {
        let account = users.by_name(ADMIN).await?.context("the user admin was removed, so it has no password")?;
        users.set_password(&account.user.id, PasswordHash::of(password).await?).await?;
    }
    // Last: a password that is refused, or a crash on the way, must not replace the one that works.
    if is_new {
        data.keep_admin_password(secret.expose_secret())?;
    }
    // Only one that was made up here has to be shown.
    Ok((is_new && given.is_none()).then_some(secret))
}

fn url(scheme: &str, path: &Path) -> anyhow::Result<String> {
    let path = path.to_str().with_context(|| format!("the path {} is no Unicode text", path.display()))?;
    Ok(format!("{scheme}:{path}"))
}

/// An address that can be reached where `address` may stand for all of the machine's.
fn base(address: SocketAddr) -> String {
    let port = address.port();
    if address.ip().is_unspecified() { format!("http://127.0.0.1:{port}") } else { format!("http://{address}") }
}
