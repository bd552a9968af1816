//! The whole of one run of `compare`, piece by piece.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use super::{
    Args, Part, capacity,
    clips::{Clips, Video},
    faults::{self, Failure},
    plan::{FAULT_LENGTH_MIN, Planner},
    point::{Measured, Point},
    starter::Starter,
    summary::{PerFlow, RunSummary, Stores, Summary},
};
use crate::{
    console::progress,
    flow::Flow,
    inputs::Inputs,
    load::{Outcome, Record},
    report::Folder,
    stats::{float, histogram},
};

/// Of the search for the capacity.
const CAPACITY_LENGTH: Duration = Duration::from_secs(20);

/// Lengths of the files that have runs of their own, in seconds, with their names.
const FIXED: [(&str, u32); 2] = [("1-minute", 60), ("10-minutes", 600)];

/// Times to the mp3, by the id of the run.
pub(super) type Histograms = BTreeMap<String, Histogram<u64>>;

/// Measures, and keeps what was found.
#[derive(Debug)]
pub(super) struct Lab<'a> {
    args: &'a Args,
    starter: Starter<'a>,
    clips: Clips,
    folder: &'a Folder,
    summary: Summary,
    histograms: Histograms,
    bar: ProgressBar,
}

impl<'a> Lab<'a> {
    pub(super) fn new(args: &'a Args, starter: Starter<'a>, clips: Clips, folder: &'a Folder) -> Self {
        let summary = Summary {
            machine: folder.machine().clone(),
            capacity_per_s: PerFlow::default(),
            service: vec![],
            runs: vec![],
            fixed: vec![],
            bursts: vec![],
            faults: vec![],
        };
        let bar = progress(0, "compare");
        Self { args, starter, clips, folder, summary, histograms: Histograms::new(), bar }
    }

    /// Everything on one kind of stores.
    pub(super) async fn measure(&mut self, stores: Stores, inputs: &Inputs) -> anyhow::Result<()> {
        let capacity = self.capacity(stores).await?;
        // The first stores are those that the summary speaks of.
        if self.summary.capacity_per_s.blocking.is_none() {
            self.summary.capacity_per_s = capacity;
        }
        let planner = Planner { args: self.args, stores, capacity };
        let sweep = if self.args.wants(Part::Sweep) { planner.sweep() } else { vec![] };
        let bursts = if self.args.wants(Part::Burst) { planner.bursts() } else { vec![] };
        let seconds: u64 = sweep.iter().map(|point| point.length.as_secs()).sum();
        self.bar.inc_length(seconds + self.further_seconds(stores));
        if self.args.wants(Part::Alone) && self.summary.service.is_empty() {
            self.alone(stores).await?;
        }
        for point in &sweep {
            let run = self.point(point, &self.clips.clone()).await?;
            self.summary.runs.push(run);
        }
        if self.args.wants(Part::Fixed) {
            self.fixed(&planner, inputs).await?;
        }
        for point in &bursts {
            let mut run = self.point(point, &self.clips.clone()).await?;
            // Over the time that the burst took, not over the moment in which it came.
            run.goodput_per_s = run.downloadable_s.max.map_or(0.0, |longest| float(run.completed) / longest);
            self.summary.bursts.push(run);
        }
        if self.args.wants(Part::Faults) {
            self.faults(&planner).await?;
        }
        self.bar.finish_and_clear();
        Ok(())
    }

    /// Of the runs beside the sweep.
    fn further_seconds(&self, stores: Stores) -> u64 {
        let in_both = |kinds: usize| (kinds * Flow::BOTH.len()) as u64;
        let seconds = self.args.seconds;
        let fixed = if self.args.wants(Part::Fixed) { in_both(FIXED.len()) * seconds } else { 0 };
        let has_faults = self.args.wants(Part::Faults) && stores == Stores::Real;
        let length = seconds.max(FAULT_LENGTH_MIN.as_secs());
        fixed + if has_faults { in_both(Failure::ALL.len()) * length } else { 0 }
    }

    pub(super) fn finish(self) -> (Summary, Histograms) {
        (self.summary, self.histograms)
    }

    async fn capacity(&self, stores: Stores) -> anyhow::Result<PerFlow> {
        let mut capacity = PerFlow::default();
        for flow in Flow::BOTH {
            self.bar.set_message(format!("capacity, {}", flow.name()));
            let system = self.starter.start(stores).await?;
            let target = system.target();
            target.warm_up(flow, &self.clips).await?;
            capacity.set(flow, capacity::measure(&target, flow, &self.clips, CAPACITY_LENGTH).await?);
        }
        Ok(capacity)
    }

    async fn alone(&mut self, stores: Stores) -> anyhow::Result<()> {
        let system = self.starter.start(stores).await?;
        let target = system.target();
        for flow in Flow::BOTH {
            target.warm_up(flow, &self.clips).await?;
        }
        for video in self.clips.each() {
            self.bar.set_message(format!("{} alone", video.name));
            self.summary.service.push(capacity::alone(&target, video).await?);
        }
        Ok(())
    }

    async fn fixed(&mut self, planner: &Planner<'_>, inputs: &Inputs) -> anyhow::Result<()> {
        let paths = [inputs.small()?, inputs.ten_minutes()?];
        for ((name, seconds), path) in FIXED.into_iter().zip(paths) {
            let clips = Clips::only(Video::read(name, &path, seconds)?);
            let system = self.starter.start(planner.stores).await?;
            let alone_s = capacity::once(&system.target(), &clips).await?;
            drop(system);
            for point in planner.fixed(name, alone_s) {
                let run = self.point(&point, &clips).await?;
                self.summary.fixed.push(run);
            }
        }
        Ok(())
    }

    async fn faults(&mut self, planner: &Planner<'_>) -> anyhow::Result<()> {
        let Some(servers) = self.starter.servers.filter(|_| planner.stores == Stores::Real) else { return Ok(()) };
        for failure in Failure::ALL {
            for flow in Flow::BOTH {
                let point = planner.fault(failure.name(), flow);
                self.bar.set_message(point.id());
                let (fault, records) = faults::measure(&self.starter, servers, failure, &point, &self.clips).await?;
                self.keep(&point.id(), &records)?;
                self.bar.inc(point.length.as_secs());
                self.summary.faults.push(fault);
            }
        }
        Ok(())
    }

    /// On a system of its own.
    async fn point(&mut self, point: &Point, clips: &Clips) -> anyhow::Result<RunSummary> {
        self.bar.set_message(point.id());
        let system = self.starter.start(point.stores).await?;
        let target = system.target();
        target.warm_up(point.flow, clips).await?;
        let Measured { summary, records } = point.run(&target, clips).await?;
        self.keep(&point.id(), &records)?;
        self.bar.inc(point.length.as_secs());
        Ok(summary)
    }

    /// Writes the raw data, so that an interrupted run has left what it found.
    fn keep(&mut self, id: &str, records: &[Record]) -> anyhow::Result<()> {
        self.folder.compact_json(&format!("records-{id}"), &records)?;
        let done = records.iter().filter(|record| record.outcome == Outcome::Done);
        let histogram = histogram::of(done.filter_map(Record::downloadable_s))?;
        self.folder.histogram(&format!("downloadable-{id}"), &histogram)?;
        let answers = records.iter().filter(|record| record.id.is_some()).filter_map(Record::answer_s);
        self.folder.histogram(&format!("answer-{id}"), &histogram::of(answers)?)?;
        self.histograms.insert(id.to_owned(), histogram);
        Ok(())
    }
}
