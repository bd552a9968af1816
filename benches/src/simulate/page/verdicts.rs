//! The answers in plain words.

use super::beyond::percent;
use crate::{
    flow::Flow,
    report::{Verdict, Winner, number},
    simulate::{
        Results,
        beyond::{LOAD, cost, day, faults, links},
        validate::{Pair, Row, factor, median_off_by},
    },
};

/// A difference that nobody would notice.
const EVEN: f64 = 0.05;

pub(super) fn verdicts(results: &Results) -> Vec<Verdict> {
    let mut verdicts = vec![trust(results.validation.as_deref())];
    verdicts.extend(sizes(results));
    verdicts.push(slow_links(&results.links));
    verdicts.extend(autoscaled(results));
    verdicts.extend(money(&results.costs));
    verdicts.extend(faults::CASES.iter().filter_map(|&(case, load)| broken(results, case, load)));
    verdicts
}

/// Whether the model can be believed.
fn trust(rows: Option<&[Row]>) -> Verdict {
    let situation = "Does the model say what was measured?";
    let Some(rows) = rows.filter(|rows| !rows.is_empty()) else {
        return Verdict::new(
            situation,
            Winner::Untested,
            "not tested",
            "No measured run was given: believe the shapes, not the figures.",
        );
    };
    let met = rows.iter().filter(|row| row.is_met()).count();
    let worst =
        |pairs: &mut dyn Iterator<Item = f64>| pairs.fold(0.0_f64, |worst, error| worst.max(error.abs())) * 100.0;
    let p50 = worst(&mut rows.iter().filter_map(|row| row.p50_s).map(Pair::error));
    let goodput = worst(&mut rows.iter().filter_map(|row| row.goodput_per_s).map(Pair::error));
    let inside = rows.iter().filter_map(|row| row.tail).filter(|tail| tail.is_inside()).count();
    let tails = rows.iter().filter(|row| row.tail.is_some()).count();
    let evidence = format!(
        "All aims are met in {met} of {} runs. Worst error of the median {p50:.1} %, of goodput {goodput:.1} %; {inside} of {tails} tails \
         are inside their interval.",
        rows.len()
    );
    let (winner, answer) = match met {
        _ if met == rows.len() => (Winner::Good, "yes"),
        _ if 2 * met >= rows.len() => (Winner::Even, "mostly"),
        _ => (Winner::Bad, "no"),
    };
    Verdict::new(situation, winner, answer, evidence)
}

/// At both ends of the sizes.
fn sizes(results: &Results) -> Vec<Verdict> {
    let ends = [results.fleet.iter().map(|row| row.replicas).min(), results.fleet.iter().map(|row| row.replicas).max()];
    let verdict = |replicas: u32| {
        let of = |flow| results.fleet.iter().find(|row| row.flow == flow && row.replicas == replicas);
        let (blocking, queued) = (of(Flow::Blocking)?, of(Flow::Queued)?);
        let evidence = format!(
            "p50 {} against {}, p99 {} against {} (blocking against queued).",
            number::seconds(blocking.p50_s.mean),
            number::seconds(queued.p50_s.mean),
            number::seconds(blocking.p99_s.mean),
            number::seconds(queued.p99_s.mean)
        );
        let converters = if replicas == 1 { "converter" } else { "converters" };
        let situation = format!("{} {converters}, {:.0} % load", number::grouped(u64::from(replicas)), LOAD * 100.0);
        Some(sooner(situation, blocking.p50_s.mean, queued.p50_s.mean, evidence, off_by(results, LOAD)))
    };
    ends.into_iter().flatten().filter_map(verdict).collect()
}

fn off_by(results: &Results, load: f64) -> f64 {
    median_off_by(results.validation.as_deref().unwrap_or_default(), load)
}

/// Which flow's value is lower, where they differ by more than the factor by which the model's medians were off.
fn sooner(situation: impl Into<String>, blocking: f64, queued: f64, evidence: String, off_by: f64) -> Verdict {
    let differ_by = factor(blocking, queued);
    let (winner, answer) = match differ_by {
        _ if differ_by <= 1.0 + EVEN => (Winner::Even, "no difference"),
        _ if differ_by <= off_by => {
            let evidence = format!(
                "{evidence} They differ by a factor of {differ_by:.2}; at the nearest load that was measured, the model's median was \
                 off by one of {off_by:.2}."
            );
            return Verdict::new(situation, Winner::Even, "no difference that the model carries", evidence);
        }
        _ if queued > blocking => (Winner::Series(0), "blocking"),
        _ => (Winner::Series(1), "queued"),
    };
    Verdict::new(situation, winner, answer, evidence)
}

fn slow_links(rows: &[links::Row]) -> Verdict {
    let situation = "Clients on slow links";
    let refusing = |row: &&links::Row| row.flow == Flow::Blocking && row.refused_share > 0.01;
    let Some(fastest) = rows.iter().filter(refusing).max_by(|a, b| a.mbit_per_s.total_cmp(&b.mbit_per_s)) else {
        return Verdict::new(situation, Winner::Even, "no difference", "No link was slow enough to matter.");
    };
    let same = |row: &&links::Row| row.flow == Flow::Queued && (row.mbit_per_s - fastest.mbit_per_s).abs() < 1e-9;
    let queued = rows.iter().find(same).map_or(f64::NAN, |row| row.refused_share);
    let evidence = format!(
        "At {} Mbit/s and below uploads hold permits longer than cores need them: {:.0} % are refused at that speed, {:.0} % by the \
         queue. More permits move that edge.",
        fastest.mbit_per_s,
        fastest.refused_share * 100.0,
        queued * 100.0
    );
    Verdict::new(situation, Winner::Series(1), "queued", evidence)
}

