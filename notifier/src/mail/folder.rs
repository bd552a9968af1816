//! A folder as a mail server: for `tapedeck up`, whose page shows what is in it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lettre::{AsyncFileTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::SendError;

#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    transport: AsyncFileTransport<Tokio1Executor>,
}

impl Folder {
    /// Creates the folder where it is missing.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path).with_context(|| format!("cannot use the mail folder {}", path.display()))?;
        Ok(Self { path: path.to_owned(), transport: AsyncFileTransport::new(path) })
    }

    pub(super) async fn send(&self, letter: Message) -> Result<(), SendError> {
        Ok(self.transport.send(letter).await.map(drop)?)
    }

    pub(super) async fn ping(&self) -> Result<(), SendError> {
        match tokio::fs::read_dir(&self.path).await {
            Ok(_) => Ok(()),
            Err(cause) => Err(SendError::NotReady(cause.to_string())),
        }
    }
}
