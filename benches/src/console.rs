//! What the lab tells a person.

use indicatif::{ProgressBar, ProgressStyle};

/// Prints one line of a result.
#[expect(clippy::print_stdout, reason = "results are what the program is for")]
pub(crate) fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

/// Prints one line about what goes on.
#[expect(clippy::print_stderr, reason = "long work tells what it does")]
pub(crate) fn note(line: impl std::fmt::Display) {
    eprintln!("{line}");
}

/// A bar on the terminal for work of so many steps; nothing where nobody looks.
pub(crate) fn progress(steps: u64, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} [{elapsed}] {bar:30} {pos}/{len}, {eta} to go  {msg}");
    let bar = ProgressBar::new(steps).with_prefix(what);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
