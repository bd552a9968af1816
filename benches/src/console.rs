//! What the lab tells a person.

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
