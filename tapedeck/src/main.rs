//! The `tapedeck` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    tapedeck::cli::run(tapedeck::cli::parse())
}
