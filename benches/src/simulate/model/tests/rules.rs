//! The rules of gateway, queue and autoscaler.

use super::*;

fn constant(flow: Flow, per_s: f64, horizon_s: f64) -> Settings {
    plain(flow, Arrivals::Constant { per_s }, horizon_s)
}

#[test]
fn an_upload_overlaps_with_its_conversion_only_where_it_blocks() {
    // One upload of 2 s, of which the conversion takes 1 s.
    let mut settings = constant(Flow::Blocking, 1.0, 0.5);
    settings.clients.uplink_bytes_per_s = 5e5;
    assert!((run(&settings).downloadable.max() - 2.0).abs() < 0.01);
    settings.flow = Flow::Queued;
    let outcome = run(&settings);
    assert!((outcome.answer.max() - 2.0).abs() < 0.01);
    assert!((outcome.downloadable.max() - 3.0).abs() < 0.01);
}

#[test]
fn an_upload_waits_two_seconds_for_a_permit_and_then_is_refused() {
    // One permit for 10 s, and a second upload that finds it taken.
    let mut settings = constant(Flow::Blocking, 1.0, 1.5);
    settings.mix[0].engine.mean_core_s = 10.0;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.refused), (1, 1));

    // With 1.9 s of work it gets the permit, late.
    settings.mix[0].engine.mean_core_s = 1.9;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.refused), (2, 0));
    assert!((outcome.downloadable.max() - 2.8).abs() < 0.01);
}

#[test]
fn a_refused_client_comes_back_until_its_patience_ends() {
    let mut settings = constant(Flow::Blocking, 1.0, 1.5);
    settings.mix[0].engine.mean_core_s = 10.0;
    settings.clients.asks_again_max = 20;
    settings.clients.patience_s = 60.0;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.refused), (2, 0));
    assert!(outcome.refusals > 0);

    settings.clients.patience_s = 5.0;
    assert_eq!(run(&settings).refused, 1);
}

#[test]
fn overload_keeps_the_cores_busy_and_refuses_the_rest() {
    for flow in [Flow::Blocking, Flow::Queued] {
        let mut settings = plain(flow, Arrivals::Poisson { per_s: 30.0 }, 1_000.0);
        settings.replicas = 5;
        settings.replica = Replica { cores: 2.0, width: 2.0, permits: 8, accepts: false };
        settings.rules.queue_max = 50;
        let outcome = run(&settings);
        assert!(outcome.goodput_per_s(1_000.0) > 9.8, "{flow:?}: {}", outcome.goodput_per_s(1_000.0));
        assert!(outcome.refused > 15_000);
    }
}

#[test]
fn a_lost_replicas_work_comes_back_after_the_lease() {
    for flow in [Flow::Blocking, Flow::Queued] {
        let mut settings = constant(flow, 1.0, 0.5);
        settings.mix[0].engine.mean_core_s = 10.0;
        settings.faults = vec![Fault { at_s: 4.0, what: What::Killed { share: 1.0, back_after_s: 0.0 } }];
        settings.clients.asks_again_max = 1;
        let outcome = run(&settings);
        // Lost at 4 s, begun again at 19 s (a client jitters), done at 29 s.
        let took = outcome.downloadable.max();
        let jitter = if flow == Flow::Blocking { 7.5 } else { 0.0 };
        assert!((29.0..=29.1 + jitter).contains(&took), "{flow:?}: {took}");
        assert_eq!((outcome.completed, outcome.repeated), (1, 1));
    }
}

#[test]
fn a_client_that_does_not_come_back_has_failed() {
    let mut settings = constant(Flow::Blocking, 1.0, 0.5);
    settings.mix[0].engine.mean_core_s = 10.0;
    settings.faults = vec![Fault { at_s: 5.0, what: What::Killed { share: 1.0, back_after_s: 0.0 } }];
    assert_eq!(run(&settings).failed, 1);
}

#[test]
fn the_queue_waits_for_its_broker() {
    let mut settings = constant(Flow::Queued, 1.0, 0.5);
    settings.faults = vec![Fault { at_s: 0.0, what: What::BrokerDown { for_s: 60.0 } }];
    let outcome = run(&settings);
    assert!(outcome.answer.max() < 0.01);
    assert!((outcome.downloadable.max() - 61.0).abs() < 0.1);
}

