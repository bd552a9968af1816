//! Threads that end before whoever started them does.

use std::{panic::resume_unwind, thread::JoinHandle};

/// Waits for a thread. A panic in it goes on here: it must end the process without a verdict.
pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
