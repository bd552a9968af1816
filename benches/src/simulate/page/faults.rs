//! A lost zone, and traffic that jumps.

use super::{
    beyond::{percent, queue_bounds},
    color, seconds_axis,
};
use crate::{
    flow::Flow,
    report::{
        Column, Page, Table,
        chart::{Axis, Chart, Mark, Plot, Series, Unit},
    },
    simulate::{
        beyond::{faults, jump},
        model::Point,
    },
};

pub(super) fn faults(page: &mut Page, rows: &[faults::Row]) {
    page.heading("A zone is lost, and the broker").paragraph(
        "Zone: ten of 30 converters are gone at 120 s, with all that they did. Others start 60 s later and take a cold start. Clients of \
         the blocking flow get a 502 and come back with their key after the lease; queued work goes back to the queue after it. Broker: \
         it hands out nothing for 60 s; uploads go on in both flows.",
    );
    let mut table = Table::new([
        Column::text("fault"),
        Column::number("load, %"),
        Column::text("flow"),
        Column::number("begun again"),
        Column::number("503 answers"),
        Column::number("left after a 503, %"),
        Column::number("failed"),
        Column::number("longest, s"),
        Column::number("median as before after, s"),
    ]);
    for row in rows {
        table.row([
            row.case.name().into(),
            (row.load * 100.0).into(),
            row.flow.name().into(),
            row.repeated.into(),
            row.refusals.into(),
            percent(row.refused, row.offered).into(),
            row.failed.into(),
            row.max_s.into(),
            row.recovered_after_s.into(),
        ]);
    }
    page.table(table).multiples(faults::CASES.map(|(case, load)| over_time(rows, case, load)));
}

fn over_time(rows: &[faults::Row], case: faults::Case, load: f64) -> Chart {
    let mut plot = Plot::new(Axis::linear("time").unit(Unit::Seconds), seconds_axis("p50"));
    for row in rows.iter().filter(|row| row.case == case && (row.load - load).abs() < 1e-9) {
        let points = curve(&row.curve, |point| point.downloadable_p50_s);
        plot = plot.series(Series::curve(row.flow.name(), points).color(color(row.flow)));
    }
    let away = Mark::span(faults::AT_S, faults::AT_S + faults::AWAY_S, case.name());
    let name = format!("{}-{:.0}", case.name().replace(' ', "-"), load * 100.0);
    let caption = "Median of what became downloadable, by two seconds.";
    Chart::new(name, format!("{} at {:.0} % load", case.name(), load * 100.0), caption, plot.mark(away))
}

pub(super) fn jump(page: &mut Page, rows: &[jump::Row]) {
    page.heading("Traffic jumps, and cold starts").paragraph(format!(
        "Four converters and an autoscaler that may start more; at once {:.0} times what they can carry. How long a new converter takes \
         to start decides what clients see. {}",
        jump::JUMP,
        queue_bounds()
    ));
    let axis = || Axis::log("cold start").unit(Unit::Seconds);
    let mut recovery = Plot::new(axis(), Axis::linear("until the median is well").unit(Unit::Seconds));
    let mut missed = Plot::new(axis(), Axis::linear("without an mp3").unit(Unit::Percent));
    for flow in Flow::BOTH {
        let of = || rows.iter().filter(move |row| row.flow == flow);
        let times = of().filter_map(|row| Some((row.cold_start_s, row.recovered_after_s?)));
        let shares = of().map(|row| (row.cold_start_s, row.missed_share * 100.0));
        recovery = recovery.series(Series::line(flow.name(), times).color(color(flow)));
        missed = missed.series(Series::line(flow.name(), shares).color(color(flow)));
    }
    page.chart(Chart::new(
        "jump-recovery",
        "Until the overload is forgotten",
        "Time until the median is at most three times that of enough converters. A queue has to be worked off first; refused clients do not wait in it.",
        recovery,
    ));
    page.chart(Chart::new(
        "jump-missed",
        "Clients without an mp3",
        "Clients come back after a 503 up to twenty times, then they leave; queued uploads fail when their time is over.",
        missed,
    ));
    let longest = rows.iter().map(|row| row.cold_start_s).fold(0.0, f64::max);
    let mut plot = Plot::new(Axis::linear("time").unit(Unit::Seconds), Axis::linear("waiting"));
    for row in rows.iter().filter(|row| row.cold_start_s >= longest) {
        let points = curve(&row.curve, |point| Some(f64::from(point.waiting)));
        plot = plot.series(Series::area(row.flow.name(), points).color(color(row.flow)));
    }
    page.chart(Chart::new(
        "jump-waiting",
        format!("Who waits, with a cold start of {longest:.0} s"),
        "Videos in the queue, and blocking uploads that wait for a permit: those that were told to come back do not count.",
        plot,
    ));
}

fn curve(points: &[Point], value: fn(&Point) -> Option<f64>) -> Vec<(f64, f64)> {
    points.iter().filter_map(|point| Some((point.at_s, value(point)?))).collect()
}
