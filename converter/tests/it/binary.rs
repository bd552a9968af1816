//! The `converter` binary as an operator starts it.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

fn converter() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_converter"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stderr(Stdio::piped());
    command
}

#[test]
fn the_service_starts_from_its_environment_and_ends_by_sigterm() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let token = folder.path().join("token");
    fs::write(&token, "a token of this test, which has 32 bytes at least").expect("the folder takes files");
    let mut child = converter()
        .env("STORE_URL", format!("file:{}", folder.path().display()))
        // Nobody listens there: a broker may be away.
        .env("BROKER_URL", "amqp://guest:guest@127.0.0.1:1/%2f")
        .env("SERVICE_TOKEN_FILE", token)
        .env("CONVERTER_LISTEN", "127.0.0.1:0")
        .spawn()
        .expect("the binary is built");
    let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);

    let listening = lines.find(|line| line.contains(r#""message":"listening""#));

    assert!(listening.is_some(), "it ended: {:?}", child.wait());
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    lines.for_each(drop);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn a_missing_setting_is_named() {
    let output = converter().env("STORE_URL", "file:/nowhere").output().expect("the binary is built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("--broker-url") && said.contains("--service-token-file"), "{said}");
}

#[test]
fn help_shows_no_password_of_the_environment() {
    let output = converter()
        .arg("--help")
        .env("STORE_URL", "mongodb://u:xyzzy-plugh@host/d")
        .env("BROKER_URL", "amqp://u:xyzzy-plugh@host/")
        .output()
        .expect("the binary is built");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("STORE_URL") && !said.contains("xyzzy-plugh"), "{said}");
}
