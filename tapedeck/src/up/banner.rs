//! What `up` prints at its start: where it listens, and three lines to paste.

use std::path::Path;

use secrecy::ExposeSecret as _;

use super::{Admin, DataDir};

/// The text for standard output.
pub(super) fn text(base: &str, data: &DataDir, admin: &Admin) -> String {
    let file = data.admin_password_file();
    let (who, login) = match admin {
        Admin::Here { new_password: Some(password) } => {
            (format!("User admin, password {} (kept in {})", password.expose_secret(), file.display()), own(&file))
        }
        Admin::Here { new_password: None } => (format!("User admin, password in {}", file.display()), own(&file)),
        Admin::Elsewhere => ("Users are those of USERS_URL".to_owned(), "NAME:PASSWORD".to_owned()),
    };
    format!(
        "\
tapedeck listens on {base} and keeps its data in {folder}
{who}

Log in, upload a video, download its mp3:
  TOKEN=$(curl -sS -u \"{login}\" -X POST {base}/login | sed -n 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/p')
  ANSWER=$(curl -sS -H \"Authorization: Bearer $TOKEN\" -T movie.mp4 {base}/upload/); echo \"$ANSWER\"
  curl -sSf -H \"Authorization: Bearer $TOKEN\" -o movie.mp3 \"{base}/download?fid=$(echo \"$ANSWER\" | sed -n 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/p')\"
",
        folder = data.folder().display(),
    )
}

/// The admin's log-in as a shell reads it from the file.
fn own(file: &Path) -> String {
    format!("admin:$(cat {})", quoted(file))
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_folder_stays_one_word() {
        assert_eq!(quoted(Path::new("/data/x")), "/data/x");
        assert_eq!(quoted(Path::new("/it's $HOME")), r"'/it'\''s $HOME'");
    }

    #[test]
    fn a_password_is_shown_only_when_it_is_new() {
        let data = DataDir::locate(Some(Path::new("/data"))).expect("a folder");
        let banner = |admin| text("http://127.0.0.1:8080", &data, &admin);
        let first = banner(Admin::Here { new_password: Some("secret".to_owned().into()) });
        assert!(first.contains("password secret") && first.contains("$(cat /data/admin-password)"), "{first}");
        assert!(!banner(Admin::Here { new_password: None }).contains("secret"));
        assert!(!banner(Admin::Elsewhere).contains("/data/admin-password"));
    }
}
