//! Where the mp3 goes while it is made: into the store, and into a nameless copy on disk.
//!
//! The copy gives the checksum of the whole file, whose head is known last, and a failed store is retried from it
//! without encoding again.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::fs::FileExt as _,
};

use bytes::Bytes;
use chassis::chain;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    task::spawn_blocking,
    time::sleep,
};

use crate::{
    App,
    conversion::BlobId,
    error::Error,
    store::{BLOB_PIECE_BYTES, BlobWriter},
};

/// How often a failed store is tried again from the copy.
const STORE_TRIES_MAX: u32 = 3;
/// Wait before the first of them; doubled each time.
const STORE_RETRY: std::time::Duration = std::time::Duration::from_millis(200);

/// An mp3 on its way.
pub(super) struct Sink {
    blob_id: BlobId,
    copy: File,
    /// `None` once the store failed.
    blob: Option<BlobWriter>,
    bytes: u64,
    bytes_max: u64,
}

impl Sink {
    pub(super) async fn open(app: &App, blob_id: BlobId, bytes_max: u64) -> Result<Self, Error> {
        let copy = tempfile::tempfile_in(&app.spool_dir).map_err(Error::unavailable)?;
        let blob = match app.store.create_blob(blob_id).await {
            Ok(blob) => Some(blob),
            Err(cause) => {
                tracing::warn!(blob = %blob_id, cause = chain(&cause), "stored from the copy later");
                None
            }
        };
        Ok(Self { blob_id, copy, blob, bytes: 0, bytes_max })
    }

    /// Takes all that the engine writes.
    pub(super) async fn fill(mut self, mut output: impl AsyncRead + Unpin) -> Result<Self, Error> {
        loop {
            let mut piece = Vec::with_capacity(BLOB_PIECE_BYTES);
            let mut piece_of_output = (&mut output).take(BLOB_PIECE_BYTES as u64);
            if piece_of_output.read_to_end(&mut piece).await.map_err(Error::internal)? == 0 {
                return Ok(self);
            }
            self.bytes += piece.len() as u64;
            if self.bytes > self.bytes_max {
                return Err(Error::internal(anyhow::anyhow!("the engine wrote more than {} bytes", self.bytes_max)));
            }
            self.write(Bytes::from(piece)).await?;
        }
    }

    async fn write(&mut self, piece: Bytes) -> Result<(), Error> {
        let mut copy = self.copy.try_clone().map_err(Error::unavailable)?;
        let copied = piece.clone();
        let copying = spawn_blocking(move || copy.write_all(&copied));
        if let Some(mut blob) = self.blob.take() {
            match blob.write(piece).await {
                Ok(()) => self.blob = Some(blob),
                Err(cause) => {
                    tracing::warn!(blob = %self.blob_id, cause = chain(&cause), "stored again from the copy later");
                }
            }
        }
        copying.await.map_err(Error::internal)?.map_err(Error::unavailable)
    }

    /// Bytes taken so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the head, makes the blob durable and answers the SHA-256 of the whole file.
    pub(super) async fn finish(self, app: &App, head: Option<(u64, Bytes)>) -> Result<String, Error> {
        let Self { blob_id, copy, blob, .. } = self;
        let patched = head.clone();
        let hashed = spawn_blocking(move || {
            if let Some((offset, bytes)) = patched {
                copy.write_all_at(&bytes, offset)?;
            }
            let sha256 = sha256(&copy)?;
            Ok::<_, io::Error>((copy, sha256))
        });
        let is_stored = match blob {
            Some(blob) => {
                let stored = blob.finish(head).await;
                stored
                    .inspect_err(
                        |cause| tracing::warn!(blob = %blob_id, cause = chain(cause), "stored again from the copy"),
                    )
                    .is_ok()
            }
            None => false,
        };
        let (copy, sha256) = hashed.await.map_err(Error::internal)?.map_err(Error::unavailable)?;
        if !is_stored {
            store_again(app, blob_id, &copy).await?;
        }
        Ok(sha256)
    }
}

fn sha256(mut copy: &File) -> io::Result<String> {
    copy.rewind()?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; BLOB_PIECE_BYTES];
    loop {
        match copy.read(&mut piece)? {
            0 => return Ok(chassis::hex::encode(&digest.finalize())),
            n => digest.update(&piece[..n]),
        }
    }
}

async fn store_again(app: &App, blob_id: BlobId, copy: &File) -> Result<(), Error> {
    let mut wait = STORE_RETRY;
    let mut attempt = 1;
    loop {
        match store_whole(app, blob_id, copy).await {
            Err(cause) if attempt < STORE_TRIES_MAX => {
                tracing::warn!(blob = %blob_id, cause = chain(&cause), attempt, "storing failed");
            }
            result => return result,
        }
        sleep(wait).await;
        wait *= 2;
        attempt += 1;
    }
}

async fn store_whole(app: &App, blob_id: BlobId, copy: &File) -> Result<(), Error> {
    app.store.delete_blob(blob_id).await?;
    let mut blob = app.store.create_blob(blob_id).await?;
    let mut offset = 0;
    loop {
        let file = copy.try_clone().map_err(Error::unavailable)?;
        let read = spawn_blocking(move || {
            let mut piece = vec![0; BLOB_PIECE_BYTES];
            let n = file.read_at(&mut piece, offset)?;
            piece.truncate(n);
            Ok::<_, io::Error>(piece)
        });
        let piece = read.await.map_err(Error::internal)?.map_err(Error::unavailable)?;
        if piece.is_empty() {
            return blob.finish(None).await.map_err(Error::from);
        }
        offset += piece.len() as u64;
        blob.write(Bytes::from(piece)).await?;
    }
}
