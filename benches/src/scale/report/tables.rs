//! The tables.

use crate::{
    report::{Cell, Column, Table},
    scale::results::Results,
    stats::quantile::Quantile,
};

const PERCENT: f64 = 100.0;
const MILLISECONDS: f64 = 1000.0;

pub(super) fn throughput(results: &Results) -> Table {
    let mut table = Table::new([
        Column::text("flow"),
        Column::text("arm"),
        Column::number("N"),
        Column::number("mp3s/s, median (min – max)"),
        Column::number("refused"),
        Column::number("failed"),
        Column::number("largest share × N"),
        Column::number("quota used, %"),
        Column::number("throttled, %"),
        Column::number("machine busy, %"),
    ]);
    for group in &results.groups {
        let percent = |share: Option<f64>| share.map(|share| share * PERCENT).into();
        let speed = &group.per_s;
        table.row([
            group.flow.to_string().into(),
            group.arm.to_string().into(),
            u64::from(group.replicas).into(),
            Cell::interval(speed.median, speed.min, speed.max),
            group.refused.into(),
            group.failed.into(),
            group.imbalance.into(),
            percent(group.quota_used),
            percent(group.throttled),
            percent(group.machine_busy),
        ]);
    }
    table
}

pub(super) fn latency(results: &Results) -> Table {
    let mut table = Table::new([
        Column::text("flow"),
        Column::text("arm"),
        Column::number("N"),
        Column::number("offered"),
        Column::number("not done"),
        Column::number("answer p50, ms"),
        Column::number("mp3 there p50, ms"),
        Column::number("p90, ms"),
        Column::number("p99, ms"),
        Column::number("longest, ms"),
    ]);
    for group in &results.groups {
        let latency = &group.latency;
        let there = &latency.downloadable_s;
        table.row([
            group.flow.to_string().into(),
            group.arm.to_string().into(),
            u64::from(group.replicas).into(),
            latency.offered.into(),
            latency.missed.into(),
            milliseconds(latency.answer_s.p50),
            milliseconds(there.p50),
            milliseconds(there.p90),
            milliseconds(there.p99),
            there.max.map(|max| max * MILLISECONDS).into(),
        ]);
    }
    table
}

pub(super) fn added(results: &Results) -> Table {
    let mut table = Table::new([
        Column::text("flow"),
        Column::text("arm"),
        Column::number("from N"),
        Column::number("repeat"),
        Column::number("first conversion, s"),
        Column::number("share even, s"),
        Column::number("share at the end × (N+1)"),
        Column::number("looked for, s"),
    ]);
    for it in &results.added {
        table.row([
            it.cell.flow.to_string().into(),
            it.cell.arm.to_string().into(),
            u64::from(it.cell.replicas).into(),
            u64::from(it.cell.repeat).into(),
            it.first_s.into(),
            it.even_s.into(),
            it.last_share.map(|share| share * f64::from(it.cell.replicas + 1)).into(),
            it.looked_s.into(),
        ]);
    }
    table
}

fn milliseconds(quantile: Option<Quantile>) -> Cell {
    let interval =
        |it: Quantile| Cell::interval(it.value * MILLISECONDS, it.low * MILLISECONDS, it.high * MILLISECONDS);
    quantile.map(interval).into()
}
