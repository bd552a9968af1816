//! What a run leaves behind: a [`Folder`] with the raw data and the machine, and a [`Page`] that is written twice, as
//! `report.html` for a person and as `report.md` for a README.

pub(crate) mod chart;
mod folder;
mod html;
mod machine;
mod markdown;
pub(crate) mod number;
mod page;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
mod text;

use std::path::PathBuf;

pub(crate) use self::{
    folder::{Folder, render},
    machine::Machine,
    page::{Cell, Column, Page, Table, Verdict, Winner},
};

/// Where runs are kept; flattened into the settings of each command that writes a report.
#[derive(Debug, clap::Args)]
pub(crate) struct Out {
    /// Folder for the results; each run makes its own in it, and none is ever overwritten.
    #[arg(long, value_name = "FOLDER", default_value = "benches/results")]
    pub(crate) out: PathBuf,
}
