//! The `tapedeck` binary.

use std::process::ExitCode;

use chassis::healthcheck;

fn main() -> ExitCode {
    if let Some(health) = healthcheck::asked("TAPEDECK_LISTEN", 8080) {
        return health;
    }
    tapedeck::cli::run(tapedeck::cli::parse())
}
