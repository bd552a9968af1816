//! What one conversion costs.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use super::contender::{Contender, Setting};
use crate::stats::float;

/// Seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    pub(super) wall: f64,
    /// User and system time of the program and of those that it waited for.
    pub(super) cpu: f64,
}

/// Runs a conversion to its end. Nothing else may wait for a child meanwhile: the CPU time of all is one sum.
pub(super) fn run(contender: &Contender, input: &Path, setting: Setting) -> anyhow::Result<Cost> {
    let out = tempfile::Builder::new().suffix(".mp3").tempfile()?;
    convert(contender, input, setting, out.path())
}

/// The same, to a file that is kept.
pub(super) fn convert(contender: &Contender, input: &Path, setting: Setting, out: &Path) -> anyhow::Result<Cost> {
    let mut command = contender.command(input, setting, out)?;
    let (cpu_before, started) = (children_cpu()?, Instant::now());
    let status = command.status().with_context(|| format!("cannot run {}", contender.program()))?;
    let (wall, cpu) = (started.elapsed().as_secs_f64(), children_cpu()? - cpu_before);
    ensure!(status.success(), "{} failed on {}: {status}", contender.program(), input.display());
    ensure!(out.metadata()?.len() > 0, "{} made an empty file of {}", contender.program(), input.display());
    Ok(Cost { wall, cpu })
}

/// CPU seconds of all children that were waited for, to the microsecond: the clip needs less than a clock tick's error.
fn children_cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(float(microseconds) / 1e6)
}
