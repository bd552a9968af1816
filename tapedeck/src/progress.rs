//! Shows how far a file is: a moving bar for a person, one line a step for a log.

use std::{borrow::Cow, time::Duration};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console;

/// How often the bar moves by itself while nothing arrives.
const TICK: Duration = Duration::from_millis(120);

/// The progress of one file.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    name: String,
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    /// `quiet` shows nothing at all.
    pub(crate) fn new(name: &str, quiet: bool) -> Self {
        let target =
            if quiet || !console::is_watched() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        // What comes from a file name must not move the cursor.
        let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let bar = ProgressBar::with_draw_target(Some(0), target).with_prefix(name.clone());
        Self { name, bar, quiet }
    }

    /// A new step of `bytes`.
    pub(crate) fn step(&self, what: &'static str, bytes: u64) {
        self.bar.disable_steady_tick();
        self.bar.reset();
        self.bar.set_style(style(
            "{prefix}: {msg} {decimal_bytes} of {decimal_total_bytes} {wide_bar} {decimal_bytes_per_sec} {eta}",
        ));
        self.bar.set_length(bytes);
        self.bar.set_message(what);
        self.line(format!("{}: {what} {}", self.name, DecimalBytes(bytes)));
    }

    /// A new pass over all of the audio; [`Self::audio`] tells how far it is.
    pub(crate) fn pass(&self, what: &str) {
        self.bar.reset();
        self.bar.set_prefix(format!("{}: {what}", self.name));
        self.line(format!("{}: {what}", self.name));
    }

    /// A wait whose end is not known.
    pub(crate) fn wait(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_style(style("{prefix}: {msg} {spinner} {elapsed}"));
        self.bar.enable_steady_tick(TICK);
        self.bar.set_message(what);
    }

    pub(crate) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// So much audio is done, of `total_ms` where that is known, and takes `bytes`.
    pub(crate) fn audio(&self, done_ms: u64, total_ms: Option<u64>, bytes: u64) {
        let bytes = DecimalBytes(bytes);
        if let Some(total_ms) = total_ms.filter(|total_ms| *total_ms > 0) {
            self.bar.set_style(style("{prefix}: {percent} % {wide_bar} {msg} {eta}"));
            self.bar.set_length(total_ms);
            self.bar.set_position(done_ms.min(total_ms));
            self.bar.set_message(format!("{bytes}"));
        } else {
            self.wait(format!("{}, {bytes}", length(done_ms)));
        }
    }

    /// The bar goes away, and something else says how it ended.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// The bar goes away and `line` stays.
    pub(crate) fn end(&self, line: impl AsRef<str>) {
        self.clear();
        if !self.quiet {
            console::note(format!("{}: {}", self.name, line.as_ref()));
        }
    }

    /// A remark in between.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        let line = format!("{}: {}", self.name, text.as_ref());
        if self.bar.is_hidden() { self.line(line) } else { self.bar.println(line) }
    }

    fn line(&self, line: String) {
        if !self.quiet && self.bar.is_hidden() {
            console::note(line);
        }
    }
}

/// A length of audio as people read it: `0:01:30`.
pub(crate) fn length(ms: u64) -> String {
    let seconds = ms / 1000;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_hours_minutes_and_seconds() {
        for (ms, text) in [(0, "0:00:00"), (90_999, "0:01:30"), (7_325_000, "2:02:05")] {
            assert_eq!(length(ms), text);
        }
    }
}
