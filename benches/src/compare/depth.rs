//! How many uploads are in the system, over time: from the records, so that nothing has to be asked.

use crate::load::{Outcome, Record};

/// Points of the curve; a chart shows no more.
const POINTS: u32 = 300;

/// Seconds and number: sent and not ended. An upload that never ended counts until the end; one that was refused or failed
/// until its answer.
pub(super) fn over_time(records: &[Record], end_s: f64) -> Vec<(f64, usize)> {
    let mut begins: Vec<_> = records.iter().filter_map(|record| record.sent_s).collect();
    let mut gone: Vec<_> =
        records.iter().filter(|record| record.sent_s.is_some()).map(|record| end(record, end_s)).collect();
    begins.sort_by(f64::total_cmp);
    gone.sort_by(f64::total_cmp);
    (0..=POINTS)
        .map(|point| {
            let at = end_s * f64::from(point) / f64::from(POINTS);
            let before = |times: &[f64]| times.partition_point(|time| *time <= at);
            (at, before(&begins) - before(&gone))
        })
        .collect()
}

fn end(record: &Record, end_s: f64) -> f64 {
    let never = end_s + 1.0;
    match record.outcome {
        Outcome::Unanswered => never,
        _ => record.finished_s.or(record.answered_s).or(record.sent_s).unwrap_or(never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(sent_s: f64, finished_s: Option<f64>, outcome: Outcome) -> Record {
        let answered_s = Some(sent_s);
        Record { number: 0, intended_s: sent_s, sent_s: Some(sent_s), answered_s, finished_s, outcome, id: None }
    }

    #[test]
    fn an_upload_counts_from_its_sending_to_its_mp3() {
        let refused = Outcome::Refused { status: 503, retry_after_s: None };
        let records =
            [record(1.0, Some(5.0), Outcome::Done), record(2.0, None, Outcome::Unanswered), record(2.5, None, refused)];

        let depth = over_time(&records, 10.0);

        let at = |seconds: f64| depth.iter().rfind(|(at, _)| *at <= seconds).map(|(_, depth)| *depth);
        assert_eq!([0.5, 1.5, 3.0, 6.0, 10.0].map(at), [0, 1, 2, 1, 1].map(Some));
    }
}
