//! The scripts in `servers/`, which know how each server is started, stopped and removed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::Kind;

/// How a script says that a program it needs is not installed.
const MISSING: i32 = 77;

/// A server cannot be started here, since a program is not installed; the text says which.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Missing(String);

/// Runs `servers/{kind} {command} {folder} {options}` to its end. What it printed to standard error is the error's text.
pub(crate) fn run(kind: Kind, command: &str, folder: &Path, options: &[&str]) -> anyhow::Result<()> {
    let script = find(kind)?;
    let output = Command::new(&script)
        .arg(command)
        .arg(folder)
        .args(options)
        .output()
        .with_context(|| format!("could not run {}", script.display()))?;
    let said = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(MISSING) => Err(Missing(said).into()),
        _ => anyhow::bail!("{} {command}: {}\n{said}", kind.name(), output.status),
    }
}

/// The script of a kind, in the checkout that the program runs in: in its folder, or further up. Not the one that it was built
/// in, since builds of several checkouts may share their target folder.
fn find(kind: Kind) -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("no current folder")?;
    let script: PathBuf = ["testbed", "servers", kind.name()].iter().collect();
    let found = here.ancestors().map(|folder| folder.join(&script)).find(|path| path.is_file());
    found.with_context(|| {
        format!("no {} in {} or above; run this in tapedeck's checkout", script.display(), here.display())
    })
}
