//! The charts.

use super::{FLOWS, arms};
use crate::{
    flow::Flow,
    report::chart::{Axis, Bar, Bars, Chart, Mark, Plot, Series, Unit},
    scale::{
        added::Added,
        plan::Arm,
        results::{FitOf, Group, Results},
        usl::{BEYOND, Fit},
    },
    stats::quantile::Quantile,
};

/// Points of a drawn curve between two numbers of converters.
const POINTS_PER_REPLICA: u32 = 10;

/// Measured runs, the fitted curve with its interval, and what N times one converter would be.
pub(super) fn throughput(results: &Results, fit: &FitOf) -> Chart {
    let (flow, color) = (fit.flow, color(fit.flow));
    let runs = fit.points.iter().map(|point| (f64::from(point.replicas), point.per_s));
    let mut plot = Plot::new(replicas_axis(), Axis::linear("mp3s in a second").unit(Unit::Plain));
    let mut caption = "Each point is one run. ".to_owned();
    if let Some(fit) = &fit.fit {
        let curve = curve(fit);
        let (inside, beyond): (Vec<_>, Vec<_>) = curve.iter().partition(|(n, _)| *n <= f64::from(fit.replicas_max));
        let band = (1..).zip(&fit.intervals.curve).map(|(n, interval)| (f64::from(n), interval.low, interval.high));
        plot = plot
            .series(Series::curve("fitted law", inside).color(color).interval(band))
            .series(Series::curve("the law, not measured", beyond).color(color).dashed());
        // A peak that the machine made says nothing of the converters.
        if let Some(peak) = fit.peak().filter(|_| !results.is_limited_elsewhere(flow)) {
            plot = plot.mark(Mark::vertical(peak, "peak"));
        }
        caption +=
            "The band is the law's 95 % interval; the dashed part goes no further than twice what was measured. ";
    }
    if let Some(one) = results.one_per_s(flow) {
        let measured = f64::from(fit.points.iter().map(|point| point.replicas).max().unwrap_or(1));
        let last = if fit.fit.is_some() { BEYOND * measured } else { measured };
        let ideal = [1.0, last].map(|n| (n, n * one));
        plot = plot.series(Series::curve("ideal: N × one converter, as measured", ideal).color(3).dashed());
    }
    plot = plot.series(Series::points("measured", runs).color(color));
    caption += "Where the points leave the ideal line, something beside the converters' quotas takes part.";
    Chart::new(format!("throughput-{flow}"), format!("Throughput, {flow} flow"), caption, plot)
}

fn curve(fit: &Fit) -> Vec<(f64, f64)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "twice a small number")]
    let last = (f64::from(fit.replicas_max) * BEYOND) as u32 * POINTS_PER_REPLICA;
    let at = (POINTS_PER_REPLICA..=last).map(|step| f64::from(step) / f64::from(POINTS_PER_REPLICA));
    at.filter_map(|n| Some((n, fit.predict(n).ok()?))).collect()
}

/// `None` where nothing was fitted.
pub(super) fn residuals(of: &FitOf) -> Option<Chart> {
    let fit = of.fit.as_ref()?;
    let points = of.points.iter().zip(&fit.residuals).map(|(point, residual)| (f64::from(point.replicas), *residual));
    let plot = Plot::new(replicas_axis(), Axis::linear("measured − law, mp3s in a second"))
        .series(Series::points("runs", points).color(color(of.flow)))
        .mark(Mark::horizontal(0.0, ""));
    let caption = "A pattern, such as a bow, would say that the law is the wrong one.";
    Some(Chart::new(format!("residuals-{}", of.flow), format!("Residuals, {} flow", of.flow), caption, plot))
}

/// Until the mp3 is there, for each N and flow.
pub(super) fn latency(results: &Results) -> Chart {
    let mut plot = Plot::new(replicas_axis(), Axis::log("until the mp3 is there").unit(Unit::Seconds));
    for flow in FLOWS {
        for (name, dashed, of) in [
            ("p50", false, (|group| group.latency.downloadable_s.p50) as fn(&Group) -> Option<Quantile>),
            ("p90", true, |group| group.latency.downloadable_s.p90),
        ] {
            let groups =
                || results.groups(flow, Arm::Headless).filter_map(|it| Some((f64::from(it.replicas), of(it)?)));
            if groups().next().is_none() {
                continue;
            }
            let series = Series::line(format!("{flow}, {name}"), groups().map(|(n, quantile)| (n, quantile.value)))
                .interval(groups().map(|(n, quantile)| (n, quantile.low, quantile.high)))
                .color(color(flow));
            plot = plot.series(if dashed { series.dashed() } else { series });
        }
    }
    let caption = "At 70 % of the throughput that each number of converters had, repeats taken together, with 95 % intervals. \
                   A quantile stands only where the samples carry it.";
    Chart::new("latency", "Latency for each number of converters", caption, plot)
}

/// For each flow and arm: the largest share at the left.
pub(super) fn shares(results: &Results) -> Vec<Chart> {
    let of = |flow: Flow, arm: Arm| {
        let groups: Vec<&Group> = results.groups(flow, arm).collect();
        let places = groups.iter().map(|group| group.shares.len()).max().unwrap_or(0);
        let names = groups.iter().map(|group| format!("N = {}", group.replicas));
        let bars = Bars::new(Axis::linear("share of the mp3s, × N").range(0.0, ceiling(results)), names);
        let bars = (0..places).fold(bars, |bars, place| {
            let value = |group: &&Group| group.shares.get(place).map(|share| share * f64::from(group.replicas));
            bars.series(ordinal(place), groups.iter().map(value))
        });
        let caption = "1 is an even part. The busiest converter of each run stands first.";
        Chart::new(format!("shares-{flow}-{}", slug(arm)), format!("Shares, {flow}, {arm}"), caption, bars)
    };
    FLOWS.iter().flat_map(|flow| arms(results, *flow).map(|arm| of(*flow, arm))).collect()
}

/// The same for all charts of shares, so that they can be compared.
fn ceiling(results: &Results) -> f64 {
    results.groups.iter().filter_map(|group| group.imbalance).fold(1.5, f64::max)
}

/// First conversion and even share, one bar for each repeat.
pub(super) fn added(results: &Results) -> Chart {
    let mut cells: Vec<&Added> = results.added.iter().collect();
    cells.sort_by_key(|it| (it.cell.flow, it.cell.arm, it.cell.repeat));
    let names = cells.iter().map(|it| format!("{}, {}, {}", it.cell.flow, it.cell.arm, it.cell.repeat));
    let bars = Bars::new(Axis::linear("after the list was changed").unit(Unit::Seconds), names)
        .series("first conversion", cells.iter().map(|it| Bar::from(it.first_s)))
        .series("share is even", cells.iter().map(|it| Bar::from(it.even_s)));
    let caption = "Flow, arm and repeat. No bar means that it did not happen while it was looked.";
    Chart::new("added", "Until a new converter takes its part", caption, bars)
}

fn replicas_axis() -> Axis {
    Axis::linear("converters")
}

fn color(flow: Flow) -> usize {
    match flow {
        Flow::Blocking => 0,
        Flow::Queued => 1,
    }
}

fn slug(arm: Arm) -> &'static str {
    match arm {
        Arm::Headless => "headless",
        Arm::ClusterIp => "cluster-ip",
    }
}

fn ordinal(place: usize) -> String {
    match place {
        0 => "busiest".to_owned(),
        place => format!("no. {}", place + 1),
    }
}
