use super::*;
use crate::stats::random::Random;

const REPLICAS: [u32; 5] = [1, 2, 3, 4, 6];

/// Three runs for each N; `noise` is a share of the throughput.
fn runs(model: &Model, noise: f64) -> Vec<Point> {
    let mut random = Random::seeded(42);
    let mut draw = || {
        let thousandths = i32::try_from(random.below(2001)).expect("a small number") - 1000;
        f64::from(thousandths) / 1000.0 * noise
    };
    let of = |replicas: u32, noise: f64| Point { replicas, per_s: model.at(replicas.into()) * (1.0 + noise) };
    REPLICAS.iter().flat_map(|replicas| [*replicas; 3]).map(|replicas| of(replicas, draw())).collect()
}

fn near(one: f64, other: f64, tolerance: f64) -> bool {
    (one - other).abs() <= tolerance
}

#[test]
fn exact_data_give_back_the_parameters_they_were_made_with() {
    let shapes = [(0.0, 0.0), (0.08, 0.0), (0.0, 0.02), (0.08, 0.004), (0.9, 0.1)];
    for gamma in [0.04, 4.0, 900.0] {
        for (alpha, beta) in shapes {
            let truth = Model { gamma, alpha, beta };

            let fit = Fit::of(&runs(&truth, 0.0), 1).expect("enough points");

            let found = fit.model;
            let recovered =
                near(found.gamma / gamma, 1.0, 1e-6) && near(found.alpha, alpha, 1e-6) && near(found.beta, beta, 1e-6);
            assert!(recovered, "{truth:?}, found {found:?}");
            assert!(fit.residuals.iter().all(|residual| residual.abs() < 1e-5 * gamma), "{:?}", fit.residuals);
            assert!(fit.r_squared.expect("runs that differ") > 0.999_999);
        }
    }
}

#[test]
fn a_noisy_fit_is_near_and_its_intervals_hold_the_truth() {
    let truth = Model { gamma: 4.0, alpha: 0.08, beta: 0.004 };

    let fit = Fit::of(&runs(&truth, 0.03), 1).expect("enough points");

    let within = |interval: Interval, value: f64| interval.low <= value && value <= interval.high;
    let Intervals { gamma, alpha, beta, curve } = &fit.intervals;
    assert!(within(*gamma, truth.gamma) && within(*alpha, truth.alpha) && within(*beta, truth.beta), "{fit:?}");
    assert!(gamma.low < gamma.high, "{gamma:?}");
    assert_eq!(curve.len(), 6);
    for (replicas, interval) in (1..).zip(curve) {
        let predicted = fit.predict(replicas.into()).expect("measured");
        assert!(within(*interval, predicted), "{replicas}: {interval:?}, {predicted}");
        assert!(near(predicted / truth.at(replicas.into()), 1.0, 0.03), "{replicas}: {predicted}");
    }
    assert!(fit.r_squared.expect("runs that differ") > 0.98);
}

#[test]
fn more_than_linear_data_end_at_the_bounds_and_show_in_the_residuals() {
    let of = |replicas: u32| Point { replicas, per_s: f64::from(replicas).powf(1.2) };

    let fit = Fit::of(&REPLICAS.map(of), 1).expect("enough points");

    assert!(near(fit.model.alpha, 0.0, 1e-9) && near(fit.model.beta, 0.0, 1e-9), "{:?}", fit.model);
    assert!(fit.residuals[0] < 0.0 && fit.residuals[4] > 0.0, "{:?}", fit.residuals);
    assert_eq!(fit.peak(), None);
}

#[test]
fn a_seed_gives_the_same_intervals_again() {
    let points = runs(&Model { gamma: 4.0, alpha: 0.1, beta: 0.0 }, 0.05);
    let of = |seed| Fit::of(&points, seed).expect("enough points").intervals.gamma;
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
}

#[test]
fn three_numbers_of_replicas_are_too_few_however_often_they_were_run() {
    let model = Model { gamma: 4.0, alpha: 0.1, beta: 0.0 };
    let points: Vec<Point> = runs(&model, 0.01).into_iter().filter(|point| point.replicas <= 3).collect();
    assert_eq!(points.len(), 9);
    assert_eq!(Fit::of(&points, 1).expect_err("too few"), Refusal::TooFew(3));
}

#[test]
fn runs_without_throughput_are_refused() {
    let mut points = runs(&Model { gamma: 4.0, alpha: 0.1, beta: 0.0 }, 0.0);
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        points[3].per_s = bad;
        assert!(matches!(Fit::of(&points, 1), Err(Refusal::Unusable(_))), "{bad}");
    }
}

#[test]
fn nothing_is_said_beyond_twice_the_replicas_that_were_measured() {
    let fit = Fit::of(&runs(&Model { gamma: 4.0, alpha: 0.1, beta: 0.001 }, 0.0), 1).expect("enough points");
    assert!(fit.predict(12.0).is_ok());
    assert_eq!(fit.predict(12.1).expect_err("too far"), Refusal::BeyondData { asked: 12.1, measured: 6 });
    // √(0.9 / 0.001) = 30 replicas: there is a peak, but nothing that was measured says so.
    assert!(near(fit.model.peak_replicas().expect("a peak"), 30.0, 0.01));
    assert_eq!(fit.peak(), None);
}
