//! The data folder: `DIR/{lock,format,address,admin-password,users/,conversions/,mail/,spool/}`.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use chassis::{
    hex,
    lock::{self, FolderLock},
};
use directories::ProjectDirs;

/// Version of the folder's layout. A program refuses the layouts of its successors.
const FORMAT: u32 = 1;

/// Where a system keeps everything.
#[derive(Debug, Clone)]
pub struct DataDir {
    folder: PathBuf,
}

/// Keeps the folder for this process.
#[derive(Debug)]
pub struct Held {
    _lock: FolderLock,
    address: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // From now on another program may get the port.
        let _ = fs::remove_file(&self.address);
    }
}

impl DataDir {
    /// The folder that was asked for, or the user's own for this program.
    pub fn locate(folder: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = folder {
            // Absolute, since it is printed in commands that are pasted elsewhere.
            return Ok(Self { folder: std::path::absolute(folder)? });
        }
        let folders =
            ProjectDirs::from("", "", "tapedeck").context("HOME is not set: name the data folder by --data")?;
        Ok(Self { folder: folders.data_dir().to_owned() })
    }

    /// Takes the folder, makes it where it is missing, and checks its format.
    pub fn take(&self) -> anyhow::Result<Held> {
        let make = |folder: &Path| {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .with_context(|| format!("cannot make {}", folder.display()))
        };
        make(&self.folder)?;
        let lock = FolderLock::take(&self.folder, "tapedeck up")?;
        self.check_format()?;
        for part in [self.users(), self.conversions(), self.mail(), self.spool()] {
            make(&part)?;
        }
        Ok(Held { _lock: lock, address: self.address_file() })
    }

    fn check_format(&self) -> anyhow::Result<()> {
        let path = self.folder.join("format");
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse::<u32>() {
                Ok(format) if format <= FORMAT => Ok(()),
                Ok(format) => bail!(
                    "{} has format {format}; this tapedeck knows {FORMAT}. Use a newer tapedeck or another folder",
                    self.folder.display()
                ),
                Err(_) => bail!("{} holds no format number", path.display()),
            },
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
                write_private(&path, &format!("{FORMAT}\n")).with_context(|| format!("cannot write {}", path.display()))
            }
            Err(cause) => Err(cause).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// The admin's password, and whether it is a new one: `given`, or the one in the folder, or a random one. A new one
    /// is kept by [`Self::keep_admin_password`], once it works.
    pub fn admin_password(&self, given: Option<&str>) -> anyhow::Result<(String, bool)> {
        let path = self.admin_password_file();
        let kept = match fs::read_to_string(&path) {
            Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(cause).with_context(|| format!("cannot read {}", path.display())),
        };
        let password = match (given, kept) {
            (Some(given), Some(kept)) if given == kept => return Ok((kept, false)),
            (None, Some(kept)) => {
                ensure!(!kept.is_empty(), "{} is empty; TAPEDECK_ADMIN_PASSWORD sets a new password", path.display());
                return Ok((kept, false));
            }
            (Some(given), _) => given.to_owned(),
            (None, None) => hex::encode(&hex::random::<12>()),
        };
        ensure!(!password.contains(['\r', '\n']), "the admin's password must be one line");
        Ok((password, true))
    }

    /// Writes the admin's password where its owner finds it.
    pub fn keep_admin_password(&self, password: &str) -> anyhow::Result<()> {
        let path = self.admin_password_file();
        write_private(&path, &format!("{password}\n")).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Tells clients on this machine where the system listens.
    pub fn tell_address(&self, base: &str) -> anyhow::Result<()> {
        let path = self.address_file();
        write_private(&path, &format!("{base}\n")).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Where the system of this folder listens, if one runs.
    pub fn running_at(&self) -> Option<String> {
        if !lock::is_held(&self.folder) {
            return None;
        }
        fs::read_to_string(self.address_file()).ok().map(|address| address.trim().to_owned())
    }

    /// The admin's password where this user may read it and the system of this folder listens at `server`. After a
    /// crash another program may have its port, so the folder must be held.
    pub fn admin_password_for(&self, server: &str) -> Option<String> {
        let same = self.running_at()? == server.replace("//localhost", "//127.0.0.1");
        let password = fs::read_to_string(self.admin_password_file()).ok().filter(|_| same)?;
        Some(password.trim_end_matches(['\r', '\n']).to_owned())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn admin_password_file(&self) -> PathBuf {
        self.folder.join("admin-password")
    }

    fn address_file(&self) -> PathBuf {
        self.folder.join("address")
    }

    pub fn users(&self) -> PathBuf {
        self.folder.join("users")
    }

    pub fn conversions(&self) -> PathBuf {
        self.folder.join("conversions")
    }

    pub fn mail(&self) -> PathBuf {
        self.folder.join("mail")
    }

    pub fn spool(&self) -> PathBuf {
        self.folder.join("spool")
    }
}

/// Writes a file that only its owner reads, in one step.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = DataDir::locate(Some(&folder.path().join("data"))).expect("a folder");
        (folder, data)
    }

    #[test]
    fn one_process_holds_the_folder() {
        let (_folder, data) = empty();
        let held = data.take().expect("it is free");
        let refused = format!("{:#}", data.take().expect_err("it is held"));
        assert!(refused.contains(&std::process::id().to_string()), "{refused}");
        drop(held);
        data.take().expect("it is free again");
    }

    #[test]
    fn a_newer_format_is_refused() {
        let (_folder, data) = empty();
        drop(data.take().expect("it is free"));
        fs::write(data.folder().join("format"), "2\n").expect("a file is written");
        let refused = data.take().expect_err("too new").to_string();
        assert!(refused.contains("format 2"), "{refused}");
    }

    #[test]
    fn the_password_is_made_once_and_private() {
        let (_folder, data) = empty();
        let _held = data.take().expect("it is free");

        let (first, new) = data.admin_password(None).expect("a password");
        assert!(new && first.len() == 24);
        data.keep_admin_password(&first).expect("kept");
        assert_eq!(data.admin_password(None).expect("the same"), (first, false));
        assert_eq!(data.admin_password(Some("given-one")).expect("replaced"), ("given-one".into(), true));
        data.keep_admin_password("given-one").expect("kept");
        assert_eq!(data.admin_password(None).expect("kept"), ("given-one".into(), false));
        let mode = fs::metadata(data.admin_password_file()).expect("the file exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_password_goes_only_where_the_system_listens() {
        let (_folder, data) = empty();
        let held = data.take().expect("it is free");
        data.keep_admin_password("given-one").expect("kept");
        data.tell_address("http://127.0.0.1:8080").expect("told");

        assert_eq!(data.admin_password_for("http://localhost:8080").as_deref(), Some("given-one"));
        assert_eq!(data.admin_password_for("http://127.0.0.1:8081"), None);
        assert_eq!(data.admin_password_for("http://example.org"), None);
        drop(held);
        assert_eq!(data.admin_password_for("http://127.0.0.1:8080"), None);
    }
}
