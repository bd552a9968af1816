//! Reads the mails of a folder, for the page that shows them.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use mail_parser::MessageParser;
use serde::{Deserialize, Serialize};

use crate::letter;

/// Longest part of a mail that is read. The notifier's own mails have about 2 KiB.
const MAIL_BYTES_MAX: u64 = 256 * 1024;

/// One mail as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The mail's `Message-ID`, the same for every copy.
    pub id: String,
    pub to: String,
    pub subject: String,
    /// RFC 3339.
    pub date: String,
    pub text: String,
    /// Where to download.
    pub link: Option<String>,
}

/// A folder of mails, one file each.
#[derive(Debug, Clone)]
pub struct Inbox {
    folder: PathBuf,
}

impl Inbox {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The newest mails, newest first, at most `limit`. A folder that does not exist is empty.
    pub async fn list(&self, limit: usize) -> io::Result<Vec<Mail>> {
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || read_folder(&folder, limit)).await.map_err(io::Error::other)?
    }
}

fn read_folder(folder: &Path, limit: usize) -> io::Result<Vec<Mail>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(cause),
    };
    // Holds the newest ones seen so far, so that a full folder costs no memory.
    let mut newest: BinaryHeap<Reverse<(SystemTime, PathBuf)>> = BinaryHeap::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            // A file that vanished meanwhile is no mail.
            let Ok(written) = fs::metadata(&path).and_then(|about| about.modified()) else { continue };
            newest.push(Reverse((written, path)));
            if newest.len() > limit {
                newest.pop();
            }
        }
    }
    let newest_first = newest.into_sorted_vec();
    Ok(newest_first.into_iter().filter_map(|Reverse((_, path))| read_mail(&path)).collect())
}

fn read_mail(path: &Path) -> Option<Mail> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAIL_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    let message = MessageParser::default().parse(&bytes)?;
    let text = message.body_text(0).unwrap_or_default().replace("\r\n", "\n");
    Some(Mail {
        id: message.message_id().unwrap_or_default().to_owned(),
        to: message.to().and_then(|to| to.first()).and_then(|to| to.address()).unwrap_or_default().to_owned(),
        subject: message.subject().unwrap_or_default().to_owned(),
        date: message.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default(),
        // Not just any link: the text before it holds a file name, which a stranger chose.
        link: text.lines().skip_while(|line| *line != letter::LINK_FOLLOWS).nth(1).map(str::to_owned),
        text,
    })
}
