//! More converters, slow links, a day, money.

use super::{color, seconds_axis};
use crate::{
    flow::Flow,
    report::{
        Cell, Column, Page, Table,
        chart::{Axis, Bars, Chart, Plot, Series, Unit},
        number,
    },
    simulate::{
        beyond::{
            QUEUE_MAX, cost,
            day::{self, Plan},
            fleet, links,
        },
        model::Point,
    },
    stats::float,
};

pub(super) fn fleet(page: &mut Page, rows: &[fleet::Row]) {
    page.heading("1 to 1,000 converters at 70 % load").paragraph(
        "Each converter has 2 cores and 8 permits. More of them do not make a conversion faster; they make it rarer that one has to \
         wait. Intervals are the lowest and highest of three seeds.",
    );
    let mut latency = Plot::new(Axis::log("converters"), seconds_axis("time to a downloadable mp3"));
    let mut goodput = Plot::new(Axis::log("converters"), Axis::log("mp3s per second"));
    for flow in Flow::BOTH {
        let of = || rows.iter().filter(move |row| row.flow == flow);
        let points =
            |value: fn(&fleet::Row) -> fleet::Spread| of().map(move |row| (f64::from(row.replicas), value(row).mean));
        let band = |value: fn(&fleet::Row) -> fleet::Spread| {
            of().map(move |row| (f64::from(row.replicas), value(row).low, value(row).high))
        };
        let series = |name: &str, value| {
            Series::line(format!("{}{name}", flow.name()), points(value)).interval(band(value)).color(color(flow))
        };
        latency = latency.series(series(", p50", |row| row.p50_s)).series(series(", p99", |row| row.p99_s).dashed());
        // Both flows carry nearly the same: of the one that is drawn last, only points lie on the line of the other.
        goodput = goodput.series(match flow {
            Flow::Blocking => series("", |row| row.goodput_per_s),
            Flow::Queued => Series::points(flow.name(), points(|row| row.goodput_per_s)).color(color(flow)),
        });
    }
    page.table(sizes(rows));
    page.chart(Chart::new(
        "fleet-latency",
        "Latency against the number of converters",
        "Median and, dashed, p99 at 70 % of the capacity of each size.",
        latency,
    ));
    page.chart(Chart::new(
        "fleet-goodput",
        "Throughput against the number of converters",
        "Queued has points alone, so that the line of blocking is seen. The model has no shared limit: a straight line is what it can show here, and no proof that stores keep up.",
        goodput,
    ));
}

fn sizes(rows: &[fleet::Row]) -> Table {
    let mut table = Table::new([
        Column::number("converters"),
        Column::text("flow"),
        Column::number("mp3s per s"),
        Column::number("mean, ms"),
        Column::number("p50, ms"),
        Column::number("p99, ms"),
    ]);
    for row in rows {
        let ms = |spread: fleet::Spread| Cell::interval(spread.mean * 1e3, spread.low * 1e3, spread.high * 1e3);
        table.row([
            u64::from(row.replicas).into(),
            row.flow.name().into(),
            row.goodput_per_s.mean.into(),
            ms(row.mean_s),
            ms(row.p50_s),
            ms(row.p99_s),
        ]);
    }
    table
}

pub(super) fn links(page: &mut Page, rows: &[links::Row]) {
    page.heading("Slow links").paragraph(
        "Ten converters at 70 % of what their cores can do. A blocking upload holds its permit while it sends: where sending takes \
         longer than converting, permits run out before cores do. The queued flow takes the video first and its permit after.",
    );
    let axis = || Axis::log("link of a client, Mbit/s");
    let mut refused = Plot::new(axis(), Axis::linear("refused").unit(Unit::Percent));
    let mut latency = Plot::new(axis(), seconds_axis("time to a downloadable mp3, p50"));
    for flow in Flow::BOTH {
        let of = || rows.iter().filter(move |row| row.flow == flow);
        let shares = of().map(|row| (row.mbit_per_s, row.refused_share * 100.0));
        let medians = of().filter_map(|row| Some((row.mbit_per_s, row.p50_s?)));
        refused = refused.series(Series::line(flow.name(), shares).color(color(flow)));
        latency = latency.series(Series::line(flow.name(), medians).color(color(flow)));
    }
    page.chart(Chart::new(
        "links-refused",
        "Refused for want of a permit",
        "More permits for each core (`CONVERSIONS_MAX`) move the edge to the left; they cost memory, not CPU time.",
        refused,
    ));
    page.chart(Chart::new(
        "links-latency",
        "Converting while the video comes, or after it",
        "In the blocking flow the mp3 of a slow upload is there with its last byte; the queued flow begins then.",
        latency,
    ));
}

