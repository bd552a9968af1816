//! Sends one video and waits for its mp3, through lost connections and busy servers.

use std::{path::Path, time::Duration};

use chassis::{deadline, hex};
use converter::options::RawOptions;
use futures_util::TryStreamExt as _;
use reqwest::{Body, Method, header};
use tokio::{fs::File, io::AsyncReadExt as _};
use tokio_util::io::ReaderStream;

use super::{
    api::{Api, Converted, Upload},
    conversions::PREFER,
    queue,
    retry::Retries,
};
use crate::{error::Error, progress::Progress};

/// The header that makes a repeated upload the same upload.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Bytes that are read from the disk at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// A video to send.
#[derive(Debug, Clone, Copy)]
pub(super) struct Video<'a> {
    pub path: &'a Path,
    pub options: &'a RawOptions,
    /// By the server's queue, where it has one.
    pub queue: bool,
}

/// Uploads the video and waits for its mp3. All tries carry one key, so they make one mp3 at most.
pub(super) async fn upload(
    api: &Api,
    video: Video<'_>,
    patience: Duration,
    progress: &Progress,
) -> Result<Converted, Error> {
    let key = hex::encode(&hex::random::<16>());
    let mut retries = Retries::new(patience);
    loop {
        let error = match attempt(api, video, &key, retries.remaining(), progress).await {
            Ok(Upload::Done(converted)) => return Ok(converted),
            Ok(Upload::Open { id, .. }) => return queue::wait(api, &id, retries.remaining(), progress).await,
            Ok(Upload::Failed { failure }) => return Err(Error::Refused(Box::new(failure.problem()))),
            Err(error) => error,
        };
        let (error, wait) = retries.after(error)?;
        progress.remark(format!("{error}; trying again in {} s", wait.as_secs().max(1)));
        progress.wait("waiting");
        tokio::time::sleep(wait).await;
    }
}

async fn attempt(
    api: &Api,
    video: Video<'_>,
    key: &str,
    patience: Duration,
    progress: &Progress,
) -> Result<Upload, Error> {
    let (file, bytes) = open(video.path).await?;
    progress.step("uploading", bytes);
    let (shown, mut left) = (progress.clone(), bytes);
    let and_then = if video.queue { "waiting for the server" } else { "converting" };
    let pieces = ReaderStream::with_capacity(file.take(bytes), PIECE_BYTES).inspect_ok(move |piece| {
        shown.advance(piece.len() as u64);
        left = left.saturating_sub(piece.len() as u64);
        if left == 0 {
            shown.wait(and_then);
        }
    });
    let call = api
        .long_call(Method::POST, "/upload")
        .query(&query(video.path, video.options))
        .header(header::CONTENT_LENGTH, bytes)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(IDEMPOTENCY_KEY, key)
        .timeout(patience)
        .body(Body::wrap_stream(pieces));
    // What is in the queue outlasts this program: its limit is the server's.
    let call = if video.queue {
        call.header(PREFER, "respond-async")
    } else {
        call.header(deadline::HEADER, u64::try_from(patience.as_millis()).unwrap_or(u64::MAX).max(1))
    };
    api.read(call).await
}

async fn open(path: &Path) -> Result<(File, u64), Error> {
    let video = File::open(path).await.map_err(|cause| Error::file(path, cause))?;
    let about = video.metadata().await.map_err(|cause| Error::file(path, cause))?;
    if !about.is_file() {
        return Err(Error::Usage(format!("{} is not a file", path.display())));
    }
    Ok((video, about.len()))
}

fn query(path: &Path, options: &RawOptions) -> Vec<(&'static str, String)> {
    let filename = path.file_name().map(|name| name.to_string_lossy().into_owned());
    filename.map(|name| ("filename", name)).into_iter().chain(options.given()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_options_that_were_given_are_sent() {
        let options = RawOptions { bitrate: Some("128".into()), ..RawOptions::default() };
        let query = query(Path::new("/videos/a b.mp4"), &options);
        assert_eq!(query, [("filename", "a b.mp4".to_owned()), ("bitrate", "128".to_owned())]);
    }
}
