//! The folder of a run.

use std::{
    ffi::OsStr,
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
use serde::{Serialize, de::DeserializeOwned};

use super::{html, machine::Machine, markdown, page::Page};

/// Runs of one command on one day that are told apart; more than that is a loop gone wrong.
const RUNS_PER_DAY_MAX: u32 = 999;

/// A folder that belongs to one run: `<date>-<command>`, or with `-2`, `-3` behind it where that is taken.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    machine: Machine,
}

impl Folder {
    /// Makes the folder below `root` and writes `machine.json` into it, so that an interrupted run tells where it ran, too.
    pub(crate) fn create(root: &Path, command: &str, seed: Option<u64>) -> anyhow::Result<Self> {
        let machine = Machine::look(command, seed, SystemTime::now());
        let path = unused(root, &format!("{}-{command}", machine.date()))?;
        let folder = Self { path, machine };
        folder.json("machine", &folder.machine.clone())?;
        Ok(folder)
    }

    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where this run takes place, as `summary.json` repeats it.
    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Writes `name.json`, indented; a second call with the same name replaces it.
    pub(crate) fn json(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(value).with_context(|| format!("cannot write {name} as JSON"))?;
        text.push(b'\n');
        write(&self.path, &format!("{name}.json"), &text)
    }

    /// Writes `name.json` on one line: for rows of thousands, where indentation would be most of the file.
    pub(crate) fn compact_json(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(value).with_context(|| format!("cannot write {name} as JSON"))?;
        text.push(b'\n');
        write(&self.path, &format!("{name}.json"), &text)
    }

    /// Writes `name.hdr`: the histogram as the tools of `HdrHistogram` read it, V2, deflated, in base64, on one line.
    pub(crate) fn histogram(&self, name: &str, histogram: &Histogram<u64>) -> anyhow::Result<()> {
        let mut bytes = vec![];
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .with_context(|| format!("cannot write the histogram {name}"))?;
        write(&self.path, &format!("{name}.hdr"), (STANDARD.encode(bytes) + "\n").as_bytes())
    }

    /// Writes `report.html`, and `report.md` with its charts beside it, and the time of the end into `machine.json`.
    /// Gives the path of `report.html`.
    pub(crate) fn finish(mut self, page: &Page) -> anyhow::Result<PathBuf> {
        self.machine.end(SystemTime::now());
        self.json("machine", &self.machine.clone())?;
        self.compact_json("page", page)?;
        write_page(&self.path, page, &self.machine)
    }
}

/// The raw data of a run.
#[derive(Debug)]
pub(super) struct Raw {
    /// The names of the files, sorted.
    pub(super) json: Vec<String>,
    histograms: usize,
}

impl Raw {
    fn look(folder: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}", folder.display());
        let mut raw = Self { json: vec![], histograms: 0 };
        for entry in fs::read_dir(folder).with_context(cannot)? {
            let path = entry.with_context(cannot)?.path();
            match (path.extension().and_then(OsStr::to_str), path.file_name().and_then(OsStr::to_str)) {
                (Some("json"), Some(name)) => raw.json.push(name.to_owned()),
                (Some("hdr"), _) => raw.histograms += 1,
                _ => {}
            }
        }
        raw.json.sort_unstable();
        Ok(raw)
    }

    /// How many there are, as the end of a list; there may be hundreds.
    pub(super) fn histograms(&self) -> String {
        match self.histograms {
            0 => String::new(),
            1 => " and a histogram (.hdr)".to_owned(),
            many => format!(" and {many} histograms (.hdr)"),
        }
    }
}

/// Writes the reports of a finished run anew, from `page.json` and `machine.json` in its folder. Gives the path of `report.html`.
pub(crate) fn render(folder: &Path) -> anyhow::Result<PathBuf> {
    write_page(folder, &read(folder, "page.json")?, &read(folder, "machine.json")?)
}

fn read<T: DeserializeOwned>(folder: &Path, file: &str) -> anyhow::Result<T> {
    let path = folder.join(file);
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not what this lab writes", path.display()))
}

/// Writes the page in both forms; gives the path of `report.html`.
fn write_page(folder: &Path, page: &Page, machine: &Machine) -> anyhow::Result<PathBuf> {
    let raw = Raw::look(folder)?;
    for (file, drawing) in markdown::drawings(page)? {
        write(folder, &file, drawing.as_bytes())?;
    }
    write(folder, "report.md", markdown::render(page, machine, &raw).as_bytes())?;
    write(folder, "report.html", html::render(page, machine, &raw).as_bytes())?;
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
