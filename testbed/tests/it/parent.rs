//! A server does not outlive the process that it was started for.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use testbed::Kind;

use crate::answers::answers;
use crate::{processes_of, script, until};

/// A process that starts a server for itself and then lives on, until it is killed.
struct Parent {
    process: Child,
    folder: PathBuf,
    /// The folder's folder, which the test has to remove itself.
    _outer: TempDir,
}

impl Parent {
    fn start(name: &str) -> Self {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("server");
        let process = Command::new("bash")
            .args(["-c", "\"$0\" start \"$1\" --for $$ && exec sleep 600"])
            .arg(script(name))
            .arg(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        Self { process, folder, _outer: outer }
    }

    /// The address that the script prints when the server answers.
    fn url(&mut self) -> String {
        let mut line = String::new();
        let output = self.process.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("the address");
        line.trim_end().to_owned()
    }

    fn kill(&mut self) -> &Path {
        self.process.kill().expect("it runs");
        self.process.wait().expect("it ends");
        &self.folder
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        self.kill();
    }
}

fn follows_its_parent(kind: Kind, name: &str) {
    let Some(_installed) = testbed::shared_or_skip(kind) else { return };
    let mut parent = Parent::start(name);
    let url = parent.url();
    assert!(answers(kind, &url), "it is not there: {url:?}");

    let folder = parent.kill();

    until("its folder and every process are gone", || !folder.exists() && processes_of(folder).is_empty());
    assert!(!answers(kind, &url));
}

#[test]
fn mysql_is_gone_after_its_parent_was_killed() {
    follows_its_parent(Kind::Mysql, "mysql");
}

#[test]
fn mongo_is_gone_after_its_parent_was_killed() {
    follows_its_parent(Kind::Mongo, "mongo");
}

#[test]
fn rabbit_is_gone_after_its_parent_was_killed() {
    follows_its_parent(Kind::Rabbit, "rabbit");
}

#[test]
fn mail_is_gone_after_its_parent_was_killed() {
    follows_its_parent(Kind::Mail, "mail");
}

#[test]
fn a_start_does_not_outlive_its_parent() {
    let Some(_installed) = testbed::shared_or_skip(Kind::Rabbit) else { return };
    let mut parent = Parent::start("rabbit");
    let running = parent.folder.join("server.pid");
    until("the server was started, long before it answers", || {
        fs::read_to_string(&running).is_ok_and(|pid| !pid.is_empty())
    });

    let folder = parent.kill();

    until("its folder and every process are gone", || !folder.exists() && processes_of(folder).is_empty());
}

#[test]
fn what_was_killed_is_removed_with_its_parent() {
    let Some(_installed) = testbed::shared_or_skip(Kind::Mysql) else { return };
    let mut parent = Parent::start("mysql");
    parent.url();
    let killed = Command::new(script("mysql")).arg("kill").arg(&parent.folder).status().expect("the script");
    assert!(killed.success());

    let folder = parent.kill();

    until("its folder is gone", || !folder.exists());
}
