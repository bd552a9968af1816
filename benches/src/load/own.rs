//! What the generator costs, and when it spoils a run.

use std::thread;

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use super::{Generator, Outcome, Record};
use crate::stats::{float, histogram};

/// A later sending than this shows in answers of 100 ms, which is what the shortest clip takes.
const LATENESS_MAX_S: f64 = 0.005;
/// Where answers take longer, a later sending is good up to this share of the same quantile of them: on cores that are all
/// busy the generator waits for its turn as everybody does.
const LATENESS_SHARE_MAX: f64 = 0.05;
/// Of all cores: above it the generator takes from the system what it is to measure.
const CPU_MAX: f64 = 0.25;

/// CPU seconds of this process so far.
pub(super) fn cpu() -> anyhow::Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(float(microseconds) / 1e6)
}

impl Generator {
    /// From the records, and the CPU seconds of so many seconds of wall time.
    pub(super) fn judge(records: &[Record], cpu_s: f64, wall_s: f64) -> anyhow::Result<Self> {
        let dropped = records.iter().filter(|record| record.outcome == Outcome::Dropped).count();
        let late: Vec<_> = records.iter().filter_map(|record| Some(record.sent_s? - record.intended_s)).collect();
        let lateness_max_s = late.iter().copied().fold(0.0, f64::max);
        let lateness_p99_s = p99(late)?;
        let answers_p99_s = p99(records.iter().filter_map(Record::answer_s).collect())?;
        let cpu_share = cpu_s / wall_s;
        let cores = float(thread::available_parallelism()?.get());
        let mut warnings = vec![];
        if lateness_p99_s > LATENESS_MAX_S.max(LATENESS_SHARE_MAX * answers_p99_s) {
            warnings.push(format!(
                "one call in a hundred was sent {:.1} ms late or more, and one in a hundred was answered after {:.0} ms (at most {:.0} \
                 ms or {:.0} % are good)",
                lateness_p99_s * 1e3,
                answers_p99_s * 1e3,
                LATENESS_MAX_S * 1e3,
                LATENESS_SHARE_MAX * 100.0
            ));
        }
        if cpu_share > CPU_MAX * cores {
            warnings.push(format!(
                "the generator took {cpu_share:.2} of {cores} cores (at most {:.2} are good)",
                CPU_MAX * cores
            ));
        }
        if dropped > 0 {
            warnings.push(format!("{dropped} arrivals were dropped: too many calls were in flight"));
        }
        Ok(Self { dropped, lateness_p99_s, lateness_max_s, cpu_share, warnings })
    }
}

/// 0 where there is nothing.
fn p99(seconds: Vec<f64>) -> anyhow::Result<f64> {
    if seconds.is_empty() { Ok(0.0) } else { Ok(histogram::at(&histogram::of(seconds)?, 0.99)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(late_s: f64) -> Record {
        let (sent_s, outcome) = (Some(1.0 + late_s), Outcome::Done);
        Record { number: 0, intended_s: 1.0, sent_s, answered_s: None, finished_s: None, outcome, id: None }
    }

    #[test]
    fn a_generator_that_is_late_or_busy_warns() {
        let good = Generator::judge(&[record(0.001)], 0.1, 10.0).expect("judged");
        let late = Generator::judge(&[record(0.020)], 0.1, 10.0).expect("judged");
        let busy = Generator::judge(&[record(0.001)], 1e4, 10.0).expect("judged");

        assert!(good.warnings.is_empty(), "{good:?}");
        assert!(late.warnings.len() == 1 && late.warnings[0].contains("late"), "{late:?}");
        assert!(busy.warnings.len() == 1 && busy.warnings[0].contains("cores"), "{busy:?}");
    }

    #[test]
    fn what_is_late_is_held_against_what_answers_take() {
        let answered = |after_s: f64| Record { answered_s: Some(1.0 + after_s), ..record(0.020) };
        let slow = Generator::judge(&[answered(1.0)], 0.1, 10.0).expect("judged");
        let fast = Generator::judge(&[answered(0.1)], 0.1, 10.0).expect("judged");

        assert!(slow.warnings.is_empty(), "{slow:?}");
        assert!(fast.warnings.len() == 1, "{fast:?}");
    }

    #[test]
    fn what_was_dropped_is_reported() {
        let dropped = Record { sent_s: None, outcome: Outcome::Dropped, ..record(0.0) };

        let generator = Generator::judge(&[dropped, record(0.0)], 0.1, 10.0).expect("judged");

        assert_eq!((generator.dropped, generator.warnings.len()), (1, 1));
    }
}
