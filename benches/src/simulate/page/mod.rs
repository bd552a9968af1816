//! The report of `lab simulate`.

mod beyond;
mod faults;
mod validation;
mod verdicts;

use super::{Results, model::Video};
use crate::{
    flow::Flow,
    report::{
        Column, Page, Table,
        chart::{Axis, Unit},
    },
};

pub(super) fn page(results: &Results) -> Page {
    let mut page = Page::new("Both flows, simulated");
    page.paragraph(
        "A discrete-event model of the blocking and of the queued flow: arrivals, uploads over a link, permits, refusals, cores \
         that conversions share, a queue with workers, leases, faults and an autoscaler. It is fed by what one machine was \
         measured to do without load, held against what it did under load, and then taken to where that machine cannot go.",
    );
    page.verdicts(verdicts::verdicts(results));
    inputs(&mut page, results);
    validation::section(&mut page, results.validation.as_deref());
    beyond::fleet(&mut page, &results.fleet);
    beyond::links(&mut page, &results.links);
    beyond::day(&mut page, &results.days);
    beyond::cost(&mut page, &results.costs, &results.prices);
    faults::faults(&mut page, &results.faults);
    faults::jump(&mut page, &results.jump);
    page.note("What this does not prove", NOT_PROVED);
    page
}

const NOT_PROVED: [&str; 8] = [
    "Stores, broker and gateways have their measured latency at any size: a store that becomes the limit is not in the model.",
    "One gateway sees all uploads. Several see a part each, and balance a little less evenly.",
    "A conversion may use the cores before its bytes have come, as long as it does not end before the last one. Under load, with \
     slow links, real conversions use them a little later.",
    "Spread of work is that of the same file converted again; the mix of files is that of the measured clips.",
    "Beyond the measured machine the queued flow's work of accepting runs on cores of its own, which are paid for and never busy.",
    "The queue's bound is raised from 1,000 videos to 100,000 in all experiments, its deadline is the services' one hour, and that of \
     its videos' bytes (`QUEUE_BYTES_MAX`, 100 GiB) is not in the model: with the defaults the queue refuses earlier than it does here. A \
     conversion that has begun in time is not stopped by the deadline.",
    "A zone takes converters with it and nothing else: no store, no broker, no gateway.",
    "Prices are assumptions. Replace them by your own: `--vcpu-hour`, `--gb-month`, `--writes-1000`, `--reads-1000`.",
];

fn inputs(page: &mut Page, results: &Results) {
    page.heading("What the model was given").paragraph(match &results.from {
        Some(folder) => format!(
            "Unloaded times and capacity of the run in `{folder}`, and nothing else of it. Work is CPU time; what remains of the \
             unloaded time is waiting that no core shortens."
        ),
        None => "Nothing was measured: these are assumptions of the size that `lab servers` and `lab codec` show. The results \
                 below show how the model behaves, not how a system does."
            .to_owned(),
    });
    let mut table = Table::new([
        Column::text("flow"),
        Column::text("file"),
        Column::number("video, MB"),
        Column::number("engine, core s"),
        Column::number("accepting, core s"),
        Column::number("waiting, ms"),
        Column::number("spread, %"),
    ]);
    for flow in Flow::BOTH {
        for video in results.world.mix(flow) {
            table.row(input(flow, video));
        }
    }
    page.table(table);
}

fn input(flow: Flow, video: &Video) -> Vec<crate::report::Cell> {
    let waiting = match flow {
        Flow::Blocking => video.fixed.blocking_s,
        Flow::Queued => video.fixed.accept_s + video.fixed.worker_s,
    };
    let accepting = if flow == Flow::Queued { Some(video.accept_core_s) } else { None };
    vec![
        flow.name().into(),
        video.name.clone().into(),
        (video.bytes / 1e6).into(),
        video.engine.mean_core_s.into(),
        accepting.into(),
        (waiting * 1e3).into(),
        (video.engine.spread.sigma() * 100.0).into(),
    ]
}

/// The colour of a flow, the same on each chart.
fn color(flow: Flow) -> usize {
    match flow {
        Flow::Blocking => 0,
        Flow::Queued => 1,
    }
}

fn seconds_axis(label: &str) -> Axis {
    Axis::log(label).unit(Unit::Seconds)
}
