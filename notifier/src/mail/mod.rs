//! Where mail goes: a closed enum, one variant a kind.

mod folder;
mod linewise;
mod reply;
mod server;
mod smtp;

use std::time::Duration;

use anyhow::{Context as _, bail};
use lettre::Message;

use crate::Config;
use folder::Folder;
use reply::Refusal;
use server::MailServer;
use smtp::Smtp;

/// The scheme of a `MAIL_URL` that names a folder.
pub const FOLDER_SCHEME: &str = "file";

/// Why a mail did not go out. No text holds a mail address, since it ends up in a log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error("the mail folder takes no file")]
    Folder(#[from] lettre::transport::file::Error),
    #[error("the mail server takes no mail now: {0}")]
    NotReady(String),
    #[error("the mail server was not ready within {0:?}")]
    Late(Duration),
    #[error("the mail server refused the mail: {0}")]
    Refused(Refusal),
    #[error("the mail server did not say that it took the mail: {0}")]
    Broken(String),
    #[error("the mail server takes no address whose name is not ASCII (it does not offer SMTPUTF8)")]
    NotAscii,
}

impl SendError {
    /// Whether a later sending cannot do better. A folder's disk may have room again; a server that is away, refuses the
    /// login or fails its TLS says nothing about the mail.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Folder(_) | Self::NotReady(_) | Self::Late(_) | Self::Broken(_) => false,
            Self::Refused(refusal) => refusal.is_permanent(),
            Self::NotAscii => true,
        }
    }
}

/// A way to send mail.
#[derive(Debug)]
pub(crate) enum Carrier {
    /// Each mail becomes one file of a folder.
    Folder(Folder),
    /// A server takes the mails.
    Smtp(Smtp),
}

impl Carrier {
    /// Opens what `MAIL_URL` names. A server is not waited for: it may come later.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let url = config.mail_url.as_deref().context(
            "MAIL_URL is not set: say where mail goes, e.g. file:FOLDER or smtps://USER@HOST with MAIL_PASSWORD_FILE",
        )?;
        match url.split_once(':') {
            Some((FOLDER_SCHEME, folder)) if !folder.is_empty() => Ok(Self::Folder(Folder::open(folder.as_ref())?)),
            Some(("smtp" | "smtps", _)) => Ok(Self::Smtp(Smtp::new(MailServer::read(url, config)?))),
            _ => bail!("MAIL_URL must be file:FOLDER, smtp://HOST or smtps://HOST, not {:?}", shown(url)),
        }
    }

    /// Returns once the mail is accepted. It may be dropped before: then the mail may go out or not.
    pub(crate) async fn send(&self, letter: Message) -> Result<(), SendError> {
        match self {
            Self::Folder(folder) => folder.send(letter).await,
            Self::Smtp(smtp) => smtp.send(&letter).await,
        }
    }

    /// Whether it would take a mail now.
    pub(crate) async fn ping(&self) -> Result<(), SendError> {
        match self {
            Self::Folder(folder) => folder.ping().await,
            Self::Smtp(smtp) => smtp.ping().await,
        }
    }
}

/// A URL without what may be a password: of what stands before an `@` only a scheme is shown, where there is one.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) if is_scheme(scheme) => format!("{scheme}://…@{host}"),
        (_, Some((_, host))) => format!("…@{host}"),
        _ => url.to_owned(),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused_without_its_password() {
        let mut config = Config::from_flags(&[]);
        for url in [
            "imap://me:secret@mail.example:25",
            "me:secret@mail.example:587",
            "me:secret://@mail.example",
            "secret@mail.example",
            "smtp:secret@mail.example",
            "smtps:/me:secret@mail.example",
        ] {
            config.mail_url = Some(url.to_owned());
            let refusal = format!("{:#}", Carrier::open(&config).expect_err(url));
            assert!(!refusal.contains("secret"), "{refusal}");
        }
        config.mail_url = Some("imap://me:secret@mail.example:25".to_owned());
        let refusal = Carrier::open(&config).expect_err("not known").to_string();
        assert!(refusal.contains("file:FOLDER") && refusal.contains("imap://…@mail.example:25"), "{refusal}");
        config.mail_url = None;
        assert!(Carrier::open(&config).expect_err("nothing to open").to_string().contains("MAIL_URL is not set"));
    }
}
