//! Start, kill, stop, restart, drop.

use testbed::{Kind, Server, or_skip};

use crate::answers::answers;
use crate::processes_of;

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