pub(super) fn day(page: &mut Page, rows: &[day::Row]) {
    page.heading("A day of traffic with a peak").paragraph(format!(
        "The rate goes from 0.2 to 1.8 times its mean. Refused clients come back after `Retry-After`, up to twenty times. Both flows get \
         the same traffic. {}",
        queue_bounds()
    ));
    let mut table = Table::new([
        Column::text("converters"),
        Column::text("flow"),
        Column::number("mean"),
        Column::number("cores used, %"),
        Column::number("p50, s"),
        Column::number("p99, s"),
        Column::number("longest, s"),
        Column::number("503 answers"),
        Column::number("left after a 503"),
        Column::number("failed in the queue"),
    ]);
    for row in rows {
        table.row([
            row.plan.name().into(),
            row.flow.name().into(),
            row.replicas_mean.into(),
            (row.used_share * 100.0).into(),
            row.p50_s.into(),
            row.p99_s.into(),
            row.max_s.into(),
            row.refusals.into(),
            row.refused.into(),
            row.failed.into(),
        ]);
    }
    page.table(table);
    let hours = |row: &day::Row, value: fn(&Point) -> Option<f64>| -> Vec<_> {
        row.curve.iter().filter_map(|point| Some((point.at_s / 3_600.0, value(point)?))).collect()
    };
    let chart = |plan: Plan| {
        let mut plot = Plot::new(Axis::linear("hour of the day").range(0.0, 24.0), seconds_axis("p99"));
        for row in rows.iter().filter(|row| row.plan == plan) {
            let points = hours(row, |point| point.downloadable_p99_s);
            plot = plot.series(Series::curve(row.flow.name(), points).color(color(row.flow)));
        }
        let name = format!("day-{}", plan.name().replace(' ', "-"));
        Chart::new(name, format!("p99: {}", plan.name()), "Time to a downloadable mp3, by quarters of an hour.", plot)
    };
    page.multiples(Plan::ALL.map(chart));
    let mut plot = Plot::new(Axis::linear("hour of the day").range(0.0, 24.0), Axis::linear("converters"));
    for row in rows.iter().filter(|row| row.plan == Plan::Autoscaled) {
        let points = hours(row, |point| Some(f64::from(point.replicas)));
        plot = plot.series(Series::step(row.flow.name(), points).color(color(row.flow)));
    }
    page.chart(Chart::new(
        "day-replicas",
        "Converters over the day, autoscaled",
        "It aims at 70 % of the cores, looks every 15 s, and goes down to the most that was wanted within 5 minutes.",
        plot,
    ));
}

pub(super) fn cost(page: &mut Page, rows: &[cost::Row], prices: &cost::Prices) {
    page.heading("What 1,000 mp3s cost").paragraph(format!(
        "Of that day, idle cores included. Prices are assumptions: {} for a vCPU hour, {} for a GB month, {} and {} for 1,000 writes and \
         reads of the object store, mp3s kept for {} days.",
        prices.vcpu_hour, prices.gb_month, prices.writes_1000, prices.reads_1000, prices.mp3_kept_days
    ));
    let mut table = Table::new([
        Column::text("converters"),
        Column::text("flow"),
        Column::number("vCPU s"),
        Column::number("videos, GB s"),
        Column::number("cores"),
        Column::number("videos"),
        Column::number("mp3s"),
        Column::number("requests"),
        Column::number("in all"),
    ]);
    for row in rows {
        let money =
            [row.cores, row.videos, row.mp3s, row.requests, row.total()].map(|cost| format!("{cost:.5}").into());
        let used = [row.plan.name().into(), row.flow.name().into(), row.vcpu_s.into(), row.video_gb_s.into()];
        table.row(used.into_iter().chain(money));
    }
    page.table(table);
    let totals = |flow| rows.iter().filter(move |row| row.flow == flow).map(cost::Row::total);
    let mut bars = Bars::new(Axis::linear("for 1,000 mp3s"), Plan::ALL.map(Plan::name));
    for flow in Flow::BOTH {
        bars = bars.series(flow.name(), totals(flow));
    }
    page.chart(Chart::new("cost", "What 1,000 mp3s cost", "In the currency of the assumed prices.", bars));
}

/// What bounds the queue in the experiments.
pub(super) fn queue_bounds() -> String {
    format!(
        "The queue holds up to {} videos (`QUEUE_MAX`, by default 1,000); then it refuses, too. What no worker has begun within an hour \
         (`QUEUE_TIMEOUT`) has failed.",
        number::grouped(u64::from(QUEUE_MAX))
    )
}

/// In percent.
pub(super) fn percent(part: u64, of: u64) -> f64 {
    100.0 * float(part) / float(of.max(1))
}
