//! Files that get their name only when they are whole.

use std::{
    fs::{self, File, Metadata, OpenOptions, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use rustix::io::Errno;
use tempfile::NamedTempFile;

/// Most symbolic links in a row that are followed; as many as Linux follows (`path_resolution(7)`).
const LINKS_MAX: usize = 40;
/// Permissions of a new file, less what the umask takes.
const MODE: u32 = 0o666;
/// What of a file's mode are permissions; the bits above belong to programs and folders.
const PERMISSIONS: u32 = 0o777;
/// All but the group's permissions.
const NOT_GROUP: u32 = 0o707;

/// A file beside its target that vanishes unless [`Partial::keep`] names it. In the same folder, so that naming it is
/// one step.
#[derive(Debug)]
pub(crate) struct Partial {
    file: NamedTempFile,
    target: PathBuf,
}

impl Partial {
    /// Makes the file. Where `target` is a symbolic link, the target is what that leads to, whether it is there or not.
    /// A file that may be replaced lends its permissions from the beginning; otherwise it is a new file to the umask.
    pub(crate) fn beside(target: &Path) -> io::Result<Self> {
        let target = follow(target)?;
        let mode = fs::metadata(&target).map_or(MODE, |replaced| replaced.mode() & PERMISSIONS);
        // Opened here, since the library names the file in its errors, and nobody knows that name.
        let open = |path: &Path| OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(path);
        let file = tempfile::Builder::new().prefix(".tapedeck-").make_in(folder(&target), open)?;
        Ok(Self { file, target })
    }

    /// The folder that the file is in and stays in.
    pub(crate) fn folder(&self) -> &Path {
        folder(&self.target)
    }

    pub(crate) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Gives the file its name; one that exists is replaced only with `force`, and its permissions stay.
    pub(crate) fn keep(self, force: bool) -> io::Result<()> {
        let Self { file, target } = self;
        if !force {
            return file.persist_noclobber(&target).map(drop).map_err(|failed| failed.error);
        }
        if let Ok(replaced) = fs::metadata(&target) {
            take_over(file.as_file(), &replaced)?;
        }
        file.persist(&target).map(drop).map_err(|failed| failed.error)
    }
}

/// Lets nobody read or write `file` who could not do so with the file that it replaces, and whoever could, where that
/// is allowed.
fn take_over(file: &File, replaced: &Metadata) -> io::Result<()> {
    let own = file.metadata()?;
    if own.uid() != replaced.uid() {
        // Only root gives files away; otherwise the new one belongs to whoever made it, as any other does.
        let _ = fchown(file, Some(replaced.uid()), None);
    }
    let has_group = own.gid() == replaced.gid() || fchown(file, None, Some(replaced.gid())).is_ok();
    let mode = replaced.mode() & if has_group { PERMISSIONS } else { NOT_GROUP };
    file.set_permissions(Permissions::from_mode(mode))
}

/// What `target` leads to through symbolic links, which need not exist.
fn follow(target: &Path) -> io::Result<PathBuf> {
    // The system may refuse to follow what can be read, e.g. another user's link in a folder for all.
    fs::metadata(target).map(drop).or_else(|cause| match cause.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(cause),
    })?;
    let mut target = target.to_owned();
    for _ in 0..=LINKS_MAX {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            // A file, or nothing yet.
            Err(_) => return Ok(target),
        }
    }
    Err(Errno::LOOP.into())
}

fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("a file").mode() & PERMISSIONS
    }

    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        let home = tempfile::tempdir().expect("a folder");
        let target = home.path().join("b.mp3");
        for wanted in [0o600, 0o640, 0o444, 0o666] {
            fs::write(&target, "old").expect("a file");
            fs::set_permissions(&target, Permissions::from_mode(wanted)).expect("its permissions");
            let partial = Partial::beside(&target).expect("a file");
            let meanwhile = partial.as_file().metadata().expect("its metadata").mode() & PERMISSIONS;
            assert_eq!(meanwhile & !wanted, 0, "{meanwhile:o} instead of {wanted:o}");
            partial.keep(true).expect("its name");
            assert_eq!((mode(&target), fs::read(&target).expect("a file").len()), (wanted, 0));
            fs::remove_file(&target).expect("removed");
        }
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let home = tempfile::tempdir().expect("a folder");
        let (far, link) = (home.path().join("far"), home.path().join("link.mp3"));
        fs::create_dir(&far).expect("a folder");
        symlink("far/one.mp3", &link).expect("a link");
        symlink("two.mp3", far.join("one.mp3")).expect("a second link");
        for force in [false, true] {
            let partial = Partial::beside(&link).expect("a file");
            assert!(partial.folder().ends_with("far"), "{:?}", partial.folder());
            partial.keep(force).expect("its name");
            assert!(link.is_symlink() && far.join("one.mp3").is_symlink());
            assert!(fs::symlink_metadata(far.join("two.mp3")).expect("a file").is_file());
        }
        assert!(Partial::beside(&link).expect("a file").keep(false).is_err(), "it exists");
    }

    #[test]
    fn an_error_does_not_name_a_file_that_nobody_knows() {
        let home = tempfile::tempdir().expect("a folder");
        let round = home.path().join("round.mp3");
        symlink("round.mp3", &round).expect("a link");
        for target in [home.path().join("missing/b.mp3"), round] {
            let said = Partial::beside(&target).expect_err("no place for it").to_string();
            assert!(!said.contains("tapedeck-") && said.contains("os error"), "{said}");
        }
    }
}
