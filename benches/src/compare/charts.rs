//! The plots.

use super::{
    lab::Histograms,
    summary::{RunSummary, Stores, Summary},
    verdicts::{Pair, described, share},
};
use crate::{
    flow::Flow,
    load::Arrivals,
    report::{
        Page,
        chart::{Axis, Chart, Mark, Plot, Series, Unit, spectrum},
    },
    stats::{float, quantile::Quantile},
};

/// A flow still keeps up where this share of what was offered is an mp3 when arrivals end.
const KEEPS_UP: f64 = 0.95;
/// Loads whose latency spectra are shown, in percent.
const SPECTRA: [&str; 3] = ["050", "090", "150"];
/// Of the histograms.
const MICROSECOND_S: f64 = 1e-6;

pub(super) fn add(page: &mut Page, summary: &Summary, histograms: &Histograms) {
    for stores in [Stores::Real, Stores::Embedded] {
        let runs: Vec<_> = summary.runs.iter().filter(|run| run.stores == stores).collect();
        let sweep: Vec<_> = runs.iter().copied().filter(|run| run.arrivals == Arrivals::Poisson).collect();
        if sweep.is_empty() {
            continue;
        }
        page.heading(format!("On {} stores", stores.name()));
        page.chart(latency_of_load(stores, &sweep)).chart(goodput(stores, &sweep));
        for percent in SPECTRA {
            let name = |flow: Flow| format!("{}-{}-{percent}", stores.name(), flow.name());
            let found = Flow::BOTH.map(|flow| Some((flow.name(), histograms.get(&name(flow))?)));
            if let [Some(blocking), Some(queued)] = found {
                page.chart(spectrum(
                    format!("latency-{}-{percent}", stores.name()),
                    format!("Time to the mp3 at {} % of the capacity", percent.trim_start_matches('0')),
                    "Upload to downloadable mp3, of the uploads that became one. Dashed where fewer than 10 samples lie beyond.",
                    [blocking, queued],
                    MICROSECOND_S,
                ));
            }
        }
        page.multiples(Pair::of(sweep.iter().copied()).iter().map(|pair| depth(pair, &described_load(pair.blocking))));
    }
    if !summary.bursts.is_empty() {
        page.heading("A burst");
        page.multiples(Pair::of(&summary.bursts).iter().map(|pair| depth(pair, &described(pair.blocking))));
    }
    if !summary.faults.is_empty() {
        page.heading("Failures");
        page.multiples(summary.faults.iter().map(|fault| {
            let run = &fault.run;
            let plot = depth_plot([run]).mark(Mark::span(fault.began_s, fault.mended_s, fault.what.clone()));
            let title = format!("{}: {}", run.flow.name(), fault.what);
            Chart::new(format!("depth-{}", run.id), title, "Uploads in the system.", plot)
        }));
    }
}

fn latency_of_load(stores: Stores, sweep: &[&RunSummary]) -> Chart {
    let mut plot = Plot::new(
        Axis::linear("offered load, of the capacity").unit(Unit::Percent),
        Axis::log("time to the mp3").unit(Unit::Seconds),
    );
    for (color, flow) in Flow::BOTH.into_iter().enumerate() {
        let of = |quantile: fn(&RunSummary) -> Option<Quantile>| -> Vec<_> {
            let of_flow = sweep.iter().filter(|run| run.flow == flow);
            of_flow.filter_map(|run| Some((percent(run)?, quantile(run)?))).collect()
        };
        for (name, quantile, dashed) in [
            ("p50", (|run| run.downloadable_s.p50) as fn(&RunSummary) -> Option<Quantile>, false),
            ("p99", |run| run.downloadable_s.p99, true),
        ] {
            let points = of(quantile);
            let line = points.iter().map(|(x, y)| (*x, y.value));
            let series = Series::line(format!("{}, {name}", flow.name()), line).color(color);
            let series = series.interval(points.iter().map(|(x, y)| (*x, y.low, y.high)));
            plot = plot.series(if dashed { series.dashed() } else { series });
        }
        if let Some(knee) = knee(sweep, flow) {
            plot = plot.mark(Mark::vertical(knee, format!("{} keeps up: {knee:.0} %", flow.name())));
        }
    }
    Chart::new(
        format!("load-{}", stores.name()),
        "Time to the mp3 against offered load",
        "Bands are 95 % intervals; a p99 is shown where at least 1,000 uploads carry it. The marks are the highest loads at which 95 % of what \
         was offered was an mp3 when arrivals ended.",
        plot,
    )
}

fn goodput(stores: Stores, sweep: &[&RunSummary]) -> Chart {
    let mut plot =
        Plot::new(Axis::linear("uploads offered per second"), Axis::linear("mp3s per second while uploads arrive"));
    for (color, flow) in Flow::BOTH.into_iter().enumerate() {
        let points = sweep.iter().filter(|run| run.flow == flow).map(|run| (run.rate_per_s, run.goodput_per_s));
        plot = plot.series(Series::line(flow.name(), points).color(color));
    }
    let best = sweep.iter().map(|run| run.goodput_per_s).fold(0.0, f64::max);
    plot = plot.series(Series::curve("all that is offered", [(0.0, 0.0), (best * 1.2, best * 1.2)]).color(5).dashed());
    let caption = "What is converted after the last arrival is not counted, so a queue's backlog is no goodput.";
    Chart::new(format!("goodput-{}", stores.name()), "Goodput against offered load", caption, plot)
}

/// The highest load, in percent, up to which a flow keeps up at every load.
fn knee(sweep: &[&RunSummary], flow: Flow) -> Option<f64> {
    let mut of_flow: Vec<_> = sweep.iter().filter(|run| run.flow == flow).collect();
    of_flow.sort_by(|a, b| a.rate_per_s.total_cmp(&b.rate_per_s));
    let keeps_up = |run: &&&&RunSummary| run.goodput_per_s * run.seconds >= KEEPS_UP * share(run.offered, 1);
    percent(of_flow.iter().take_while(keeps_up).last()?)
}

fn percent(run: &RunSummary) -> Option<f64> {
    run.load.map(|load| load * 100.0)
}

fn described_load(run: &RunSummary) -> String {
    percent(run).map_or_else(String::new, |percent| format!("{percent:.0} % of the capacity"))
}

fn depth(pair: &Pair<'_>, title: &str) -> Chart {
    let name = format!("depth-{}-{}", pair.blocking.stores.name(), pair.blocking.what);
    Chart::new(
        name,
        title,
        "Uploads in the system: sent, and not yet an mp3 or refused.",
        depth_plot([pair.queued, pair.blocking]),
    )
}

fn depth_plot<'a>(runs: impl IntoIterator<Item = &'a RunSummary>) -> Plot {
    let axis = Axis::linear("time since the first arrival").unit(Unit::Seconds);
    let mut plot = Plot::new(axis, Axis::linear("uploads in the system").unit(Unit::Count));
    for run in runs {
        let points = run.queue_depth.iter().map(|(at, depth)| (*at, float(*depth)));
        plot = plot.series(Series::area(run.flow.name(), points).color(usize::from(run.flow == Flow::Queued)));
    }
    plot
}
