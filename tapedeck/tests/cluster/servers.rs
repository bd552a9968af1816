//! The real servers under these tests: started once, since a start takes longer than a test, and not shared with the
//! tests of other programs, since these ones stop and kill them.

use std::{fs, io, process::Command, sync::OnceLock};

use serde_json::Value;
use testbed::{Kind, Server, or_skip};
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
};

use crate::{process, wait::until};

/// The administrator's, from the file that `auth migrate` reads.
pub(crate) const ADMIN_PASSWORD: &str = "the administrator's password";

/// One server, and how a test took it away.
#[derive(Debug)]
pub(crate) struct Real {
    server: Server,
    away: Mutex<Option<Leave>>,
}

/// How a server goes away.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Leave {
    /// `kill -9`.
    Killed,
    /// In order.
    Stopped,
    /// By SIGSTOP: connections stay open, and nothing answers. What it was told, it does later.
    Silenced,
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
        real.come_back().await;
    }
    Some(Turn { servers, _turn: turn })
}

impl Servers {
    fn start() -> anyhow::Result<Self> {
        let start = |kind| move || Server::start(kind).map(|server| Real { server, away: Mutex::new(None) });
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

    /// Takes the server away; it is gone when this returns.
    pub(crate) async fn leave(&'static self, how: Leave) {
        *self.away.lock().await = Some(how);
        let left = spawn_blocking(move || match how {
            Leave::Killed => self.server.kill(),
            Leave::Stopped => self.server.stop(),
            Leave::Silenced => self.signal("-STOP"),
        });
        left.await.expect("it ends");
        if let Leave::Silenced = how {
            // The signal reaches one thread, and that one the others.
            until("every thread stands still", async || self.is_silent()).await;
        }
    }

    /// Brings it back with its data, where it is away; it answers when this returns.
    pub(crate) async fn come_back(&'static self) {
        let mut away = self.away.lock().await;
        let back = match *away {
            None => return,
            Some(Leave::Silenced) => spawn_blocking(|| self.signal("-CONT")),
            Some(Leave::Killed | Leave::Stopped) => spawn_blocking(|| self.server.restart()),
        };
        back.await.expect("it comes back");
        *away = None;
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.pid()]).status().expect("kill is there").success());
    }

    fn is_silent(&self) -> bool {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        // Its state follows the name, which is in parentheses.
        let mut states = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
        states.all(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')))
    }

    fn pid(&self) -> String {
        let told = fs::read_to_string(self.server.folder().join("server.pid")).expect("it runs");
        told.split_whitespace().next().expect("the process, and when it began").to_owned()
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
