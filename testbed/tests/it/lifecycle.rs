//! Start, kill, stop, restart, drop.

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use testbed::{Kind, Server, or_skip};

use crate::answers::{answers, host_and_port};
use crate::{processes_of, script};

const HELPERS_MAX: Duration = Duration::from_secs(5);

fn survives_everything_but_drop(kind: Kind) {
    let Some(server) = or_skip(Server::start(kind)) else { return };
    let (url, folder) = (server.url().to_owned(), server.folder().to_owned());
    assert!(answers(kind, &url), "after start");

    server.kill();
    assert!(!answers(kind, &url), "after kill");
    server.restart();
    assert!(answers(kind, &url), "after kill and restart");

    server.stop();
    assert!(!answers(kind, &url), "after stop");
    server.restart();
    assert!(answers(kind, &url), "after stop and restart");
    assert_eq!(server.url(), url);

    assert_ne!(processes_of(&folder), Vec::<String>::new());
    drop(server);
    assert!(!answers(kind, &url), "after drop");
    assert!(!folder.exists(), "{} is still there", folder.display());
    // A runtime's helper ends when it notices that its parent is gone, which takes it a moment.
    let deadline = Instant::now() + HELPERS_MAX;
    while !processes_of(&folder).is_empty() && Instant::now() < deadline {
        thread::yield_now();
    }
    assert_eq!(processes_of(&folder), Vec::<String>::new());
}

#[test]
fn mysql_survives_kill_and_stop_and_is_gone_after_drop() {
    survives_everything_but_drop(Kind::Mysql);
}

#[test]
fn mongo_survives_kill_and_stop_and_is_gone_after_drop() {
    survives_everything_but_drop(Kind::Mongo);
}

#[test]
fn rabbit_survives_kill_and_stop_and_is_gone_after_drop() {
    survives_everything_but_drop(Kind::Rabbit);
}

#[test]
fn mail_survives_kill_and_stop_and_is_gone_after_drop() {
    survives_everything_but_drop(Kind::Mail);
}

#[test]
fn what_runs_is_stopped_before_a_restart() {
    let Some(server) = or_skip(Server::start(Kind::Mysql)) else { return };
    let before = std::fs::read(server.folder().join("server.pid")).expect("a process");

    server.restart();

    assert!(answers(Kind::Mysql, server.url()));
    assert_ne!(std::fs::read(server.folder().join("server.pid")).expect("a process"), before);
}

#[test]
fn what_answers_at_its_port_is_not_taken_for_the_server() {
    for (kind, name) in [(Kind::Mysql, "mysql"), (Kind::Mongo, "mongo"), (Kind::Mail, "mail")] {
        let Some(server) = or_skip(Server::start(kind)) else { return };
        server.stop();
        let _other = TcpListener::bind(host_and_port(server.url())).expect("a free port");

        let output = Command::new(script(name)).arg("start").arg(server.folder()).output().expect("the script");

        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("server.log"), "{name}: {said}");
        assert!(said.contains("already in use"), "the log does not tell: {said}");
    }
}

#[test]
fn two_servers_of_a_kind_do_not_meet() {
    let Some(first) = or_skip(Server::start(Kind::Mysql)) else { return };
    let Some(second) = or_skip(Server::start(Kind::Mysql)) else { return };
    assert_ne!(first.url(), second.url());

    first.kill();

    assert!(answers(Kind::Mysql, second.url()));
}

#[test]
fn names_are_unique() {
    let names: std::collections::HashSet<_> = (0..100).map(|_| testbed::unique("user")).collect();

    assert_eq!(names.len(), 100);
    assert!(names.iter().all(|name| name.starts_with("user_") && name.len() == "user_".len() + 32), "{names:?}");
}
