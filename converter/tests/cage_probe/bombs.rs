//! What a hostile video might make of a decoder.
#![expect(unsafe_code, reason = "the standard library starts programs only")]

use std::{
    fs::File,
    hint::black_box,
    io::{self, Write as _},
};

use crate::attempts::call;

/// Takes memory until there is no more.
pub(crate) fn eat() -> ! {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(Vec::with_capacity(16 * 1024 * 1024));
        black_box(&eaten);
    }
}

/// Never ends.
pub(crate) fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// One of the many that a fork bomb makes: a process that runs beside this one, started with these `CLONE_*` flags.
pub(crate) fn fork(flags: i32) -> io::Result<()> {
    // SAFETY: the child has memory of its own and only ends.
    let child = unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags | libc::SIGCHLD), 0, 0, 0, 0) };
    if child == 0 {
        unsafe { libc::_exit(0) }
    }
    call(child)
}

/// Writes a file that was opened before.
pub(crate) fn write(mut file: File) -> io::Result<()> {
    file.write_all(b"a byte too many")
}
