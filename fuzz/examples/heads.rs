//! Writes the heads that damage starts from into a folder, as a first corpus for every target.

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let folder = env::args().nth(1).ok_or_else(|| io::Error::other("name a folder"))?;
    fs::create_dir_all(&folder)?;
    for (number, head) in converter::transcode::fuzzing::heads().into_iter().enumerate() {
        fs::write(Path::new(&folder).join(format!("head-{number}")), head)?;
    }
    Ok(())
}
