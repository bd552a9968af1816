//! Tests that end early, since a server's programs are not installed, and say so.

use std::env;
use std::fmt::{Debug, Display};
use std::fs::OpenOptions;
use std::io::Write;

use crate::Missing;

/// Names a file that gets a line for each test that could not run. Where it is not set, such a test fails.
const SKIPPED: &str = "TEST_SKIPPED";

/// What was started; `None` where a program is not [installed](Missing) and `TEST_SKIPPED` names a file, which then gets the
/// name of the test that calls this. So a test ends early only where somebody counts it as skipped.
///
/// ```no_run
/// let Some(server) = testbed::or_skip(testbed::Server::start(testbed::Kind::Mail)) else { return };
/// ```
///
/// # Panics
/// Where it was not started for any other reason.
pub fn or_skip<T, E: IsMissing>(started: Result<T, E>) -> Option<T> {
    let error = match started {
        Ok(started) => return Some(started),
        Err(error) => error,
    };
    let list = env::var_os(SKIPPED).filter(|list| !list.is_empty() && error.is_missing());
    let Some(list) = list else { panic!("not started: {error:#}") };
    let binary = env::current_exe().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let thread = std::thread::current();
    let mut file = OpenOptions::new().create(true).append(true).open(&list).expect("TEST_SKIPPED can be written");
    let line = format!("{} {}: {error}\n", binary.unwrap_or_default(), thread.name().unwrap_or("a test"));
    file.write_all(line.as_bytes()).expect("TEST_SKIPPED can be written");
    None
}

/// The errors of a start, owned or kept.
pub trait IsMissing: Debug + Display {
    /// Whether the only reason is a program that is not installed.
    fn is_missing(&self) -> bool;
}

impl IsMissing for anyhow::Error {
    fn is_missing(&self) -> bool {
        self.is::<Missing>()
    }
}

impl IsMissing for &anyhow::Error {
    fn is_missing(&self) -> bool {
        self.is::<Missing>()
    }
}
