//! Fit and validation on a small summary. Its figures were made by a small program of its own, which shares nothing with the
//! model but the rules.

use super::{fit::Fit, measured::Summary, model::Fixed, validate};
use crate::flow::Flow;

fn summary() -> Summary {
    serde_json::from_str(include_str!("summary.json")).expect("the sample has the shape of a summary")
}

#[test]
fn the_fit_takes_unloaded_times_apart() {
    let fit = Fit::of(&summary(), Flow::Queued).expect("the sample can be fitted");

    // 0.125 of 0.143 core seconds are the engine's, 0.018 those of accepting; on 1.8 cores. Accepting is known by the capacities
    // alone, which are as exact as 20 s of callers are.
    let clip = &fit.mix[0];
    assert!((clip.engine.mean_core_s - 0.125).abs() < 1e-9);
    assert!((clip.accept_core_s - 0.018).abs() < 0.003, "{}", clip.accept_core_s);
    assert!((fit.cores - 1.8).abs() < 0.06, "{}", fit.cores);
    // 12 and 20 ms, each up to 10 % less and 30 % more.
    let Fixed { blocking_s, accept_s, worker_s } = clip.fixed;
    assert!(blocking_s.abs() < f64::EPSILON && (accept_s - 0.0132).abs() < 0.002 && (worker_s - 0.022).abs() < 0.005);
}

#[test]
fn the_fit_knows_nothing_of_the_runs() {
    let mut other = summary();
    other.runs.clear();

    let fit = |summary| format!("{:?}", Fit::of(summary, Flow::Blocking).expect("the sample can be fitted"));

    assert_eq!(fit(&summary()), fit(&other));
}

#[test]
fn a_summary_without_capacity_is_refused() {
    let mut summary = summary();
    summary.capacity_per_s.blocking = None;
    assert!(Fit::of(&summary, Flow::Blocking).is_err());
    assert!(validate::rows(&summary, 1).is_empty());
}

#[test]
fn the_model_meets_another_programs_runs_and_misses_one_that_is_wrong() {
    let mut summary = summary();
    let rows = validate::rows(&summary, 1);
    let near = rows.iter().filter(|row| row.p50_s.is_some_and(validate::Pair::is_within_aim)).count();
    assert_eq!(rows.len(), 12);
    assert!(near >= 10, "{rows:#?}");
    assert!(rows.iter().all(|row| row.goodput_per_s.is_some_and(validate::Pair::is_within_aim)), "{rows:#?}");

    summary.runs[0].goodput_per_s = summary.runs[0].goodput_per_s.map(|goodput| goodput * 1.3);
    assert!(!validate::rows(&summary, 1)[0].is_met());
}
