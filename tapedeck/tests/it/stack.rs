//! A whole tapedeck of its own for one test: the real program, real HTTP, a temporary folder.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use crate::wait::{PATIENCE, until};
use crate::{
    user::{User, expect},
    wait::LOOK_EVERY,
};

/// A lease short enough that a test sees it end.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

/// A running `tapedeck up`. Dropped, it is killed, and nothing of it may be left.
pub(crate) struct Stack {
    child: Child,
    address: SocketAddr,
    data: Option<TempDir>,
    folder: PathBuf,
    pub(crate) http: reqwest::Client,
}

impl Stack {
    /// Starts on a fresh folder with short leases.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// As [`Self::start`], with settings in the environment.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let folder = data.path().join("data");
        let mut stack = Self::start_on(&folder, settings).await;
        stack.data = Some(data);
        stack
    }

    /// Starts on a folder that may have been used before.
    pub(crate) async fn start_on(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut child = command(folder, settings).stdout(Stdio::piped()).spawn().expect("tapedeck starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let address = lines
            .find_map(|line| {
                let line = line.ok()?;
                let (_, rest) = line.split_once("http://")?;
                rest.split(|c: char| c == '/' || c.is_whitespace() || c == '"').next()?.parse().ok()
            })
            .expect("it says where it listens");
        // The rest of the banner is read on, so that the program never waits for a reader.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE * 2).build().expect("a client");
        let stack = Self { child, address, data: None, folder: folder.to_owned(), http };
        stack.wait_ready().await;
        stack
    }

    async fn wait_ready(&self) {
        until("tapedeck is ready", async || {
            matches!(self.http.get(self.url("/readyz")).send().await, Ok(answer) if answer.status() == StatusCode::OK)
        })
        .await;
    }

    /// Waits until so many uploads hold a permit.
    pub(crate) async fn wait_permits(&self, used: usize) {
        let line = format!("tapedeck_permits_used {used}\n");
        until("uploads are admitted or over", async || {
            let metrics = self.http.get(self.url("/metrics")).send().await.expect("an answer");
            metrics.text().await.expect("text").contains(&line)
        })
        .await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn admin_password(&self) -> String {
        fs::read_to_string(self.folder.join("admin-password")).expect("the admin's password is kept").trim().to_owned()
    }

    /// The administrator that the first start made.
    pub(crate) async fn admin(&self) -> User<'_> {
        self.login("admin", &self.admin_password()).await
    }

    pub(crate) async fn login(&self, name: &str, password: &str) -> User<'_> {
        let answer = self.http.post(self.url("/login")).basic_auth(name, Some(password)).send().await;
        let login: Value = expect(answer.expect("an answer"), 200).await;
        User { stack: self, token: login["token"].as_str().expect("a token").to_owned() }
    }

    /// A new user with a token.
    pub(crate) async fn user(&self, name: &str) -> User<'_> {
        let admin = self.admin().await;
        let user =
            serde_json::json!({"username": name, "email": format!("{name}@example.org"), "password": "correct horse"});
        let answer = admin.post("/users").json(&user).send().await;
        expect(answer.expect("an answer"), 201).await;
        self.login(name, "correct horse").await
    }

    /// `kill -9`, and what is left is the folder.
    pub(crate) fn kill(mut self) -> Option<TempDir> {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.data.take()
    }

    /// SIGTERM, and the exit code once it has ended by itself.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let status = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().expect("kill runs");
        assert!(status.success());
        let mut code = None;
        until("tapedeck ended", async || {
            code = self.child.try_wait().expect("its state is known");
            code.is_some()
        })
        .await;
        code.and_then(|status| status.code())
    }

    /// Ids of the processes below tapedeck: engines and what they started.
    pub(crate) fn engines(&self) -> Vec<u32> {
        descendants(self.pid())
    }

    /// Names of the files in the mp3 store.
    pub(crate) fn blobs(&self) -> Vec<String> {
        files_below(&self.folder).into_iter().filter(|name| is_blob(name)).collect()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let engines = self.engines();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            return;
        }
        let deadline = Instant::now() + Duration::from_secs(2);
        while engines.iter().any(|pid| is_alive(*pid)) {
            assert!(Instant::now() < deadline, "an engine outlived its service by 2 s");
            std::thread::park_timeout(LOOK_EVERY);
        }
    }
}

/// `tapedeck up` on `folder`, quiet, with short leases.
pub(crate) fn command(folder: &Path, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapedeck"));
    command
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder)
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "error".to_owned()))
        .env("LEASE", format!("{}s", LEASE.as_secs()))
        .env("PERMIT_HOLD", "2s")
        .env("DISK_FREE_MIN", "0")
        .env_remove("TAPEDECK_ADMIN_PASSWORD")
        .envs(settings.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Whether a process runs; one that only waits to be reaped does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

fn descendants(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return vec![] };
    let children = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|child| child.parse().ok())
        .collect();
    children.iter().flat_map(|child| [vec![*child], descendants(*child)].concat()).collect()
}

fn files_below(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let below = entries.flatten().flat_map(|entry| match entry.path() {
        path if path.is_dir() => files_below(&path),
        path => vec![path.display().to_string()],
    });
    below.collect()
}

fn is_blob(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "mp3" || extension == "part")
}
