//! One process of a service: started by its program with settings in the environment, killed, restarted, ended.

use std::{
    fs::{self, OpenOptions},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use serde_json::Value;

use crate::{
    tell,
    wait::{PATIENCE, until},
};

/// Lines of a log that a failed test shows, those about single requests left out.
const LOG_LINES_SHOWN: usize = 10;

/// The program of a service, in the build folder beside tapedeck's own.
pub(crate) fn program(name: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_tapedeck")).with_file_name(name);
    assert!(program.exists(), "{} is missing; run: cargo build --workspace --bins", program.display());
    program
}

/// Settings as the environment holds them.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// A running service, or one that was killed and may be restarted. Dropped, it is killed.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    /// The variable that says where it listens.
    listen: &'static str,
    settings: Settings,
    log: PathBuf,
    child: Child,
    address: SocketAddr,
}

impl Process {
    /// Starts a service on a free port; it listens when this returns. `folder` gets its log.
    pub(crate) async fn start(name: &'static str, listen: &'static str, settings: Settings, folder: &Path) -> Self {
        let log = folder.join(format!("{}.log", testbed::unique(name)));
        let (child, address) = spawn(name, &settings, (listen, "127.0.0.1:0"), &log).await;
        Self { name, listen, settings, log, child, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again after its end, on the same port.
    pub(crate) async fn restart(&mut self) {
        let address = self.address.to_string();
        (self.child, _) = spawn(self.name, &self.settings, (self.listen, &address), &self.log).await;
    }

    /// SIGTERM, and its exit code once it has ended by itself.
    pub(crate) async fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        let mut code = None;
        until("the process ended", async || {
            code = self.child.try_wait().expect("its state is known");
            code.is_some()
        })
        .await;
        code.and_then(|status| status.code())
    }

    /// Everything that it logged since its first start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("it logs")
    }

    /// The value of a metric without labels, 0 where nothing was counted yet.
    pub(crate) async fn metric(&self, http: &reqwest::Client, start: &str) -> u64 {
        let text = http.get(self.url("/metrics")).send().await.expect("an answer").text().await.expect("text");
        let line = text.lines().find_map(|line| line.strip_prefix(start));
        line.map_or(0, |value| value.trim().parse().expect("a number"))
    }

    /// Status and report of `/readyz`.
    pub(crate) async fn readiness(&self, http: &reqwest::Client) -> (u16, Value) {
        let answer = http.get(self.url("/readyz")).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().filter(|line| !line.contains(r#""message":"request""#)).collect();
            let last = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
            tell(&format!("--- {} at {}\n{}", self.name, self.address, last.join("\n")));
        }
    }
}

/// Starts a program and waits until it says where it listens.
async fn spawn(name: &str, settings: &Settings, listen: (&str, &str), log: &Path) -> (Child, SocketAddr) {
    let output = OpenOptions::new().create(true).append(true).open(log).expect("the folder takes files");
    let before = output.metadata().expect("a file").len();
    let mut command = Command::new(program(name));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info,lapin=off".to_owned()))
        .env("LOG_FORMAT", "json")
        .envs(settings.iter().map(|(variable, value)| (variable, value)))
        .env(listen.0, listen.1)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output);
    let mut child = command.spawn().expect("the program starts");
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(log).expect("it is text");
        let own = text.get(usize::try_from(before).expect("a small file")..).unwrap_or_default();
        if let Some(address) = own.lines().find_map(listening_at) {
            return (child, address);
        }
        let ended = child.try_wait().expect("its state is known");
        assert!(ended.is_none() && began.elapsed() < PATIENCE, "{name} does not listen ({ended:?}):\n{own}");
        tokio::time::sleep(crate::wait::LOOK_EVERY).await;
    }
}

/// The address, where a line of the log says that the service listens.
fn listening_at(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    (line["message"] == "listening").then(|| line["address"].as_str()?.parse().ok())?
}
