//! Descriptors that this process was started with.

use std::{fs, io, os::fd::RawFd};

use nix::errno::Errno;

/// Standard input, output and error come before it.
const FIRST_OTHER: RawFd = 3;

/// Closes all but the standard three. Whoever started this may have had more open without "close on exec", or have
/// inherited them, and what is open can be used in the cage, also by ffmpeg.
///
/// To be called before this process opens anything: the owner of a descriptor must be the one who closes it.
pub fn close_inherited() -> io::Result<()> {
    // All numbers first: one of them is the list's own, which is closed by then.
    let names: Vec<_> =
        fs::read_dir("/proc/self/fd")?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<_>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse::<RawFd>().ok());
    for number in numbers.filter(|&number| number >= FIRST_OTHER) {
        match nix::unistd::close(number) {
            // A descriptor is gone also where its file complains, as one on a network does of earlier writes.
            Ok(()) | Err(Errno::EBADF | Errno::EINTR | Errno::EIO | Errno::ENOSPC | Errno::EDQUOT) => {}
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(())
}
