//! What `up` prints at its start: where it listens, and three lines to paste.

use std::path::Path;

use super::DataDir;

/// The text for standard output.
pub(super) fn text(base: &str, data: &DataDir, new_password: Option<&str>) -> String {
    let (folder, file) = (data.folder().display(), quoted(&data.admin_password_file()));
    let password = match new_password {
        Some(password) => format!("User admin, password {password} (kept in {})", data.admin_password_file().display()),
        None => format!("User admin, password in {}", data.admin_password_file().display()),
    };
    format!(
        "\
tapedeck listens on {base} and keeps its data in {folder}
{password}

Log in, upload a video, download its mp3:
  TOKEN=$(curl -sS -u \"admin:$(cat {file})\" -X POST {base}/login | sed -n 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/p')
  ANSWER=$(curl -sS -H \"Authorization: Bearer $TOKEN\" -T movie.mp4 {base}/upload/); echo \"$ANSWER\"
  curl -sSf -H \"Authorization: Bearer $TOKEN\" -o movie.mp3 \"{base}/download?fid=$(echo \"$ANSWER\" | sed -n 's/.*\"id\":\"\\([^\"]*\\)\".*/\\1/p')\"
"
    )
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
        let first = text("http://127.0.0.1:8080", &data, Some("secret"));
        assert!(first.contains("password secret") && first.contains("$(cat /data/admin-password)"), "{first}");
        assert!(!text("http://127.0.0.1:8080", &data, None).contains("secret"));
    }
}
