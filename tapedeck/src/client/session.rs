//! Logins: saved by `tapedeck login`, or made with the admin's password of a system on this machine.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use converter::conversion::Timestamp;
use directories::ProjectDirs;
use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::{Server, api::Api};
use crate::{error::Error, up::ADMIN};

/// A token this close to its end is not used any more, in milliseconds.
const MARGIN_MS: u64 = 5_000;

/// All saved logins, by server.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Logins(BTreeMap<String, Login>);

/// One saved login: the token alone, never the password.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    pub username: String,
    pub token: String,
    pub expires_at: Timestamp,
}

/// The client for `server`, logged in by a saved login, or as the admin of the system that runs here.
pub async fn connect(server: &Server) -> Result<Api, Error> {
    let api = server.api()?;
    let now = Timestamp::now();
    match read(&file()?)?.0.remove(api.server()) {
        Some(login) if login.expires_at.0 > now.0.saturating_add(MARGIN_MS) => return Ok(api.with_token(login.token)),
        _ => {}
    }
    let data = server.data_dir()?;
    // Another program may listen on a port that tapedeck left: the password goes only where its owner says it listens.
    let Some(password) = data.admin_password_for(api.server()) else {
        // Where nothing answers, that is the news.
        api.send(api.call(Method::GET, "/livez")).await?;
        return Err(Error::NotLoggedIn { server: api.server().to_owned() });
    };
    match api.login(ADMIN, &password).await {
        Ok(login) => Ok(api.with_token(login.token)),
        Err(Error::Refused(problem)) if problem.status == 401 => {
            Err(Error::StalePassword { file: data.admin_password_file() })
        }
        Err(error) => Err(error),
    }
}

/// Keeps a login for later commands, in a file that only its owner reads.
pub fn save(server: &str, login: Login) -> Result<PathBuf, Error> {
    let path = file()?;
    let mut logins = read(&path)?;
    logins.0.retain(|_, login| login.expires_at > Timestamp::now());
    logins.0.insert(server.to_owned(), login);
    write(&path, &logins).map_err(|cause| Error::file(&path, cause))?;
    Ok(path)
}

fn file() -> Result<PathBuf, Error> {
    let folders = ProjectDirs::from("", "", "tapedeck");
    let folders = folders.ok_or_else(|| Error::Failed("HOME is not set, so logins have no place".to_owned()))?;
    Ok(folders.config_dir().join("logins.json"))
}

/// A file that does not exist, or that another version wrote, holds no logins.
fn read(path: &Path) -> Result<Logins, Error> {
    match fs::read(path) {
        Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Logins::default()),
        Err(cause) => Err(Error::file(path, cause)),
    }
}

fn write(path: &Path, logins: &Logins) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // The temporary file has mode 0600 from its creation on.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(logins)?)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o600))?;
    file.persist(path).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_survives_in_a_file_for_its_owner_only() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("tapedeck/logins.json");
        let login = Login { username: "alice".into(), token: "t".into(), expires_at: Timestamp(7) };

        write(&path, &Logins([("http://a".to_owned(), login)].into())).expect("a file is written");

        let mode = fs::metadata(&path).expect("the file exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(read(&path).expect("readable").0["http://a"].token, "t");
    }

    #[test]
    fn a_file_of_another_kind_holds_no_logins() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("logins.json");
        fs::write(&path, "[1]").expect("a file is written");
        assert!(read(&path).expect("readable").0.is_empty());
    }
}
