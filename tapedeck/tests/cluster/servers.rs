//! The real servers under these tests: started once, since a start takes longer than a test, and not shared with the
//! tests of other programs, since these ones stop and kill them.

use std::{
    fs, io,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use testbed::{Kind, Server, or_skip};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
};

use crate::process;

/// The administrator's, from the file that `auth migrate` reads.
pub(crate) const ADMIN_PASSWORD: &str = "the administrator's password";

/// One server, and whether a test took it away.
#[derive(Debug)]
pub(crate) struct Real {
    server: Server,
    is_away: AtomicBool,
}

/// How a server goes away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leave {
    /// `kill -9`.
    Killed,
    /// In order.
    Stopped,
}

/// One of each kind; users have their tables and an administrator.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) mysql: Real,
    pub(crate) mongo: Real,
    pub(crate) rabbit: Real,
    pub(crate) mail: Real,
}

/// A test's turn at the servers; the next one waits for its end.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) servers: &'static Servers,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for the test's turn. All servers run then. `None` where one is not installed and the test may be skipped.
pub(crate) async fn turn() -> Option<Turn> {
    static TURN: Mutex<()> = Mutex::const_new(());
    static SERVERS: OnceLock<anyhow::Result<Servers>> = OnceLock::new();
    let turn = TURN.lock().await;
    let started = spawn_blocking(|| SERVERS.get_or_init(Servers::start).as_ref()).await.expect("no panic");
    let servers = or_skip(started)?;
    // A test that failed may have left one away.
    for real in servers.all() {
        if real.is_away() {
            real.come_back().await;
        }
    }
    Some(Turn { servers, _turn: turn })
}

impl Servers {
    fn start() -> anyhow::Result<Self> {
        let start = |kind| move || Server::start(kind).map(|server| Real { server, is_away: AtomicBool::new(false) });
        let servers = std::thread::scope(|scope| {
            let [mysql, mongo, rabbit, mail] =
                [Kind::Mysql, Kind::Mongo, Kind::Rabbit, Kind::Mail].map(|kind| scope.spawn(start(kind)));
            let started = |thread: std::thread::ScopedJoinHandle<'_, anyhow::Result<Real>>| {
                thread.join().map_err(|_| io::Error::other("a start panicked"))?
            };
            anyhow::Ok(Self {
                mysql: started(mysql)?,
                mongo: started(mongo)?,
                rabbit: started(rabbit)?,
                mail: started(mail)?,
            })
        })?;
        let said = migrate(servers.mysql.url());
        anyhow::ensure!(said.contains("created the user admin"), "{said}");
        Ok(servers)
    }

    pub(crate) fn all(&'static self) -> [&'static Real; 4] {
        [&self.mysql, &self.mongo, &self.rabbit, &self.mail]
    }

    /// Address of a MongoDB database that no other test uses.
    pub(crate) fn new_store(&self) -> String {
        let (server, options) = self.mongo.url().split_once("/tapedeck?").expect("the database is between / and ?");
        format!("{server}/{}?{options}", testbed::unique("cluster"))
    }

    /// The mails to an address, as Mailpit describes them; of a copy, too.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Value> {
        let path = format!("/api/v1/search?limit=10000&query=to:%22{to}%22");
        self.mail_api(&path).await["messages"].as_array().expect("a list").clone()
    }

    /// A mail's text.
    pub(crate) async fn mail_text(&self, mail: &Value) -> String {
        let path = format!("/api/v1/message/{}", mail["ID"].as_str().expect("an id"));
        self.mail_api(&path).await["Text"].as_str().expect("a text").to_owned()
    }

    async fn mail_api(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.mail.server.api_url().expect("a mail server has one"));
        let answer = reqwest::Client::builder().no_proxy().build().expect("a client").get(url).send().await;
        answer.expect("an answer").json().await.expect("JSON")
    }
}

impl Real {
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    pub(crate) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Acquire)
    }

    /// Takes the server away; it is gone when this returns.
    pub(crate) async fn leave(&'static self, how: Leave) {
        self.is_away.store(true, Ordering::Release);
        let left = spawn_blocking(move || match how {
            Leave::Killed => self.server.kill(),
            Leave::Stopped => self.server.stop(),
        });
        left.await.expect("it ends");
    }

    /// Starts it again with its data; it answers when this returns.
    pub(crate) async fn come_back(&'static self) {
        spawn_blocking(|| self.server.restart()).await.expect("it starts again");
        self.is_away.store(false, Ordering::Release);
    }
}

/// `auth migrate` as an operator runs it; what it printed.
pub(crate) fn migrate(users_url: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(file.path(), ADMIN_PASSWORD).expect("the file takes bytes");
    let mut command = Command::new(process::program("auth"));
    command.arg("migrate").env_clear().env("USERS_URL", users_url).env("BOOTSTRAP_ADMIN_PASSWORD_FILE", file.path());
    let output = command.output().expect("auth starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}
