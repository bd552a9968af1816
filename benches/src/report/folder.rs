//! The folder of a run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context as _, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Serializer as _, V2DeflateSerializer},
};
use serde::Serialize;

use super::{html, machine::Machine, markdown, page::Page};

/// Runs of one command on one day that are told apart; more than that is a loop gone wrong.
const RUNS_PER_DAY_MAX: u32 = 999;

/// A folder that belongs to one run: `<date>-<command>`, or with `-2`, `-3` behind it where that is taken.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    machine: Machine,
    /// The raw data in it, in the order of writing.
    files: Vec<String>,
}

impl Folder {
    /// Makes the folder below `root` and writes `machine.json` into it, so that an interrupted run tells where it ran, too.
    pub(crate) fn create(root: &Path, command: &str, seed: Option<u64>) -> anyhow::Result<Self> {
        let machine = Machine::look(command, seed, SystemTime::now());
        let path = unused(root, &format!("{}-{command}", machine.date()))?;
        let mut folder = Self { path, machine, files: vec![] };
        folder.json("machine", &folder.machine.clone())?;
        Ok(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where this run takes place, as `summary.json` repeats it.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Writes `name.json`, indented; a second call with the same name replaces it.
    pub(crate) fn json(&mut self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(value).with_context(|| format!("cannot write {name} as JSON"))?;
        text.push(b'\n');
        self.raw(format!("{name}.json"), &text)
    }

    /// Writes `name.json` on one line: for rows of thousands, where indentation would be most of the file.
    pub(crate) fn compact_json(&mut self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(value).with_context(|| format!("cannot write {name} as JSON"))?;
        text.push(b'\n');
        self.raw(format!("{name}.json"), &text)
    }

    /// Writes `name.hdr`: the histogram as the tools of `HdrHistogram` read it, V2, deflated, in base64, on one line.
    pub(crate) fn histogram(&mut self, name: &str, histogram: &Histogram<u64>) -> anyhow::Result<()> {
        let mut bytes = vec![];
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .with_context(|| format!("cannot write the histogram {name}"))?;
        self.raw(format!("{name}.hdr"), (STANDARD.encode(bytes) + "\n").as_bytes())
    }

    /// Writes `report.html`, and `report.md` with its charts beside it, and the time of the end into `machine.json`.
    /// Gives the path of `report.html`.
    pub(crate) fn finish(mut self, page: &Page) -> anyhow::Result<PathBuf> {
        self.machine.end(SystemTime::now());
        self.json("machine", &self.machine.clone())?;
        self.compact_json("page", page)?;
        render(&self.path, page, &self.machine, &self.files)
    }

    fn raw(&mut self, file: String, content: &[u8]) -> anyhow::Result<()> {
        write(&self.path, &file, content)?;
        if !self.files.contains(&file) {
            self.files.push(file);
        }
        Ok(())
    }
}

/// Writes the page in both forms into a folder; gives the path of `report.html`.
fn render(folder: &Path, page: &Page, machine: &Machine, files: &[String]) -> anyhow::Result<PathBuf> {
    for (file, drawing) in markdown::drawings(page)? {
        write(folder, &file, drawing.as_bytes())?;
    }
    write(folder, "report.md", markdown::render(page, machine, files).as_bytes())?;
    write(folder, "report.html", html::render(page, machine, files).as_bytes())?;
    Ok(folder.join("report.html"))
}

fn write(folder: &Path, file: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(file);
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Makes the first folder of this name that is not there yet.
fn unused(root: &Path, name: &str) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    for run in 1..=RUNS_PER_DAY_MAX {
        let path = root.join(if run == 1 { name.to_owned() } else { format!("{name}-{run}") });
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| path.clone()).with_context(|| format!("cannot make {}", path.display())),
        }
    }
    ensure!(false, "{} has {RUNS_PER_DAY_MAX} folders of {name} already", root.display());
    Ok(root.to_owned())
}
