//! What a hostile video might make of a decoder.

use std::{
    fs::File,
    hint::black_box,
    io::{self, Write as _},
};

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

/// Writes a file that was opened before.
pub(crate) fn write(mut file: File) -> io::Result<()> {
    file.write_all(b"a byte too many")
}
