//! Logs: JSON for machines, pretty for a terminal.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, fmt};

use crate::chain;

/// Where `--help` lists these, apart from what a command is about.
const HEADING: &str = "Logging";

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
    Json,
    Pretty,
}

/// Log settings.
#[derive(Debug, Clone, clap::Args)]
pub struct LogConfig {
    /// Format of the log lines on standard error.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value = "auto", global = true, help_heading = HEADING)]
    pub log_format: LogFormat,
    /// What is logged, as tracing-subscriber's `EnvFilter` reads it, e.g. `info,converter=debug`. The broker's driver
    /// (`lapin`) repeats as errors what the services say once.
    #[arg(long, env = "RUST_LOG", default_value = "info,lapin=off", value_parser = filter, global = true, help_heading = HEADING)]
    pub log_filter: String,
}

/// Sends logs to standard error and installs the metrics recorder. Calls after the first do nothing.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::new(&config.log_filter);
    let json = match config.log_format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process (tests) is refused; the first one stays.
    let _ = if json { lines.json().flatten_event(true).try_init() } else { lines.compact().try_init() };
    crate::metrics::install();
}

/// The text itself, of which each part is a directive. A filter cannot be cloned, as settings must be.
fn filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|cause| format!("{} (RUST_LOG)", chain(&cause)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Flags {
        #[command(flatten)]
        log: LogConfig,
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        let parse =
            |filter| Flags::try_parse_from(["a service", "--log-filter", filter]).map(|flags| flags.log.log_filter);
        for good in ["info,lapin=off", "warn", "info,converter::relay=debug,[request{id=1}]=trace", ""] {
            assert_eq!(parse(good).expect(good), good);
        }
        for bad in ["info,converter=debgu", "info,,=", "a=b=c"] {
            let refused = parse(bad).expect_err(bad).to_string();
            assert!(refused.contains("RUST_LOG") && refused.contains(bad), "{refused}");
        }
    }
}
