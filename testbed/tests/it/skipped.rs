//! What happens where a program is not installed.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};
use std::{env, fs};

use testbed::Kind;

use crate::script;

/// All programs of this machine, but none that could be or build the mail server.
fn programs_without_mail(folder: &Path) {
    for directory in env::split_paths("/usr/bin:/bin") {
        for program in fs::read_dir(directory).expect("programs").flatten() {
            if !["go", "mailpit"].iter().any(|name| program.file_name() == *name) {
                let _ = symlink(program.path(), folder.join(program.file_name())); // both folders may be one
            }
        }
    }
}

#[test]
fn a_script_says_what_is_not_installed() {
    let [programs, cache, outer] = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    programs_without_mail(programs.path());

    let output = Command::new(script("mail"))
        .arg("start")
        .arg(outer.path().join("server"))
        .env("PATH", programs.path())
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .expect("the script");

    assert_eq!(output.status.code(), Some(77));
    assert_eq!(String::from_utf8_lossy(&output.stderr).trim_end(), "not installed: go");
}

/// Runs the test below in a process that cannot start a mail server.
fn run_without_mail(more: &[(&str, &Path)]) -> Output {
    let [programs, cache] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    programs_without_mail(programs.path());
    Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "skipped::a_shared_mail_server_answers"])
        .env("PATH", programs.path())
        .env("XDG_CACHE_HOME", cache.path())
        .env_remove("TEST_SMTP_URL")
        .env_remove("TEST_SKIPPED")
        .envs(more.iter().copied())
        .output()
        .expect("this program runs")
}

#[test]
fn a_shared_mail_server_answers() {
    let Some(mail) = testbed::shared_or_skip(Kind::Mail) else { return };

    assert!(crate::answers::answers(Kind::Mail, mail.url()));
    assert!(std::ptr::eq(mail, testbed::shared(Kind::Mail)));
}

#[test]
fn a_test_without_its_server_fails_where_nobody_counts_it() {
    let output = run_without_mail(&[]);

    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("not installed: go"), "{said}");
}

#[test]
fn a_test_without_its_server_is_listed_as_skipped() {
    let list = tempfile::NamedTempFile::new().expect("a file");

    let output = run_without_mail(&[("TEST_SKIPPED", list.path())]);

    assert!(output.status.success());
    let list = fs::read_to_string(list.path()).expect("the list");
    assert_eq!(list.lines().count(), 1);
    assert!(list.contains(" skipped::a_shared_mail_server_answers: not installed: go"), "{list}");
}
