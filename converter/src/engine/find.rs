//! Where a program is.

use std::{
    env,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf, absolute},
};

/// As [`find_program`]. What is not found stays as it is; conversions that need it then say that it is missing.
pub fn find_ffmpeg(name: &Path) -> PathBuf {
    find_program(name).unwrap_or_else(|| name.to_owned())
}

/// An absolute path to a file that may be executed: a bare name is looked for in `PATH`, another path starts at the
/// working directory. `None` where there is no such file.
pub(crate) fn find_program(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 || name.is_absolute() {
        return absolute(name).ok().filter(|path| is_program(path));
    }
    env::var_os("PATH")
        .iter()
        .flat_map(env::split_paths)
        .filter_map(|folder| absolute(folder.join(name)).ok())
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_for_in_path() {
        let found = find_ffmpeg(Path::new("sh"));
        assert!(found.is_absolute() && is_program(&found), "{found:?}");
    }

    #[test]
    fn what_is_not_found_stays_as_it_is() {
        assert_eq!(find_ffmpeg(Path::new("no-such-program-here")), Path::new("no-such-program-here"));
        assert_eq!(find_ffmpeg(Path::new("/no/such/program")), Path::new("/no/such/program"));
    }
}
