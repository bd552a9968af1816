//! Input files, made once with ffmpeg and kept.

mod clips;
mod sources;
mod videos;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::console::note;

/// A folder of inputs.
#[derive(Debug)]
pub(crate) struct Inputs(PathBuf);

impl Inputs {
    /// The given folder, or one in the user's cache folder.
    pub(crate) fn open(folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let cache = || {
            let home = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
            home.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        };
        let folder = folder.or_else(|| Some(cache()?.join("tapedeck/lab"))).context("set LAB_INPUTS to a folder")?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder for the inputs, {} (LAB_INPUTS)", folder.display()))?;
        Ok(Self(folder))
    }

    /// Runs ffmpeg unless the file is there; a file that exists is whole, since it is renamed when it is done.
    fn make(&self, name: &str, arguments: impl FnOnce(&str) -> Vec<String>) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        if path.exists() {
            return Ok(path);
        }
        note(format!("making {}", path.display()));
        let unfinished = self.0.join(format!("unfinished-{name}"));
        ffmpeg(&unfinished, arguments)?;
        fs::rename(&unfinished, &path)?;
        Ok(path)
    }
}

fn ffmpeg(out: &Path, arguments: impl FnOnce(&str) -> Vec<String>) -> anyhow::Result<()> {
    let out = out.display().to_string();
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "fatal", "-y"])
        .args(arguments(&out))
        .status()
        .context("cannot run ffmpeg; install it")?;
    ensure!(status.success(), "ffmpeg could not make {out}");
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