#[test]
fn a_queued_job_whose_time_is_over_fails_and_the_next_one_is_taken() {
    // Uploads at 0 and 40 s; the broker is back at 60 s.
    let mut settings = constant(Flow::Queued, 1.0 / 40.0, 41.0);
    settings.faults = vec![Fault { at_s: 0.0, what: What::BrokerDown { for_s: 60.0 } }];
    settings.rules.queue_timeout_s = 30.0;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.failed, outcome.in_flight), (1, 1, 0));
    assert!((outcome.downloadable.max() - 21.0).abs() < 0.1);
    // Both videos were stored: one until its time was over, the other until its mp3.
    assert!((outcome.costs.video_byte_s / 1e6 - 51.0).abs() < 0.1, "{}", outcome.costs.video_byte_s);
}

#[test]
fn what_is_overdue_takes_no_room_in_the_queue() {
    // Uploads at 0, 40 and 80 s, room for one, and no broker; each is overdue when the next one comes.
    let mut settings = constant(Flow::Queued, 1.0 / 40.0, 81.0);
    settings.faults = vec![Fault { at_s: 0.0, what: What::BrokerDown { for_s: 100.0 } }];
    settings.rules.queue_max = 1;
    settings.rules.queue_timeout_s = 30.0;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.failed, outcome.refused), (1, 2, 0));
}

#[test]
fn a_lost_queued_job_whose_time_is_over_after_the_lease_has_failed() {
    // Lost at 4 s, back after the lease at 19 s.
    let mut settings = constant(Flow::Queued, 1.0, 0.5);
    settings.mix[0].engine.mean_core_s = 10.0;
    settings.faults = vec![Fault { at_s: 4.0, what: What::Killed { share: 1.0, back_after_s: 0.0 } }];
    for (queue_timeout_s, completed) in [(18.0, 0), (20.0, 1)] {
        settings.rules.queue_timeout_s = queue_timeout_s;
        let outcome = run(&settings);
        assert_eq!((outcome.completed, outcome.failed), (completed, 1 - completed));
    }
}

#[test]
fn a_lost_job_whose_time_is_over_takes_no_room_behind_others() {
    // Uploads at 0, 10 and 20 s. The first is lost at 4 s and would be back at 19 s, behind the second; the replica is back at 25 s.
    let mut settings = constant(Flow::Queued, 0.1, 25.0);
    settings.mix[0].engine.mean_core_s = 10.0;
    settings.faults = vec![Fault { at_s: 4.0, what: What::Killed { share: 1.0, back_after_s: 21.0 } }];
    settings.rules.queue_timeout_s = 18.0;
    settings.rules.queue_max = 2;
    let outcome = run(&settings);
    assert_eq!((outcome.completed, outcome.failed, outcome.refused), (2, 1, 0));
}

#[test]
fn the_autoscaler_follows_the_load_up_and_waits_before_it_goes_down() {
    // 12 cores of work on replicas of 2 at 70 %: 9 replicas.
    let mut settings = plain(Flow::Queued, Arrivals::Poisson { per_s: 12.0 }, 1_800.0);
    settings.replica = Replica { cores: 2.0, width: 2.0, permits: 8, accepts: false };
    settings.replicas = 2;
    settings.autoscaler = Some(Autoscaler::new(1, 20, 0.7));
    settings.cold_start_s = 30.0;
    settings.samples = 120;
    let steady = run(&settings).curve[119].replicas;
    assert!((8..=11).contains(&steady), "{steady}");

    // No more arrivals after 30 s: still there at 4 min, one replica at 8 min.
    settings.horizon_s = 30.0;
    settings.replicas = 10;
    settings.samples = 3;
    settings.faults = vec![Fault { at_s: 1.0, what: What::BrokerDown { for_s: 900.0 } }];
    let curve = run(&settings).curve;
    let replicas = |at_s: f64| curve.iter().find(|point| point.at_s >= at_s).expect("a point").replicas;
    assert_eq!(replicas(240.0), 10);
    assert_eq!(replicas(480.0), 1);
}

#[test]
fn a_day_has_its_peak_in_the_afternoon() {
    let mut settings = plain(Flow::Queued, Arrivals::Day { mean_per_s: 1.0, peak: 1.8 }, 86_400.0);
    settings.replica.cores = 10.0;
    settings.replica.width = 10.0;
    settings.samples = 24;
    let outcome = run(&settings);
    let at = |hour: usize| float(outcome.curve[hour].offered) / 3_600.0;
    assert!((float(outcome.offered) / 86_400.0 - 1.0).abs() < 0.02);
    assert!((at(16) - 1.8).abs() < 0.1 && (at(4) - 0.2).abs() < 0.1, "{} {}", at(16), at(4));
}
