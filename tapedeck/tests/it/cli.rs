//! What the command line says and how it exits, without any service.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use crate::stack::Stack;

/// The program with a home of its own and nothing of this environment's settings.
pub(crate) struct Tapedeck {
    home: tempfile::TempDir,
}

impl Tapedeck {
    pub(crate) fn new() -> Self {
        Self { home: tempfile::tempdir().expect("a temporary folder") }
    }

    /// An empty folder, in which the program runs.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the program starts")
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command_of(env!("CARGO_BIN_EXE_tapedeck"));
        command.args(arguments);
        command
    }

    /// Another program in the same place.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.home.path()).current_dir(self.home.path()).stdin(Stdio::null());
        command
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An address where nothing listens: the listener that found the free port is gone again.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[test]
fn help_names_every_command_and_every_exit_code() {
    let output = Tapedeck::new().run(&["--help"]);
    let text = stdout(&output);
    assert!(output.status.success());
    for word in
        ["up", "convert", "list", "download", "delete", "login", "user", "doctor", "demo", "transcode", "Exit codes:"]
    {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn help_of_up_is_the_reference_of_all_limits() {
    let text = stdout(&Tapedeck::new().run(&["up", "--help"]));
    for setting in [
        "TAPEDECK_LISTEN",
        "TAPEDECK_DATA",
        "UPLOAD_BYTES_MAX",
        "UPLOADS_PER_USER_MAX",
        "DOWNLOADS_PER_USER_MAX",
        "TOKEN_LIFETIME",
        "CONVERSIONS_MAX",
        "DURATION_MAX",
        "SPOOL_BYTES_MAX",
        "DISK_FREE_MIN",
        "QUEUED_FLOW",
        "QUEUE_TIMEOUT",
        "QUEUE_MAX",
        "QUEUE_BYTES_MAX",
        "QUEUED_PER_USER_MAX",
        "DELIVERY_ATTEMPTS_MAX",
        "MP3_KEPT",
        "TAPEDECK_ADMIN_PASSWORD",
    ] {
        assert!(text.contains(setting), "{setting} in {text}");
    }
    assert!(!text.contains("CONVERTER_LISTEN"), "it is decided by `up` itself");
}

#[test]
fn wrong_usage_exits_with_2() {
    let tapedeck = Tapedeck::new();
    for arguments in [
        &["convert"][..],
        &["frobnicate"],
        &["convert", "--quality", "V12", "a.mp4"],
        &["convert", "--quality", "V2", "--bitrate", "128", "a.mp4"],
        &["convert", "a/x.mp4", "b/x.mkv"],
        &["convert", "-o", "missing-folder", "a.mp4"],
        &["list", "--server", "ftp://example.org"],
        &["up", "--upload-bytes-max", "many"],
    ] {
        let output = tapedeck.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
}

#[test]
fn an_mp3_that_exists_is_not_replaced_unasked() {
    let tapedeck = Tapedeck::new();
    std::fs::write(tapedeck.home.path().join("talk.mp3"), "precious").expect("a file is written");
    let output = tapedeck.run(&["convert", "talk.mp4"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--force"), "{}", stderr(&output));
}

#[tokio::test]
async fn nobody_logged_in_exits_with_5() {
    let stack = Stack::start().await;
    let output = Tapedeck::new().run(&["list", "--server", &stack.url("")]);
    assert_eq!(output.status.code(), Some(5));
    assert!(stderr(&output).contains("tapedeck login"), "{}", stderr(&output));
}

#[test]
fn a_server_that_does_not_answer_exits_with_4() {
    let tapedeck = Tapedeck::new();
    let password = tapedeck.home.path().join("password");
    std::fs::write(&password, "secret\n").expect("a file is written");
    let file = password.to_str().expect("a Unicode path");
    let output = tapedeck.run(&["login", "--server", &nobody(), "--password-file", file]);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("tapedeck up"), "{}", stderr(&output));
}

#[test]
fn a_completion_script_is_printed() {
    let output = Tapedeck::new().run(&["completions", "bash"]);
    assert!(output.status.success());
    assert!(stdout(&output).contains("_tapedeck()"));
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let output = Tapedeck::new().run(&["doctor", "--ffmpeg", "/nowhere/ffmpeg"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("WRONG ffmpeg: /nowhere/ffmpeg cannot be started"), "{}", stdout(&output));
}
