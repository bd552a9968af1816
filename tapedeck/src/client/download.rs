//! `tapedeck download`: fetches an mp3, checks it, and only then gives it its name.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use chassis::hex;
use reqwest::{Method, Response, header};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::{
    Server,
    api::{Api, Converted, next_piece},
    conversions,
    retry::Retries,
};
use crate::{error::Error, partial::Partial, progress::Progress};

/// Longest that a download is tried again.
const PATIENCE: Duration = Duration::from_mins(15);

/// Download the mp3 of a conversion.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Id of the conversion.
    id: String,
    /// File to write, or a folder for it; by default the video's name with `.mp3`, in this folder.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Replace a file that exists.
    #[arg(long)]
    force: bool,
}

pub async fn run(args: Args) -> Result<(), Error> {
    let api = args.server.connect().await?;
    let conversion = conversions::get(&api, &args.id).await?;
    let name = mp3_name(Path::new(&conversion.filename));
    let target = match args.output {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file,
        None => name,
    };
    let progress = Progress::new(&target.display().to_string(), false);
    let bytes = download(&api, &args.id, None, &target, args.force, &progress).await?;
    progress.end(format!("{} downloaded", indicatif::DecimalBytes(bytes)));
    Ok(())
}

/// Downloads a conversion's mp3 to `target` and shows nothing.
pub async fn download_quietly(api: &Api, converted: &Converted, target: &Path) -> Result<u64, Error> {
    download(api, &converted.id, Some(&converted.sha256), target, false, &Progress::new("", true)).await
}

/// The name of a video's mp3: a plain file name, whatever the server says.
pub(super) fn mp3_name(video: &Path) -> PathBuf {
    let stem = video.file_stem().map(|stem| stem.to_string_lossy().replace('\0', ""));
    let stem = stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "audio".to_owned());
    PathBuf::from(format!("{stem}.mp3"))
}

/// Writes the mp3 of conversion `id` to `target` and answers with its size in bytes.
///
/// The file gets its name only when it is whole: it has the length and the SHA-256 that the server told.
pub(super) async fn download(
    api: &Api,
    id: &str,
    sha256: Option<&str>,
    target: &Path,
    force: bool,
    progress: &Progress,
) -> Result<u64, Error> {
    let mut retries = Retries::new(PATIENCE);
    loop {
        let error = match attempt(api, id, sha256, target, force, progress).await {
            Ok(bytes) => return Ok(bytes),
            Err(error) => error,
        };
        let (error, wait) = retries.after(error)?;
        progress.remark(format!("{error}; trying again in {} s", wait.as_secs().max(1)));
        tokio::time::sleep(wait).await;
    }
}

async fn attempt(
    api: &Api,
    id: &str,
    sha256: Option<&str>,
    target: &Path,
    force: bool,
    progress: &Progress,
) -> Result<u64, Error> {
    let mut answer = api.send(api.long_call(Method::GET, "/download").query(&[("fid", id)])).await?;
    let file_error = |cause| Error::file(target, cause);
    let partial = Partial::beside(target).map_err(file_error)?;
    let expected = sha256.map(str::to_owned).or_else(|| etag(&answer));
    progress.step("downloading", answer.content_length().unwrap_or(0));
    let (bytes, actual) = receive(&mut answer, partial.as_file(), progress).await.map_err(|failed| match failed {
        Received::Way(error) => error,
        Received::Disk(cause) => file_error(cause),
    })?;
    if expected.is_some_and(|expected| expected != actual) {
        return Err(Error::Failed(format!("the mp3 of {id} did not arrive as it was stored (SHA-256 {actual})")));
    }
    partial.keep(force).map_err(file_error)?;
    Ok(bytes)
}

enum Received {
    Way(Error),
    Disk(io::Error),
}

async fn receive(answer: &mut Response, file: &File, progress: &Progress) -> Result<(u64, String), Received> {
    let file = file.try_clone().map_err(Received::Disk)?;
    let mut file = BufWriter::new(tokio::fs::File::from_std(file));
    let (mut bytes, mut digest) = (0, Sha256::new());
    while let Some(piece) = next_piece(answer).await.map_err(Received::Way)? {
        digest.update(&piece);
        bytes += piece.len() as u64;
        file.write_all(&piece).await.map_err(Received::Disk)?;
        progress.advance(piece.len() as u64);
    }
    file.flush().await.map_err(Received::Disk)?;
    file.get_ref().sync_all().await.map_err(Received::Disk)?;
    Ok((bytes, hex::encode(&digest.finalize())))
}

/// The server's `ETag` is the SHA-256 of the file.
fn etag(answer: &Response) -> Option<String> {
    let etag = answer.headers().get(header::ETAG)?.to_str().ok()?.trim_matches('"');
    hex::decode::<32>(etag).map(|_| etag.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mp3_is_named_after_its_video_and_stays_in_its_folder() {
        for (video, mp3) in [
            ("talk.mp4", "talk.mp3"),
            ("/videos/talk.tar.mkv", "talk.tar.mp3"),
            ("../../etc/passwd", "passwd.mp3"),
            ("..", "audio.mp3"),
            ("", "audio.mp3"),
            (".hidden", ".hidden.mp3"),
        ] {
            assert_eq!(mp3_name(Path::new(video)), Path::new(mp3), "{video}");
        }
    }
}
