//! Predicted beside measured.

use crate::{
    flow::Flow,
    report::{
        Cell, Column, Page, Table,
        chart::{Chart, Plot, Series},
        number,
    },
    simulate::{
        page::{color, seconds_axis},
        validate::{AIM, Pair, Row, Tail},
    },
};

pub(super) fn section(page: &mut Page, rows: Option<&[Row]>) {
    page.heading("Predicted against measured");
    let Some(rows) = rows else {
        page.paragraph("Not done: no measured run was given (`--from`).");
        return;
    };
    let met = rows.iter().filter(|row| row.is_met()).count();
    page.paragraph(format!(
        "{} runs under load, none of which the model was fitted to; each was simulated with its own arrivals, 20 times over. Aims: \
         goodput and median within {:.0} %, the highest quantile that the samples carry inside its measured 95 % interval. All of \
         them are met by {met} of {}.",
        rows.len(),
        AIM * 100.0,
        rows.len()
    ));
    page.table(table(rows)).chart(chart(rows));
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        Column::text("run"),
        Column::number("load, %"),
        Column::number("goodput per s, measured → model"),
        Column::number("error, %"),
        Column::number("p50, measured → model"),
        Column::number("error, %"),
        Column::text("tail, measured → model"),
        Column::text("inside"),
        Column::number("refused, %, measured → model"),
    ]);
    for row in rows {
        let seconds = |pair: Pair| format!("{} → {}", number::seconds(pair.measured), number::seconds(pair.predicted));
        let plain = |pair: Pair| format!("{} → {}", number::digits(pair.measured), number::digits(pair.predicted));
        let refused =
            Pair { predicted: row.refused_share.predicted * 100.0, measured: row.refused_share.measured * 100.0 };
        table.row([
            format!("`{}`", row.id).into(),
            row.load.map(|load| load * 100.0).into(),
            row.goodput_per_s.map(plain).into(),
            row.goodput_per_s.map(error).into(),
            row.p50_s.map(seconds).into(),
            row.p50_s.map(error).into(),
            row.tail.map(tail).into(),
            row.tail.map(|tail| if tail.is_inside() { "yes" } else { "no" }).into(),
            plain(refused).into(),
        ]);
    }
    table
}

fn error(pair: Pair) -> Cell {
    let missed = if pair.is_within_aim() { "" } else { ", missed" };
    Cell(format!("{:+.1}{missed}", pair.error() * 100.0))
}

fn tail(tail: Tail) -> String {
    format!(
        "p{:.0}: {} ({} – {}) → {}",
        tail.quantile * 100.0,
        number::seconds(tail.measured.value),
        number::seconds(tail.measured.low),
        number::seconds(tail.measured.high),
        number::seconds(tail.predicted)
    )
}

/// On the diagonal the model is right.
fn chart(rows: &[Row]) -> Chart {
    let mut plot = Plot::new(seconds_axis("measured"), seconds_axis("predicted"));
    for flow in Flow::BOTH {
        let of = || rows.iter().filter(move |row| row.flow == flow);
        let p50 = of().filter_map(|row| row.p50_s).map(|pair| (pair.measured, pair.predicted));
        let tails = of().filter_map(|row| row.tail).map(|tail| (tail.measured.value, tail.predicted));
        plot = plot.series(Series::points(format!("{}, p50", flow.name()), p50).color(color(flow)));
        plot = plot.series(Series::points(format!("{}, p90 or p99", flow.name()), tails).color(color(flow) + 2));
    }
    let all = rows.iter().flat_map(|row| {
        let tail = row.tail.map(|tail| [tail.measured.value, tail.predicted]);
        let p50 = row.p50_s.map(|pair| [pair.measured, pair.predicted]);
        p50.into_iter().chain(tail).flatten()
    });
    let (low, high) = all.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    let plot = plot.series(Series::curve("equal", [(low, low), (high, high)]).color(5).dashed());
    Chart::new(
        "validation",
        "Time to a downloadable mp3: what the model says, and what was measured",
        "One point for each run under load; on the dashed line both are equal.",
        plot,
    )
}
