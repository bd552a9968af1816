//! The report.

use super::{
    charts,
    lab::Histograms,
    summary::{RunSummary, ServiceTimes, Summary},
    verdicts,
};
use crate::{
    flow::Flow,
    report::{Cell, Column, Page, Table},
    stats::{float, quantile::Quantile},
};

/// What a reader may not conclude, beside how long the overload lasted.
const NOT_TESTED: [&str; 10] = [
    "Load, tapedeck and its servers share the cores of one machine: no network between them, and the callers take a part of the CPU (`generator_cpu_share` of each run).",
    "One user uploads everything, with the limits for one user lifted. Callers upload as fast as loopback takes it; a slow phone holds a blocking call, and its permit, for longer.",
    "One converter. `lab scale` measures more of them.",
    "The queue's limits (`QUEUE_MAX`, `QUEUE_BYTES_MAX`) are lifted: it never refuses here. A queue that is longer than the disk allows would.",
    "Blocking and queued uploads at the same time are not measured: each run has one flow.",
    "How often work was begun again is not counted. One key is one document, so no upload becomes two mp3s.",
    "When a queued mp3 is there is read from its document, to the millisecond, after its end was seen: no caller polls. A caller who polls learns it later, and costs CPU time.",
    "CPU time and memory are those of tapedeck's own processes; what MySQL, MongoDB and RabbitMQ use is not counted.",
    "Bytes stored are logical: journals, copies and what is deleted again later do not count.",
    "A failure is one process that is killed on one machine; no partition, no lost disk, no second replica that takes over.",
];

pub(super) fn of(summary: &Summary, histograms: &Histograms) -> Page {
    let mut page = Page::new("Blocking against queued");
    page.paragraph(
        "Both flows upload the same videos to the same engine on the same cores. Blocking: `PUT /upload/{name}` is answered with 201 when \
         the mp3 is there. Queued: with `Prefer: respond-async` it is answered with 202 when the video is stored, and converted later. \
         Arrivals are scheduled before a run and never wait for an answer; all times count from the scheduled moment.",
    );
    let capacity = summary.capacity_per_s;
    page.paragraph(format!(
        "Capacity, found by callers that never rest: blocking {} and queued {} mp3s per second. Loads are percentages of the \
         higher of both, so that both flows get the same arrivals with the same files.",
        Cell::from(capacity.blocking).0,
        Cell::from(capacity.queued).0
    ));
    page.heading("Verdict").verdicts(verdicts::of(summary)).note("What was not tested", not_tested(summary));
    let warnings: Vec<_> =
        all(summary).flat_map(|run| run.warnings.iter().map(move |it| format!("{}: {it}", run.id))).collect();
    if !warnings.is_empty() {
        page.note("Where the load generator may have been the limit", warnings);
    }
    charts::add(&mut page, summary, histograms);
    page.heading("All runs").table(times(summary)).table(counts(summary));
    if !summary.service.is_empty() {
        page.heading("One upload alone").table(service(&summary.service));
    }
    page
}

fn not_tested(summary: &Summary) -> impl Iterator<Item = String> {
    let above = summary.runs.iter().filter(|run| run.load.is_some_and(|load| load > 1.0)).map(|run| run.seconds);
    let overload = above.reduce(f64::max).map(|seconds| {
        format!(
            "Loads above the capacity last for {seconds:.0} s. A queue grows for as long as they do, and its times with it. A day of them \
             is what `lab simulate` computes."
        )
    });
    overload.into_iter().chain(NOT_TESTED.map(str::to_owned))
}

fn all(summary: &Summary) -> impl Iterator<Item = &RunSummary> {
    let faults = summary.faults.iter().map(|fault| &fault.run);
    summary.runs.iter().chain(&summary.fixed).chain(&summary.bursts).chain(faults)
}

fn cell(quantile: Option<Quantile>) -> Cell {
    quantile.map_or_else(|| None::<f64>.into(), |it| Cell::interval(it.value, it.low, it.high))
}

/// Times of every run; empty where there are too few samples.
fn times(summary: &Summary) -> Table {
    let mut table = Table::new([
        Column::text("run"),
        Column::number("offered per s"),
        Column::number("mp3s per s"),
        Column::number("answer p50, s"),
        Column::number("mp3 p50, s"),
        Column::number("mp3 p90, s"),
        Column::number("mp3 p99, s"),
        Column::number("mp3 max, s"),
    ]);
    for run in all(summary) {
        let mp3 = run.downloadable_s;
        table.row([
            run.id.as_str().into(),
            run.rate_per_s.into(),
            run.goodput_per_s.into(),
            cell(run.answer_s.p50),
            cell(mp3.p50),
            cell(mp3.p90),
            cell(mp3.p99),
            mp3.max.into(),
        ]);
    }
    table
}

/// What became of the uploads of every run, and what it cost.
fn counts(summary: &Summary) -> Table {
    let mut table = Table::new([
        Column::text("run"),
        Column::number("offered"),
        Column::number("mp3s"),
        Column::number("refused"),
        Column::number("failed"),
        Column::number("no answer"),
        Column::number("lost"),
        Column::number("dropped"),
        Column::number("CPU s per mp3"),
        Column::number("MB per mp3"),
        Column::number("memory peak, MiB"),
    ]);
    for run in all(summary) {
        let mib = run.memory_peak_bytes.map(|bytes| float(bytes) / f64::from(1 << 20));
        let counts = [run.offered, run.completed, run.refused, run.failed, run.unanswered, run.lost, run.dropped];
        let cost = [run.cpu_s_per_mp3, run.bytes_stored_per_mp3.map(|bytes| bytes / 1e6), mib];
        let cells = counts.map(Cell::from).into_iter().chain(cost.map(Cell::from));
        table.row([Cell::from(run.id.as_str())].into_iter().chain(cells));
    }
    table
}

fn service(service: &[ServiceTimes]) -> Table {
    let mut table = Table::new([
        Column::text("video"),
        Column::number("bytes"),
        Column::number("blocking, s"),
        Column::number("queued: answer, s"),
        Column::number("queued: mp3, s"),
        Column::number("CPU s, blocking"),
        Column::number("CPU s, queued"),
    ]);
    for times in service {
        table.row([
            times.name.as_str().into(),
            times.bytes.into(),
            cell(times.alone_s.blocking.p50),
            cell(times.alone_s.queued_answer.p50),
            cell(times.alone_s.queued_downloadable.p50),
            times.cpu_s_per_mp3.of(Flow::Blocking).into(),
            times.cpu_s_per_mp3.of(Flow::Queued).into(),
        ]);
    }
    table
}
