//! The cage: what the engine and its ffmpeg may use and reach at most, whoever took them over.
//!
//! It holds for the calling thread and all that this thread starts later, programs included, and cannot be left. So it
//! is entered while there is one thread, and what is needed by name is opened before. What is open stays of use inside,
//! so [`close_inherited`] comes first of all.

mod descriptors;
mod filesystem;
mod limits;
mod loader;
mod syscalls;

use std::{fs, io, os::fd::BorrowedFd, path::Path};

pub(super) use self::limits::scratch_bytes;
pub use self::{descriptors::close_inherited, limits::Limits};
use crate::control::Guard;

/// What is needed inside.
#[derive(Debug)]
pub struct Needs<'a> {
    pub limits: Limits,
    /// The one program that can be started: an absolute path of a program and no script, since an interpreter would be
    /// a program more.
    pub ffmpeg: &'a Path,
    /// Open files that ffmpeg opens again, to read them.
    pub files: Vec<BorrowedFd<'a>>,
}

/// Confines this process. Answers the parts that the kernel does not have: the others hold.
///
/// It is an error where there are several threads already, or where a limit cannot be set.
pub fn enter(needs: &Needs<'_>) -> io::Result<Vec<Guard>> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("only a process of one thread can be caged"));
    }
    needs.limits.apply()?;
    rustix::thread::set_no_new_privs(true)?;
    let mut missing = filesystem::confine(needs.ffmpeg, &needs.files);
    // Last, since it takes away the calls that the others are made of.
    missing.extend(syscalls::confine());
    Ok(missing)
}
