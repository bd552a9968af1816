//! Shows how far a file is: a moving bar for a person, one line a step for a log.

use std::{borrow::Cow, time::Duration};

use indicatif::{DecimalBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::console;

/// How often the bar moves by itself while nothing arrives.
const TICK: Duration = Duration::from_millis(120);

/// The progress of one file.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    name: String,
    bar: ProgressBar,
    quiet: bool,
}

impl Progress {
    /// `quiet` shows nothing at all.
    pub(super) fn new(name: &str, quiet: bool) -> Self {
        let target =
            if quiet || !console::is_watched() { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        // What comes from a file name must not move the cursor.
        let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        let bar = ProgressBar::with_draw_target(Some(0), target).with_prefix(name.clone());
        Self { name, bar, quiet }
    }

    /// A new step of `bytes`.
    pub(super) fn step(&self, what: &'static str, bytes: u64) {
        self.bar.disable_steady_tick();
        self.bar.reset();
        self.bar.set_style(style(
            "{prefix}: {msg} {decimal_bytes} of {decimal_total_bytes} {wide_bar} {decimal_bytes_per_sec} {eta}",
        ));
        self.bar.set_length(bytes);
        self.bar.set_message(what);
        self.line(format!("{}: {what} {}", self.name, DecimalBytes(bytes)));
    }

    /// A wait whose end is not known.
    pub(super) fn wait(&self, what: impl Into<Cow<'static, str>>) {
        self.bar.set_style(style("{prefix}: {msg} {spinner} {elapsed}"));
        self.bar.enable_steady_tick(TICK);
        self.bar.set_message(what);
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// The bar goes away and `line` stays.
    pub(super) fn end(&self, line: impl AsRef<str>) {
        self.bar.finish_and_clear();
        if !self.quiet {
            console::note(format!("{}: {}", self.name, line.as_ref()));
        }
    }

    /// A remark in between.
    pub(super) fn remark(&self, text: impl AsRef<str>) {
        let line = format!("{}: {}", self.name, text.as_ref());
        if self.bar.is_hidden() { self.line(line) } else { self.bar.println(line) }
    }

    fn line(&self, line: String) {
        if !self.quiet && self.bar.is_hidden() {
            console::note(line);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
