//! Files that get their name only when they are whole.

use std::{fs::Permissions, io, os::unix::fs::PermissionsExt as _, path::Path};

use tempfile::NamedTempFile;

/// The folder that a file is in or will be in.
pub(crate) fn folder(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside `target` that vanishes unless [`keep`] names it. In the same folder, so that naming it is one step.
/// The process's umask applies as to any new file.
pub(crate) fn beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tapedeck-").permissions(Permissions::from_mode(0o666)).tempfile_in(folder(target))
}

/// Gives the file its name; one that exists is replaced only with `force`.
pub(crate) fn keep(whole: NamedTempFile, target: &Path, force: bool) -> io::Result<()> {
    let named = if force { whole.persist(target) } else { whole.persist_noclobber(target) };
    named.map(drop).map_err(|failed| failed.error)
}
