//! What holds for every run.

use std::time::Duration;

use super::*;
use crate::load;

/// Everything at once: overload, faults, refusals, clients that return, an autoscaler.
fn eventful(flow: Flow, seed: u64) -> Settings {
    let mut settings = plain(flow, Arrivals::Poisson { per_s: 20.0 }, 7_200.0);
    settings.seed = seed;
    settings.arrivals_seed = seed;
    settings.replica = Replica { cores: 2.0, width: 2.0, permits: 8, accepts: false };
    settings.replicas = 4;
    settings.mix[0].fixed = Fixed { blocking_s: 0.02, accept_s: 0.01, worker_s: 0.02 };
    settings.mix[0].engine.spread = Spread::LogNormal { sigma: 0.4 };
    settings.mix.push(Video { weight: 0.2, bytes: 5e6, accept_core_s: 0.1, ..settings.mix[0].clone() });
    settings.clients = Clients { uplink_bytes_per_s: 2e6, asks_again_max: 3, patience_s: 30.0 };
    settings.rules.queue_max = 200;
    settings.rules.queue_timeout_s = 60.0;
    settings.faults = vec![
        Fault { at_s: 600.0, what: What::Killed { share: 0.5, back_after_s: 60.0 } },
        Fault { at_s: 900.0, what: What::BrokerDown { for_s: 90.0 } },
        Fault { at_s: 1_000.0, what: What::Killed { share: 1.0, back_after_s: 5.0 } },
    ];
    settings.autoscaler = Some(Autoscaler::new(2, 6, 0.7));
    settings.cold_start_s = 20.0;
    settings.samples = 50;
    settings
}

#[test]
fn every_upload_is_accounted_for() {
    for flow in [Flow::Blocking, Flow::Queued] {
        for (seed, drain_s) in [(1, 1e9), (2, 1e9), (3, 0.0), (4, 1.0)] {
            let outcome = run(&Settings { drain_s, ..eventful(flow, seed) });
            let Outcome { offered, completed, refused, failed, in_flight, .. } = outcome;
            assert_eq!(offered, completed + refused + failed + in_flight, "{flow:?}");
            assert_eq!(outcome.downloadable.count(), completed);
            assert!(refused > 0 && failed > 0 && outcome.repeated > 0, "{flow:?}: nothing happened");
            assert_eq!(in_flight == 0, drain_s > 1.0, "{flow:?}: {in_flight} in flight");
        }
    }
}

#[test]
fn one_seed_gives_the_same_bytes_and_another_gives_others() {
    for flow in [Flow::Blocking, Flow::Queued] {
        let run = |seed| run(&eventful(flow, seed)).fingerprint();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }
}

#[test]
fn a_run_has_the_arrivals_of_the_load_generator() {
    let settings = plain(Flow::Queued, Arrivals::Poisson { per_s: 50.0 }, 100.0);
    let plan = load::Plan {
        rate_per_s: 50.0,
        length: Duration::from_secs(100),
        arrivals: load::Arrivals::Poisson,
        seed: settings.arrivals_seed,
        in_flight_max: 1,
        drain_max: Duration::ZERO,
    };
    let mut stream = Stream::new(settings.arrivals, stream(settings.arrivals_seed, 0));
    let mut at = stream.first();
    for expected in plan.schedule() {
        assert!((seconds(at) - expected.as_secs_f64()).abs() < 1e-5);
        at = stream.next(at);
    }
    assert!(at >= nanos(100.0));
}

#[test]
fn littles_law_holds() {
    for flow in [Flow::Blocking, Flow::Queued] {
        let mut settings = plain(flow, Arrivals::Poisson { per_s: 2.5 }, 100_000.0);
        settings.replica = Replica { cores: 4.0, width: 2.0, permits: 8, accepts: true };
        settings.mix[0].fixed = Fixed { blocking_s: 0.1, accept_s: 0.1, worker_s: 0.1 };
        settings.rules.admission_wait_s = 1e6;
        settings.rules.admission_waiting_max = u32::MAX;
        let outcome = run(&settings);
        let rate = float(outcome.completed) / seconds(outcome.ended_at);
        let error = outcome.present_mean() / (rate * outcome.downloadable.mean()) - 1.0;
        assert!(error.abs() < 1e-6, "{flow:?}: off by {error}");
    }
}

#[test]
fn the_cores_do_exactly_the_work_that_came() {
    let mut settings = plain(Flow::Blocking, Arrivals::Constant { per_s: 1.6 }, 10_000.0);
    settings.replica = Replica { cores: 2.0, width: 2.0, permits: 8, accepts: false };
    let outcome = run(&settings);
    assert!((outcome.costs.used_core_s - float(outcome.offered)).abs() < 0.001);
    assert!((outcome.costs.provisioned_core_s - 2.0 * seconds(outcome.ended_at)).abs() < 0.001);
}
