//! The signals that end the lab before it is done. Whatever runs is dropped then, and takes its processes and folders along.

use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a shell says of a program that a signal ended: 128 and its number.
const BY_SIGNAL: u8 = 128;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;

/// Listens from the moment at which it is made; until then a signal ends the process at once.
pub(crate) struct Interrupt {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupt {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for Ctrl-C or SIGTERM. Gives what the lab exits with.
    pub(crate) async fn code(&mut self) -> ExitCode {
        let number = tokio::select! {
            _ = self.interrupt.recv() => SIGINT,
            _ = self.terminate.recv() => SIGTERM,
        };
        ExitCode::from(BY_SIGNAL + number)
    }
}
