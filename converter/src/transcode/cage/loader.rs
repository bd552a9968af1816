//! The loader that a program names: the kernel executes it beside the program.

use std::{
    ffi::OsString,
    fs::File,
    io,
    os::unix::{ffi::OsStringExt as _, fs::FileExt as _},
    path::{Path, PathBuf},
};

/// Longest path of a loader (`PATH_MAX`), and most program headers that are looked at.
const PATH_BYTES_MAX: usize = 4096;
const HEADERS_MAX: u16 = 128;
/// Type of the header that holds the loader's path, and the size of any (ELF-64, little endian as all that this runs
/// on).
const PT_INTERP: u32 = 3;
const HEADER_BYTES: u64 = 56;

/// The loader of an ELF program; `None` where it needs none or is no such program.
pub(super) fn loader(program: &Path) -> Option<PathBuf> {
    let file = File::open(program).ok()?;
    let magic: [u8; 5] = read(&file, 0).ok()?;
    if magic != *b"\x7fELF\x02" {
        return None;
    }
    let table = u64::from_le_bytes(read(&file, 32).ok()?);
    let headers = u16::from_le_bytes(read(&file, 56).ok()?).min(HEADERS_MAX);
    (0..u64::from(headers)).find_map(|index| path(&file, table.checked_add(index * HEADER_BYTES)?))
}

fn path(file: &File, header: u64) -> Option<PathBuf> {
    if u32::from_le_bytes(read(file, header).ok()?) != PT_INTERP {
        return None;
    }
    let offset = u64::from_le_bytes(read(file, header.checked_add(8)?).ok()?);
    let bytes = u64::from_le_bytes(read(file, header.checked_add(32)?).ok()?);
    let mut path = vec![0; usize::try_from(bytes).ok().filter(|&bytes| bytes <= PATH_BYTES_MAX)?];
    file.read_exact_at(&mut path, offset).ok()?;
    path.pop_if(|last| *last == 0);
    Some(OsString::from_vec(path).into())
}

fn read<const BYTES: usize>(file: &File, offset: u64) -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_loader_and_a_text_none() {
        let found = loader(Path::new("/bin/sh")).expect("a program that is linked dynamically");
        assert!(found.is_absolute() && found.exists(), "{found:?}");
        assert_eq!(loader(Path::new("/etc/passwd")), None);
        assert_eq!(loader(Path::new("/no/such/program")), None);
    }
}
