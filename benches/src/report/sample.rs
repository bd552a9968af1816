//! A page with everything on it, for tests.

use hdrhistogram::Histogram;

use super::{
    Column, Page, Table, Verdict, Winner,
    chart::{Axis, Bars, Chart, Mark, Plot, Series, Unit, spectrum},
};

/// Texts that would do harm where they are not escaped.
pub(super) const HARMFUL: &str = "<script>a</script> & \"b\" | c * d_e_f";

/// Figures are made up by formulas: the same on each call.
pub(super) fn page() -> Page {
    let mut page = Page::new("Blocking against queued");
    page.paragraph("Both flows convert the same files with the same engine on the same two cores. `PUT /upload/{name}` answers 201 when the mp3 is there; with `Prefer: respond-async` it answers 202 at once.")
        .verdicts([
            Verdict::new("An idle system, one upload", Winner::Series(0), "blocking", "The mp3 is there after 79 ms, queued after 96 ms (+22 %)."),
            Verdict::new("Half of the capacity", Winner::Even, "no difference", "p99 1.21 s (1.08 – 1.40) against 1.18 s (1.02 – 1.33)."),
            Verdict::new("Twice the capacity", Winner::Series(1), "queued", "Nothing is refused for 4 minutes; blocking refuses 49 % of the uploads."),
            Verdict::new("A converter is killed", Winner::Good, "nothing lost", "0 of 252 acknowledged uploads."),
            Verdict::new("The store is restarted", Winner::Bad, "2 done twice", "Of 252; both mp3s are equal."),
            Verdict::new("More than one machine", Winner::Untested, "not tested", "Network between zones, disks of a cloud."),
        ])
        .heading("Latency");
    page.chart(latencies()).chart(load()).chart(goodput()).heading("Over time").chart(depth());
    page.multiples(["50", "90", "150", "300"].map(small)).heading("Scale").chart(scale()).chart(shares());
    let mut table =
        Table::new([Column::text("flow"), Column::number("load, %"), Column::number("p50, ms"), Column::text("note")]);
    table.row(["blocking".into(), 50_usize.into(), 79.25.into(), HARMFUL.into()]);
    table.row(["queued".into(), 300_usize.into(), None::<f64>.into(), "`a|b` and a ` alone".into()]);
    page.heading("Tables").table(table).list(["First point", HARMFUL]);
    page.note("What this does not prove", ["Load and server share two cores.", "1. One machine has no network."]);
    page
}

pub(super) fn latencies() -> Chart {
    let histogram = |stretch: f64| {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits are fine");
        for sample in 0..5000_u32 {
            let q = (f64::from(sample) + 0.5) / 5000.0;
            let value = 80_000.0 - (1.0 - q).ln() * 60_000.0 * stretch;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds")]
            histogram.record(value as u64).expect("within the range");
        }
        histogram
    };
    let (blocking, queued) = (histogram(1.0), histogram(2.2));
    spectrum(
        "latency",
        "Upload to downloadable mp3, at half of the capacity",
        "Each curve is dotted where fewer than 10 samples lie beyond.",
        [("blocking", &blocking), ("queued", &queued)],
        1e-6,
    )
}

fn load() -> Chart {
    let loads = [10.0, 25.0, 50.0, 75.0, 90.0, 100.0, 125.0, 150.0, 200.0, 300.0];
    let curve =
        |base: f64, cap: f64| loads.map(move |load: f64| (load, base + cap / (1.0 + (-(load - 110.0) / 12.0).exp())));
    let band = |points: [(f64, f64); 10]| points.map(|(x, y)| (x, y * 0.8, y * 1.3));
    let (blocking, queued) = (curve(0.08, 2.1), curve(0.1, 55.0));
    let plot = Plot::new(
        Axis::linear("offered load, of the capacity").unit(Unit::Percent),
        Axis::log("time to a downloadable mp3").unit(Unit::Seconds),
    )
    .series(Series::line("blocking, p50", blocking).interval(band(blocking)).color(0))
    .series(Series::line("queued, p50", queued).interval(band(queued)).color(1))
    .series(Series::line("blocking, p99", blocking.map(|(x, y)| (x, y * 2.6))).color(0).dashed())
    .series(Series::line("queued, p99", queued.map(|(x, y)| (x, y * 1.9))).color(1).dashed())
    .mark(Mark::vertical(97.0, "knee: 97 %"));
    Chart::new(
        "load",
        "Latency against offered load: the queue keeps everybody waiting, blocking refuses",
        "Bands are 95 % intervals of the median. Beyond the knee the queue grows for as long as the load lasts.",
        plot,
    )
}

