//! The `auth` binary.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use auth::{Users, client::User};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};

use crate::service::{KEY, client, store_url};

const AUTH: &str = env!("CARGO_BIN_EXE_auth");

/// Runs a command to its end.
fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(AUTH);
    command.args(arguments).env_clear().env("USERS_URL", store_url(folder));
    let streams = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = streams.spawn().expect("the binary is built");
    // A command that does not read its input may have closed it already.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn succeeded(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn failed(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn users_are_added_listed_and_removed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "the password of bob\n").expect("the folder is ours");
    let file = file.to_str().expect("text");

    succeeded(&run(folder.path(), &["user", "add", "alice", "--email", "a@b", "--admin"], "a password\n"));
    succeeded(&run(folder.path(), &["user", "add", "bob", "--email", "b@b", "--password-file", file], ""));
    let listed = succeeded(&run(folder.path(), &["user", "list", "--json"], ""));
    let listed: Vec<User> = serde_json::from_str(&listed).expect("users");
    let removed = succeeded(&run(folder.path(), &["user", "remove", "bob"], ""));
    let plain = succeeded(&run(folder.path(), &["user", "list"], ""));

    let seen: Vec<_> = listed.iter().map(|user| (user.username.as_str(), user.isadmin)).collect();
    assert_eq!(seen, [("alice", true), ("bob", false)]);
    assert_eq!(removed.trim(), listed[1].id);
    assert_eq!(plain, format!("{}  admin  alice  <a@b>\n", listed[0].id));
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let add = |name, password| run(folder.path(), &["user", "add", name, "--email", "a@b", "--admin"], password);

    assert!(failed(&add("alice", "short\n")).contains("a password has 8 to 1024 bytes"));
    assert!(failed(&add("alice", "")).contains("standard input holds no password"));
    succeeded(&add("alice", "a password"));
    assert!(failed(&add("alice", "a password")).contains("already a user of this name"));
    assert!(failed(&run(folder.path(), &["user", "remove", "alice"], "")).contains("the last admin"));
    assert!(failed(&run(folder.path(), &[], "")).contains("--signing-key-file"));
}

#[test]
fn migrate_creates_the_admin_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("password");
    std::fs::write(&file, "the admin's password").expect("the folder is ours");
    let arguments = ["migrate", "--bootstrap-admin-password-file", file.to_str().expect("text")];

    assert_eq!(succeeded(&run(folder.path(), &["migrate"], "")), "the schema is up to date\n");
    assert_eq!(succeeded(&run(folder.path(), &arguments, "")), "created the user admin\n");
    assert_eq!(succeeded(&run(folder.path(), &arguments, "")), "there are users already\n");
    std::fs::remove_file(&file).expect("it is there");
    assert_eq!(succeeded(&run(folder.path(), &arguments, "")), "there are users already\n");
}

#[test]
fn migrate_names_the_setting_whose_password_it_cannot_have() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let migrate = |file: &Path| {
        let file = file.to_str().expect("text");
        failed(&run(folder.path(), &["migrate", "--bootstrap-admin-password-file", file], ""))
    };

    let missing = migrate(&folder.path().join("password"));
    assert!(missing.contains("BOOTSTRAP_ADMIN_PASSWORD_FILE") && missing.contains("cannot read"), "{missing}");
    succeeded(&run(folder.path(), &["user", "add", "alice", "--email", "a@b", "--admin"], "a password\n"));
    // A file that is there and no good is a mistake also where there are users.
    let bad = migrate(folder.path());
    assert!(bad.contains("BOOTSTRAP_ADMIN_PASSWORD_FILE") && bad.contains("cannot read"), "{bad}");
}

#[test]
fn a_service_that_cannot_start_says_why_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let missing = folder.path().join("key");
    let mut command = Command::new(AUTH);
    command.env_clear().env("USERS_URL", store_url(folder.path())).env("SIGNING_KEY_FILE", &missing);
    command.env("LOG_FORMAT", "json").env("RUST_BACKTRACE", "1");

    let said = failed(&command.output().expect("the binary is built"));

    let event: Value = serde_json::from_str(&said).expect("one line, of JSON");
    assert_eq!((&event["level"], &event["message"]), (&"ERROR".into(), &"auth could not run".into()));
    let cause = event["cause"].as_str().expect("text");
    assert!(cause.contains(missing.to_str().expect("text")), "{cause}");
}

/// A running service; killed where a test fails.
struct Service {
    child: tokio::process::Child,
    url: String,
    _log: Lines<BufReader<tokio::process::ChildStderr>>,
}

impl Service {
    async fn start(folder: &Path) -> Self {
        std::fs::write(folder.join("key"), KEY).expect("the folder is ours");
        let mut command = tokio::process::Command::new(AUTH);
        command.env_clear().env("USERS_URL", store_url(folder)).env("SIGNING_KEY_FILE", folder.join("key"));
        command.env("AUTH_LISTEN", "127.0.0.1:0").env("LOG_FORMAT", "json");
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("the binary is built");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        while let Some(line) = log.next_line().await.expect("text") {
            let event: Value = serde_json::from_str(&line).expect("JSON lines");
            if event["message"] == "listening" {
                let url = format!("http://{}", event["address"].as_str().expect("an address"));
                return Self { child, url, _log: log };
            }
        }
        panic!("it ended before it listened");
    }

    async fn password_checks(&self) -> u64 {
        let metrics = reqwest::get(format!("{}/metrics", self.url)).await.expect("an answer").text().await;
        let metrics = metrics.expect("text");
        let line = metrics.lines().find_map(|line| line.strip_prefix("tapedeck_password_checks_total "));
        line.map_or(0, |count| count.parse().expect("a number"))
    }

    async fn terminate(mut self) -> std::process::ExitStatus {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill is there");
        assert!(sent.success());
        self.child.wait().await.expect("it ends")
    }
}

#[tokio::test]
async fn an_unknown_users_password_is_checked_like_any_other() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    succeeded(&run(folder.path(), &["user", "add", "alice", "--email", "a@b"], "a password"));
    let service = Service::start(folder.path()).await;
    let client = client(&service.url);

    client.login("alice", "wrong", None).await.expect_err("a wrong password");
    assert_eq!(service.password_checks().await, 1);
    client.login("nobody", "wrong", None).await.expect_err("an unknown user");
    assert_eq!(service.password_checks().await, 2);
    client.login("alice", "a password", None).await.expect("a right login");
    assert_eq!(service.password_checks().await, 3);
    assert!(service.terminate().await.success());
}

#[tokio::test]
async fn a_running_service_holds_its_store_and_lets_go_of_it_at_the_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let service = Service::start(folder.path()).await;
    let ready = reqwest::get(format!("{}/readyz", service.url)).await.expect("an answer");
    assert_eq!(ready.json::<Value>().await.expect("JSON")["checks"]["users"], "ok");

    let holder = format!("held by process {} (auth)", service.child.id().expect("it runs"));
    let refused = failed(&run(folder.path(), &["user", "list"], ""));
    assert!(refused.contains(&holder), "{refused}");

    assert!(service.terminate().await.success());
    Users::open(&store_url(folder.path()), "a test").expect("free again");
}
