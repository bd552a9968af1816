//! Words and charts of runs whose figures are given.

use std::time::Duration;

use super::{charts, words};
use crate::{
    flow::Flow,
    report::{Verdict, Winner, chart::Drawing},
    scale::{
        local::Usage,
        metrics::Counts,
        plan::{Arm, Cell, Kind, Lengths},
        results::Results,
        steady::{Latency, Steady, Throughput},
    },
};

/// One run of the blocking flow: its throughput, the used share of the quotas, and what every upload took.
fn run(arm: Arm, replicas: u32, per_s: f64, quota_used: f64, took_s: f64) -> Steady {
    let shares = (1..=replicas).map(|number| (format!("converter-{number}"), 10));
    let usage = Usage { quota_used: Some(quota_used), throttled: None, door_cpus: 0.1, machine_busy: 0.97 };
    let throughput = Throughput {
        callers: 4,
        seconds: 8.0,
        done: 10,
        refused: 0,
        failed: 0,
        per_s,
        counts: Counts(shares.collect()),
        usage: Some(usage),
    };
    let took = vec![took_s; 50];
    let latency = Latency {
        rate_per_s: per_s,
        offered: took.len(),
        refused: 0,
        failed: 0,
        unfinished: 0,
        answer_s: took.clone(),
        downloadable_s: took,
        warnings: vec![],
    };
    let cell = Cell { kind: Kind::Steady, flow: Flow::Blocking, arm, replicas, repeat: 1 };
    Steady { cell, order: 0, throughput, latency: Some(latency) }
}

/// A curve that bends so much that the fitted γ lies above what one converter did.
fn bending(quota_used: f64) -> Results {
    let points = [(1, 2.0), (2, 4.2), (3, 6.0), (4, 7.8), (6, 8.0)];
    let steady = points.map(|(replicas, per_s)| run(Arm::Headless, replicas, per_s, quota_used, 0.4));
    results(steady.into())
}

fn results(steady: Vec<Steady>) -> Results {
    let second = Duration::from_secs(1);
    let lengths = Lengths { warm_up: second, throughput: second, latency: second, added: second };
    Results::of(0.3, lengths, steady, vec![], 1)
}

fn verdict(results: &Results, situation: &str) -> Verdict {
    let mut verdicts = words::verdicts(results).into_iter();
    verdicts.find(|it| it.situation.starts_with(situation)).expect("a verdict")
}

/// Where the ideal line ends, and whether a peak is marked.
fn chart(results: &Results) -> ((f64, f64), bool) {
    let Drawing::Plot(plot) = charts::throughput(results, &results.fits[0]).drawing else { panic!("a plot") };
    let ideal = plot.series.iter().find(|series| series.name.starts_with("ideal")).expect("an ideal line");
    (*ideal.points.last().expect("points"), !plot.marks.is_empty())
}

#[test]
fn the_ideal_is_what_one_converter_was_measured_to_do() {
    let results = bending(0.97);
    let gamma = results.fits[0].fit.as_ref().expect("a fit").model.gamma;
    assert!(gamma > 2.1, "the case would show nothing: {gamma}");
    let verdict = verdict(&results, "blocking flow");
    assert!(verdict.evidence.contains("67 % of 12.0"), "{}", verdict.evidence);
    assert_eq!(chart(&results).0, (12.0, 24.0));
}

#[test]
fn converters_that_left_their_quotas_unused_show_neither_a_bend_nor_a_peak() {
    let (full, unused) = (bending(0.97), bending(0.63));
    assert_eq!((verdict(&full, "blocking flow").winner, chart(&full).1), (Winner::Bad, true));
    let limited = verdict(&unused, "blocking flow");
    assert_eq!((limited.winner, limited.answer.as_str()), (Winner::Even, "limited by the machine"));
    assert!(!chart(&unused).1, "the peak is the machine's");
    assert!(!words::fit(&unused, &unused.fits[0]).contains("has its peak"));
}

#[test]
fn an_arm_that_did_less_is_told_beside_headless() {
    let headless = run(Arm::Headless, 3, 6.17, 0.9, 0.43);
    let results = results(vec![headless, run(Arm::ClusterIp, 3, 1.33, 0.3, 8.7)]);
    let evidence = verdict(&results, "balance, blocking flow, ClusterIP").evidence;
    assert!(evidence.contains("1.33 mp3s in a second against 6.17 headless"), "{evidence}");
    assert!(evidence.contains("p50 8.70 s against 430 ms"), "{evidence}");
    let evidence = verdict(&results, "balance, blocking flow, headless").evidence;
    assert!(!evidence.contains("against"), "{evidence}");
}