fn goodput() -> Chart {
    let plot =
        Plot::new(Axis::linear("offered load, of the capacity").unit(Unit::Percent), Axis::linear("mp3s per second"))
            .series(Series::line(
                "blocking",
                [(10.0, 0.84), (50.0, 4.2), (100.0, 7.9), (150.0, 8.1), (200.0, 8.0), (300.0, 7.6)],
            ))
            .series(Series::line(
                "queued",
                [(10.0, 0.84), (50.0, 4.2), (100.0, 8.2), (150.0, 8.4), (200.0, 8.4), (300.0, 8.4)],
            ))
            .series(Series::curve("offered", [(0.0, 0.0), (130.0, 10.92)]).color(5).dashed());
    Chart::new("goodput", "Goodput", "Finished mp3s per second.", plot)
}

fn depth() -> Chart {
    let points = (0..1200).map(|tick| {
        let t = f64::from(tick) / 20.0;
        (
            t,
            ((t - 5.0).clamp(0.0, 25.0) * 3.0 - (t - 30.0).clamp(0.0, 30.0) * 2.5 + (t * 7.0).sin() * 2.0)
                .max(0.0)
                .round(),
        )
    });
    let plot = Plot::new(
        Axis::linear("time since the start").unit(Unit::Seconds),
        Axis::linear("conversions that wait").unit(Unit::Count),
    )
    .series(Series::area("queued", points).color(1))
    .mark(Mark::span(12.0, 19.0, "broker down"))
    .mark(Mark::vertical(22.5, "first mp3 after it"))
    .mark(Mark::horizontal(64.0, "limit of the queue"));
    Chart::new("depth", "Queue depth over time", "A burst, and a broker that is restarted in it.", plot)
}

fn small(load: &str) -> Chart {
    let factor: f64 = load.parse().expect("a number");
    let points = (0..60).map(move |t| (f64::from(t), (f64::from(t) * (factor - 90.0).max(2.0) / 60.0).round()));
    let plot =
        Plot::new(Axis::linear("time").unit(Unit::Seconds), Axis::linear("conversions that wait").unit(Unit::Count))
            .series(Series::area("queued", points).color(1));
    Chart::new(format!("depth-{load}"), format!("{load} % of the capacity"), "Queue depth.", plot)
}

fn scale() -> Chart {
    let law = |n: f64| 0.9 * n / (1.0 + 0.06 * (n - 1.0) + 0.004 * n * (n - 1.0));
    let measured = [1.0, 2.0, 3.0, 4.0, 6.0].map(|n| (n, law(n) * (1.0 + 0.02 * (n * 5.0_f64).sin())));
    let plot = Plot::new(Axis::linear("converters").unit(Unit::Count), Axis::linear("mp3s per second"))
        .series(Series::points("measured", measured).interval(measured.map(|(x, y)| (x, y * 0.94, y * 1.06))))
        .series(Series::curve(
            "Universal Scalability Law",
            (10..=120).map(|n| f64::from(n) / 10.0).map(|n| (n, law(n))),
        ))
        .series(Series::curve("ideal", [(0.0, 0.0), (8.0, 7.2)]).color(5).dashed());
    Chart::new("scale", "Throughput against converters", "Bars at the points are 95 % intervals over 3 repeats.", plot)
}

fn shares() -> Chart {
    let bars = Bars::new(
        Axis::linear("share of the conversions").unit(Unit::Percent),
        ["converter 1", "converter 2", "converter 3", "converter 4"],
    )
    .series("headless", [25.3, 24.8, 25.1, 24.8])
    .series("ClusterIP", [Some(61.0), Some(39.0), Some(0.0), None]);
    Chart::new(
        "shares",
        "Shares of four converters",
        "A kept connection stays with the converter it was made to.",
        bars,
    )
}
