//! One file a blob. It is written beside its name, made durable, and renamed: a name that exists is a whole file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    ops::RangeInclusive,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::task::spawn_blocking;

use super::super::{BLOB_PIECE_BYTES, BlobBytes, Error};
use crate::conversion::{BlobId, Bucket};

/// What blobs leave free on their disk: documents and users have to find room beside them.
const DISK_RESERVE: u64 = 256 * 1024 * 1024;

/// A folder for each bucket.
#[derive(Debug)]
pub(super) struct Blobs {
    mp3s: PathBuf,
    videos: PathBuf,
}

impl Blobs {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let blobs = Self { mp3s: folder.join("mp3s"), videos: folder.join("videos") };
        fs::create_dir_all(&blobs.mp3s)?;
        fs::create_dir_all(&blobs.videos)?;
        Ok(blobs)
    }

    pub(super) async fn create(&self, id: BlobId) -> Result<BlobWriter, Error> {
        let (unfinished, finished) = (self.unfinished(id), self.finished(id));
        off_the_loop(move || {
            let file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
            check_room(&file)?;
            Ok(BlobWriter { file, unfinished, finished })
        })
        .await
    }

    pub(super) async fn read(&self, id: BlobId, range: RangeInclusive<u64>) -> Result<BlobBytes, Error> {
        let path = self.finished(id);
        let (first, last) = range.into_inner();
        let opened = spawn_blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(first))?;
            Ok::<_, io::Error>(file)
        });
        let file = match opened.await {
            Ok(Ok(file)) => file,
            Ok(Err(e)) if e.kind() == io::ErrorKind::NotFound => return Err(Error::BlobMissing),
            Ok(Err(e)) => return Err(Error::unavailable(e)),
            Err(e) => return Err(Error::unavailable(e)),
        };
        let left = (last + 1).saturating_sub(first);
        Ok(stream::try_unfold((file, left), next_piece).boxed())
    }

    pub(super) async fn delete(&self, id: BlobId) -> Result<(), Error> {
        let paths = [self.unfinished(id), self.finished(id)];
        off_the_loop(move || paths.iter().try_for_each(|path| remove_if_there(path))).await
    }

    fn finished(&self, id: BlobId) -> PathBuf {
        match id.bucket() {
            Bucket::Mp3s => self.mp3s.join(format!("{}.mp3", id.attempt())),
            Bucket::Videos => self.videos.join(id.attempt().to_string()),
        }
    }

    fn unfinished(&self, id: BlobId) -> PathBuf {
        self.finished(id).with_extension("part")
    }
}

/// A blob that is being written.
#[derive(Debug)]
pub struct BlobWriter {
    file: File,
    unfinished: PathBuf,
    finished: PathBuf,
}

impl BlobWriter {
    pub(in super::super) async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut file = self.file.try_clone().map_err(Error::unavailable)?;
        off_the_loop(move || {
            check_room(&file)?;
            file.write_all(&bytes)
        })
        .await
    }

    pub(in super::super) async fn finish(self, head: Option<(u64, Bytes)>) -> Result<(), Error> {
        let Self { file, unfinished, finished } = self;
        off_the_loop(move || {
            if let Some((offset, bytes)) = head {
                file.write_all_at(&bytes, offset)?;
            }
            file.sync_all()?;
            fs::rename(&unfinished, &finished)?;
            // The new name itself must be on the disk before a document points to it.
            File::open(finished.parent().unwrap_or(Path::new("/")))?.sync_all()
        })
        .await
    }
}

async fn next_piece((mut file, left): (File, u64)) -> io::Result<Option<(Bytes, (File, u64))>> {
    if left == 0 {
        return Ok(None);
    }
    let read = spawn_blocking(move || {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(BLOB_PIECE_BYTES);
        let mut piece = vec![0; wanted];
        file.read_exact(&mut piece)?;
        Ok((Bytes::from(piece), (file, left - wanted as u64)))
    });
    read.await.map_err(io::Error::other)?.map(Some)
}

fn check_room(file: &File) -> io::Result<()> {
    let disk = rustix::fs::fstatvfs(file)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < DISK_RESERVE {
        let reserve = DISK_RESERVE / (1024 * 1024);
        return Err(io::Error::other(format!("less than {reserve} MiB are free on the disk of STORE_URL")));
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

async fn off_the_loop<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    match spawn_blocking(work).await {
        Ok(result) => result.map_err(Error::unavailable),
        Err(panicked) => Err(Error::unavailable(panicked)),
    }
}
