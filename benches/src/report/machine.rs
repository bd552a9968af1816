//! Where and how a run took place.

use std::{env, fs, process::Command, thread, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::stats::float;

/// What somebody needs who wants to repeat a run, or to compare two. `None` is what could not be found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) command: String,
    pub(crate) command_line: String,
    pub(crate) seed: Option<u64>,
    /// RFC 3339, UTC.
    pub(crate) started: String,
    pub(crate) ended: Option<String>,
    pub(crate) cpu: Option<String>,
    pub(crate) cores: usize,
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) kernel: Option<String>,
    pub(crate) lab: String,
    pub(crate) rust: Option<String>,
    pub(crate) ffmpeg: Option<String>,
    pub(crate) commit: Option<String>,
    /// The checkout has changes that are not committed.
    pub(crate) dirty: Option<bool>,
}

impl Machine {
    /// Looks at the machine, the programs on the path and the checkout in the working folder.
    pub(super) fn look(command: &str, seed: Option<u64>, now: SystemTime) -> Self {
        Self {
            command: command.to_owned(),
            command_line: command_line(env::args().skip(1)),
            seed,
            started: humantime::format_rfc3339_seconds(now).to_string(),
            ended: None,
            cpu: field("/proc/cpuinfo", "model name"),
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|memory| kib(&memory)),
            kernel: first_line("uname", &["-sr"]),
            lab: env!("CARGO_PKG_VERSION").to_owned(),
            rust: first_line("rustc", &["--version"]),
            ffmpeg: first_line("ffmpeg", &["-version"])
                .map(|line| line.split(" Copyright").next().unwrap_or_default().to_owned()),
            commit: first_line("git", &["rev-parse", "HEAD"]),
            // Results that are new in the checkout change nothing that is measured.
            dirty: output("git", &["status", "--porcelain", "--untracked-files=no"])
                .map(|changes| !changes.trim().is_empty()),
        }
    }

    pub(super) fn end(&mut self, now: SystemTime) {
        self.ended = Some(humantime::format_rfc3339_seconds(now).to_string());
    }

    /// The day of the start, UTC: `2026-11-30`.
    pub(super) fn date(&self) -> &str {
        self.started.split('T').next().unwrap_or_default()
    }

    /// Names and values for a reader, without what is unknown.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let changed = if self.dirty == Some(true) { " with uncommitted changes" } else { "" };
        let memory = self.memory_bytes.map(|bytes| format!("{:.1} GiB", gib(bytes)));
        [
            ("Command", Some(format!("`{}`", self.command_line))),
            ("Seed", self.seed.map(|seed| seed.to_string())),
            ("Commit", self.commit.as_ref().map(|commit| format!("`{}`{changed}", commit.get(..12).unwrap_or(commit)))),
            ("Start and end, UTC", Some(self.span())),
            ("Processor", self.cpu.as_ref().map(|cpu| format!("{cpu}, {} cores", self.cores))),
            ("Memory", memory),
            ("Kernel", self.kernel.clone()),
            ("Programs", Some(self.programs())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn span(&self) -> String {
        let end = self.ended.as_deref().unwrap_or("not ended");
        format!("{} – {end}", self.started)
    }

    fn programs(&self) -> String {
        let lab = format!("lab {}", self.lab);
        [Some(&lab), self.rust.as_ref(), self.ffmpeg.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect::<Vec<_>>()
            .join("; ")
    }
}

fn gib(bytes: u64) -> f64 {
    float(bytes) / f64::from(1 << 30)
}

/// What a reader types; the path of the program says nothing.
fn command_line(arguments: impl Iterator<Item = String>) -> String {
    let quoted = arguments.map(|argument| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+%@".contains(c);
        if !argument.is_empty() && argument.chars().all(plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    });
    ["cargo run --release -p benches --".to_owned()].into_iter().chain(quoted).collect::<Vec<_>>().join(" ")
}

/// The first value of this name in a file of `name: value` lines.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name)?;
    Some(value.trim().to_owned())
}

fn kib(memory: &str) -> Option<u64> {
    Some(memory.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    output(program, arguments)?.lines().next().map(str::to_owned)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_typed_again() {
        let line =
            command_line(["compare", "--out", "my results", "--seed=1", "it's", ""].map(str::to_owned).into_iter());
        assert_eq!(line, r"cargo run --release -p benches -- compare --out 'my results' --seed=1 'it'\''s' ''");
    }
}
