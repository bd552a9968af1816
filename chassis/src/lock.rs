//! One process per folder: a lock file that says who holds it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Write as _},
    path::Path,
};

/// Why a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{folder} is held by {holder}; stop that process or choose another folder")]
    Held { folder: String, holder: String },
    #[error("cannot lock {folder}: {cause}")]
    Io { folder: String, cause: std::io::Error },
}

/// Holds a folder until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes `folder` by its file `lock`; `who` is what a second process is told, e.g. `tapedeck up`.
    pub fn take(folder: &Path, who: &str) -> Result<Self, LockError> {
        let io = |cause| LockError::Io { folder: folder.display().to_string(), cause };
        std::fs::create_dir_all(folder).map_err(io)?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).clone();
        let mut file = options.open(folder.join("lock")).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held { folder: folder.display().to_string(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(cause)) => return Err(io(cause)),
        }
        file.set_len(0).map_err(io)?;
        writeln!(file, "process {} ({who})", std::process::id()).map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// Whether a process holds `folder` right now, as far as this user may see.
pub fn is_held(folder: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(folder.join("lock"));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_is_told_who_holds_the_folder() {
        let folder =
            std::env::temp_dir().join(format!("chassis-lock-{}", crate::hex::encode(&crate::hex::random::<8>())));
        let first = FolderLock::take(&folder, "the test").expect("the folder is free");

        let second = FolderLock::take(&folder, "another").expect_err("the folder is held").to_string();
        assert!(second.contains(&format!("process {} (the test)", std::process::id())), "{second}");

        assert!(is_held(&folder));

        drop(first);
        assert!(!is_held(&folder));
        FolderLock::take(&folder, "another").expect("the folder is free again");
        std::fs::remove_dir_all(folder).expect("the folder is ours");
    }
}