fn autoscaled(results: &Results) -> Option<Verdict> {
    let of = |flow| results.days.iter().find(|row| row.flow == flow && row.plan == day::Plan::Autoscaled);
    let (blocking, queued) = (of(Flow::Blocking)?, of(Flow::Queued)?);
    let evidence = format!(
        "p99 {} against {}; {:.2} % of the blocking clients got no mp3, {:.2} % of the queued ones.",
        number::seconds(blocking.p99_s.unwrap_or(f64::NAN)),
        number::seconds(queued.p99_s.unwrap_or(f64::NAN)),
        percent(blocking.refused + blocking.failed, blocking.offered),
        percent(queued.refused + queued.failed, queued.offered)
    );
    // The autoscaler aims at that load. Tails are no better known than medians.
    Some(sooner("A day with an autoscaler", blocking.p99_s?, queued.p99_s?, evidence, off_by(results, LOAD)))
}

fn money(rows: &[cost::Row]) -> Option<Verdict> {
    let of = |flow| rows.iter().find(|row| row.flow == flow && row.plan == day::Plan::Autoscaled);
    let (blocking, queued) = (of(Flow::Blocking)?.total(), of(Flow::Queued)?.total());
    let evidence = format!("{blocking:.4} against {queued:.4} for 1,000 mp3s at the assumed prices, autoscaled.");
    // CPU time is an input and not a result of the model: what its medians are off by does not touch it.
    Some(sooner("Cost", blocking, queued, evidence, 1.0))
}

fn broken(results: &Results, case: faults::Case, load: f64) -> Option<Verdict> {
    let same = |row: &&faults::Row| row.case == case && (row.load - load).abs() < 1e-9;
    let of = |flow| results.faults.iter().filter(same).find(|row| row.flow == flow);
    let (blocking, queued) = (of(Flow::Blocking)?, of(Flow::Queued)?);
    let missed = [blocking, queued].map(|row| percent(row.refused + row.failed, row.offered));
    let after = |after: Option<f64>| {
        after.map_or("never within the run".to_owned(), |after| format!("after {}", number::seconds(after)))
    };
    let evidence = format!(
        "Blocking is as before {}, {:.2} % got no mp3; queued {}, {:.2} % got none. Begun again: {} and {}.",
        after(blocking.recovered_after_s),
        missed[0],
        after(queued.recovered_after_s),
        missed[1],
        blocking.repeated,
        queued.repeated
    );
    let what = match case {
        faults::Case::ZoneLost => "A third of the converters is lost",
        faults::Case::BrokerDown => "The broker is down for a minute",
    };
    let situation = format!("{what} at {:.0} % load", load * 100.0);
    Some(if missed[0] > missed[1] {
        Verdict::new(situation, Winner::Series(1), "queued loses fewer clients", evidence)
    } else if missed[1] > missed[0] {
        Verdict::new(situation, Winner::Series(0), "blocking loses fewer clients", evidence)
    } else {
        // A flow that never noticed counts as recovered within one point of the curve; one that never recovered as never.
        let time = |after: Option<f64>| after.unwrap_or(f64::MAX);
        let (blocking, queued) = (time(blocking.recovered_after_s), time(queued.recovered_after_s));
        sooner(situation, blocking, queued, evidence, off_by(results, load))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A validated run whose median the model says to be `predicted` times what it was.
    fn row(flow: Flow, load: f64, predicted: f64) -> Row {
        let pair = |predicted| Pair { predicted, measured: 1.0 };
        let (id, refused_share) = (String::new(), pair(1.0));
        Row { id, flow, load: Some(load), goodput_per_s: None, p50_s: Some(pair(predicted)), tail: None, refused_share }
    }

    #[test]
    fn a_difference_smaller_than_the_models_error_at_the_nearest_load_has_no_winner() {
        // 0.8 of what was measured is off by a factor of 1.25; the other loads lie further away.
        let rows = [
            row(Flow::Blocking, 0.75, 0.8),
            row(Flow::Queued, 0.75, 1.01),
            row(Flow::Blocking, 0.25, 3.0),
            row(Flow::Queued, 3.0, 0.2),
        ];
        let off_by = median_off_by(&rows, 0.7);
        assert!((off_by - 1.25).abs() < 1e-9, "{off_by}");
        let winner = |blocking, queued, off_by| sooner("", blocking, queued, String::new(), off_by).winner;
        assert_eq!([winner(1.0, 1.2, off_by), winner(1.2, 1.0, off_by)], [Winner::Even; 2]);
        assert_eq!(winner(1.0, 1.3, off_by), Winner::Series(0));
        assert_eq!(winner(1.3, 1.0, off_by), Winner::Series(1));
        // Without a validation nothing is known of the error, which the first verdict says.
        assert_eq!(winner(1.0, 1.2, median_off_by(&[], 0.7)), Winner::Series(0));
    }

    #[test]
    fn two_flows_that_never_noticed_a_fault_are_even() {
        assert_eq!(sooner("", 0.0, 0.0, String::new(), 1.0).winner, Winner::Even);
    }
}
