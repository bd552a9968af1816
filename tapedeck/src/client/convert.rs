//! `tapedeck convert`: video files in, mp3 files out.

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use converter::options::RawOptions;
use indicatif::DecimalBytes;
use serde_json::json;

use super::{
    Server,
    api::{Api, Converted},
    download,
    upload::{Video, upload},
};
use crate::{
    console,
    error::Error,
    progress::{Progress, length},
};

/// Longest to try for one file where the command line does not say.
const PATIENCE: Duration = Duration::from_mins(15);
/// The same with `--queue`: as long as a server takes at most unless it is told otherwise (`QUEUE_TIMEOUT`).
const QUEUE_PATIENCE: Duration = Duration::from_hours(1);

/// Convert videos to mp3s.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// Videos to convert, one after the other.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Folder for the mp3s; this one where absent.
    #[arg(short, long, value_name = "DIR", default_value = ".", hide_default_value = true)]
    output: PathBuf,
    /// Replace mp3s that exist.
    #[arg(long)]
    force: bool,
    /// Print one line of JSON for each file to standard output and nothing else.
    #[arg(long)]
    json: bool,
    /// Put the videos into the server's queue: it takes them also while all its converters are busy. This command waits
    /// for the mp3s; whatever ends it, they go on, and `tapedeck download ID` fetches them later. A server without a queue
    /// converts at once.
    #[arg(long)]
    queue: bool,
    /// Longest to try for one file, with all waits; 15m where absent, 1h with --queue.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    patience: Option<Duration>,
    #[command(flatten)]
    options: RawOptions,
}

/// Converts all files; the exit code is that of the first one that failed.
pub async fn run(args: Args) -> Result<(), Error> {
    args.options.check().map_err(|refused| Error::Usage(refused.to_string()))?;
    let targets = targets(&args.files, &args.output, args.force)?;
    let api = args.server.connect().await?;
    let mut first_failure = None;
    for (file, target) in args.files.iter().zip(&targets) {
        let progress = Progress::new(&file.display().to_string(), args.json);
        match convert(&api, file, target, &args, &progress).await {
            Ok(converted) => {
                progress.end(format!("{} ({})", target.display(), summary(&converted)));
                if args.json {
                    console::result(json!({"file": file, "mp3": target, "conversion": converted}));
                }
            }
            Err(error) => {
                progress.end(error.to_string());
                if args.json {
                    console::result(json!({"file": file, "error": error.to_string(), "problem": problem(&error)}));
                }
                first_failure.get_or_insert(error);
            }
        }
    }
    first_failure.map_or(Ok(()), |failure| Err(Error::Shown(Box::new(failure))))
}

async fn convert(api: &Api, file: &Path, target: &Path, args: &Args, progress: &Progress) -> Result<Converted, Error> {
    let patience = args.patience.unwrap_or(if args.queue { QUEUE_PATIENCE } else { PATIENCE });
    let video = Video { path: file, options: &args.options, queue: args.queue };
    let converted = upload(api, video, patience, progress).await?;
    download::download(api, &converted.id, Some(&converted.sha256), target, args.force, progress).await?;
    Ok(converted)
}

/// Uploads one file with the usual options and shows nothing.
pub async fn upload_quietly(api: &Api, file: &Path) -> Result<Converted, Error> {
    let video = Video { path: file, options: &RawOptions::default(), queue: false };
    upload(api, video, PATIENCE, &Progress::new("", true)).await
}

/// Where each mp3 goes. A clash is found before the first upload.
fn targets(files: &[PathBuf], folder: &Path, force: bool) -> Result<Vec<PathBuf>, Error> {
    if !folder.is_dir() {
        return Err(Error::Usage(format!("{} is not a folder", folder.display())));
    }
    let mut taken = BTreeSet::new();
    let mut targets = Vec::new();
    for file in files {
        let name = download::mp3_name(file);
        let target = if folder == Path::new(".") { name } else { folder.join(name) };
        if !taken.insert(target.clone()) {
            return Err(Error::Usage(format!("two files would become {}", target.display())));
        }
        if same_file(file, &target) {
            return Err(Error::Usage(format!("{} would replace itself; name another folder", file.display())));
        }
        if !force && target.exists() {
            return Err(Error::Usage(format!("{} exists; --force replaces it", target.display())));
        }
        targets.push(target);
    }
    Ok(targets)
}

fn same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()));
    place(one).is_some_and(|found| Some(found) == place(other))
}

fn summary(converted: &Converted) -> String {
    format!("{}, {}", length(converted.duration_ms), DecimalBytes(converted.bytes))
}

fn problem(error: &Error) -> Option<&chassis::Problem> {
    match error {
        Error::Refused(problem) => Some(problem),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clashes_are_found_before_anything_is_sent() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let files = [PathBuf::from("a/talk.mp4"), PathBuf::from("b/talk.mkv")];
        let clash = targets(&files, folder.path(), true).expect_err("one name for two").to_string();
        assert!(clash.contains("two files would become"), "{clash}");

        std::fs::write(folder.path().join("talk.mp3"), "old").expect("a file is written");
        let exists = targets(&files[..1], folder.path(), false).expect_err("it exists").to_string();
        assert!(exists.contains("--force"), "{exists}");
        assert!(targets(&files[..1], folder.path(), true).is_ok());
    }
}
