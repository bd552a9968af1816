//! Mean times against closed formulas of queueing theory, within 2 %.

use super::*;

/// Long enough for the mean to be steady at these loads: half a million arrivals.
const ARRIVALS: f64 = 5e5;

fn assert_near(measured: f64, expected: f64, what: &str) {
    let error = measured / expected - 1.0;
    assert!(error.abs() < 0.02, "{what}: {measured:.4} instead of {expected:.4}");
}

fn poisson(flow: Flow, per_s: f64) -> Settings {
    plain(flow, Arrivals::Poisson { per_s }, ARRIVALS / per_s)
}

/// The probability of waiting in M/M/c, for `load` = λ/μ.
fn erlang_c(servers: u32, load: f64) -> f64 {
    let mut blocked = 1.0;
    for server in 1..=servers {
        blocked = load * blocked / (f64::from(server) + load * blocked);
    }
    let busy = load / f64::from(servers);
    blocked / (1.0 - busy * (1.0 - blocked))
}

#[test]
fn cores_that_are_shared_take_as_long_as_m_m_1_ps() {
    for load in [0.5, 0.8] {
        let mut settings = poisson(Flow::Blocking, load);
        settings.replica.permits = 10_000;
        settings.mix[0].engine.spread = Spread::Exponential;
        let outcome = run(&settings);
        assert_near(outcome.downloadable.mean(), 1.0 / (1.0 - load), "M/M/1-PS");
    }
}

#[test]
fn shared_cores_do_not_care_how_work_is_spread() {
    // The mean of M/G/1-PS hangs on the mean work alone.
    let mut settings = poisson(Flow::Blocking, 0.7);
    settings.replica.permits = 10_000;
    for spread in [Spread::LogNormal { sigma: 0.0 }, Spread::LogNormal { sigma: 1.0 }] {
        settings.mix[0].engine.spread = spread;
        assert_near(run(&settings).downloadable.mean(), 1.0 / 0.3, "M/G/1-PS");
    }
}

#[test]
fn workers_with_a_core_each_wait_as_long_as_m_m_c() {
    for (servers, load) in [(1, 0.7), (4, 3.2), (16, 14.0)] {
        let mut settings = poisson(Flow::Queued, load);
        settings.replica = Replica { cores: f64::from(servers), width: 1.0, permits: servers, accepts: false };
        settings.mix[0].engine.spread = Spread::Exponential;
        let waiting = erlang_c(servers, load) / (f64::from(servers) - load);
        assert_near(run(&settings).downloadable.mean() - 1.0, waiting, "M/M/c in one replica");

        settings.replicas = servers;
        settings.replica = Replica { cores: 1.0, width: 1.0, permits: 1, accepts: false };
        assert_near(run(&settings).downloadable.mean() - 1.0, waiting, "M/M/c in c replicas");
    }
}

#[test]
fn one_worker_with_equal_work_waits_as_long_as_m_d_1() {
    for load in [0.5, 0.9] {
        let outcome = run(&poisson(Flow::Queued, load));
        assert_near(outcome.downloadable.mean() - 1.0, load / (2.0 * (1.0 - load)), "M/D/1");
    }
}

#[test]
fn what_is_accepted_counts_as_load() {
    // Half of the work is accepting, without a permit; all of it shares one core: M/G/1-PS with two visits.
    let mut settings = poisson(Flow::Queued, 0.6);
    settings.replica = Replica { cores: 1.0, width: 1.0, permits: 10_000, accepts: true };
    settings.mix[0].engine.mean_core_s = 0.5;
    settings.mix[0].accept_core_s = 0.5;
    let outcome = run(&settings);
    assert_near(outcome.downloadable.mean(), 1.0 / 0.4, "both visits");
    assert_near(outcome.answer.mean(), 0.5 / 0.4, "the answer");
}
