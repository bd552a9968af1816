//! The name of an uploaded file: any Unicode, no path, no control characters.

use crate::error::Error;

/// Longest name in bytes of UTF-8, as most file systems have it.
const NAME_BYTES_MAX: usize = 255;
/// Where the upload names nothing.
const DEFAULT: &str = "video";

/// The name without what a client may have put around it.
pub(super) fn clean(offered: Option<&str>) -> Result<String, Error> {
    let offered = offered.unwrap_or_default();
    // Both kinds of path separators: browsers on Windows sent whole paths once.
    let last = offered.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    match name.trim() {
        "" | "." | ".." => Ok(DEFAULT.to_owned()),
        name if name.len() > NAME_BYTES_MAX => {
            Err(Error::bad_request(format!("a file name has at most {NAME_BYTES_MAX} bytes, not {}", name.len())))
        }
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_control_characters_are_stripped() {
        for (offered, name) in [
            (Some("movie.mp4"), "movie.mp4"),
            (Some("/etc/passwd"), "passwd"),
            (Some("C:\\videos\\a.avi"), "a.avi"),
            (Some("a\r\nb\0.mp4"), "ab.mp4"),
            (Some("Füße 🎬.mp4"), "Füße 🎬.mp4"),
            (Some(".."), "video"),
            (Some("a/"), "video"),
            (None, "video"),
        ] {
            assert_eq!(clean(offered).expect("short"), name);
        }
        assert!(clean(Some(&"é".repeat(127))).is_ok());
        assert!(clean(Some(&"é".repeat(128))).is_err());
    }
}
