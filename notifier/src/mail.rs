//! Where mail goes: a closed enum, one variant a kind.

use std::path::Path;

use anyhow::{Context as _, bail};
use lettre::{AsyncFileTransport, AsyncTransport as _, Message, Tokio1Executor};

/// The scheme of a `MAIL_URL` that names a folder.
pub const FOLDER_SCHEME: &str = "file";

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the mail folder takes no file")]
    Folder(#[from] lettre::transport::file::Error),
}

impl SendError {
    /// Whether a later sending cannot do better. A folder's disk may have room again.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Folder(_) => false,
        }
    }
}

/// A way to send mail.
#[derive(Debug, Clone)]
pub(crate) enum Carrier {
    /// Each mail becomes one file of a folder.
    Folder(AsyncFileTransport<Tokio1Executor>),
}

impl Carrier {
    /// Opens what `url` names.
    pub(crate) fn open(url: &str) -> anyhow::Result<Self> {
        match url.split_once(':') {
            Some((FOLDER_SCHEME, folder)) if !folder.is_empty() => {
                let folder = Path::new(folder);
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot use the mail folder {}", folder.display()))?;
                Ok(Self::Folder(AsyncFileTransport::new(folder)))
            }
            _ => bail!("MAIL_URL must be file:FOLDER, not {:?}", shown(url)),
        }
    }

    /// Returns once the mail is accepted.
    pub(crate) async fn send(&self, letter: Message) -> Result<(), SendError> {
        match self {
            Self::Folder(folder) => folder.send(letter).await.map(drop).map_err(Into::into),
        }
    }
}

/// A URL without what may be a password.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused_without_its_password() {
        let refusal = Carrier::open("smtp://me:secret@mail.example:25").expect_err("not known").to_string();
        assert!(refusal.contains("file:FOLDER") && refusal.contains("mail.example"), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }
}
