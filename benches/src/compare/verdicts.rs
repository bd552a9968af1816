//! Who wins when: sentences that are computed from the figures.

use super::summary::{Fault, RunSummary, Summary};
use crate::{
    flow::Flow,
    report::{Verdict, Winner, number::seconds},
    stats::{float, quantile::Quantile},
};

/// At half of the capacity the blocking flow is to have its mp3 in at most so much of the queued flow's time.
const GOAL: f64 = 0.8;
/// A smaller share of uploads that are refused is chance.
const REFUSED_MIN: f64 = 0.01;

/// Two runs that differ in the flow alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) blocking: &'a RunSummary,
    pub(super) queued: &'a RunSummary,
}

impl<'a> Pair<'a> {
    /// The runs that are there in both flows.
    pub(super) fn of(runs: impl IntoIterator<Item = &'a RunSummary>) -> Vec<Self> {
        let (blocking, queued): (Vec<_>, Vec<_>) = runs.into_iter().partition(|run| run.flow == Flow::Blocking);
        let offered = |run: &'a RunSummary| (run.stores, run.what.as_str());
        let same = |run| queued.iter().copied().find(|queued| offered(queued) == offered(run));
        blocking.into_iter().filter_map(|run| Some(Self { blocking: run, queued: same(run)? })).collect()
    }
}

/// All lines of the table.
pub(super) fn of(summary: &Summary) -> Vec<Verdict> {
    let mut verdicts = vec![];
    for pair in Pair::of(&summary.runs) {
        verdicts.push(at_load(pair));
    }
    // The middle of the loads stands for an ordinary day.
    if let Some(pair) = Pair::of(&summary.runs).into_iter().find(|pair| pair.blocking.load == Some(super::plan::HALF)) {
        verdicts.extend(answer(pair));
        verdicts.extend(goal(pair));
        verdicts.extend(cost("CPU time of one mp3", "s", pair, |run| run.cpu_s_per_mp3));
        verdicts
            .extend(cost("Bytes written for one mp3", "MB", pair, |run| run.bytes_stored_per_mp3.map(|it| it / 1e6)));
    }
    verdicts.extend(Pair::of(&summary.fixed).into_iter().map(|pair| {
        let what = pair.blocking.what.replace('-', " ");
        Verdict { situation: format!("Files of {what}, half of the capacity"), ..at_load(pair) }
    }));
    verdicts.extend(Pair::of(&summary.bursts).into_iter().map(|pair| Verdict {
        situation: format!("{} uploads at once, {} stores", pair.blocking.offered, pair.blocking.stores.name()),
        ..at_load(pair)
    }));
    verdicts.extend(summary.faults.iter().map(fault));
    verdicts
}

/// Where uploads are refused, more mp3s win; else the sooner mp3 does.
fn at_load(Pair { blocking, queued }: Pair<'_>) -> Verdict {
    let situation = match blocking.load {
        Some(load) => format!("{:.0} % of the capacity, {}", load * 100.0, described(blocking)),
        None => described(blocking),
    };
    let shares = [blocking, queued].map(|run| share(run.completed, run.offered));
    let words = |run: &RunSummary| {
        let wait = match (run.downloadable_s.p50, run.downloadable_s.max) {
            (Some(p50), _) => format!(", half of them within {}", interval(&p50)),
            (None, Some(max)) => format!(", all of them within {}", seconds(max)),
            (None, None) => String::new(),
        };
        format!("{}: {} of {} became mp3s{wait}", run.flow.name(), run.completed, run.offered)
    };
    let evidence = format!("{}; {}", words(blocking), words(queued));
    if (shares[0] - shares[1]).abs() > REFUSED_MIN {
        let (winner, answer) =
            if shares[0] > shares[1] { (Winner::Series(0), "blocking") } else { (Winner::Series(1), "queued") };
        let more = (shares[0] - shares[1]).abs() * 100.0;
        let evidence = format!("{more:.0} more of every 100 uploads become mp3s. {evidence}");
        return Verdict::new(situation, winner, answer, evidence);
    }
    let (winner, by) = sooner(blocking.downloadable_s.p50, queued.downloadable_s.p50);
    Verdict::new(situation, winner, by, evidence)
}

/// Who is sooner, and by how much; nobody where the intervals overlap.
fn sooner(blocking: Option<Quantile>, queued: Option<Quantile>) -> (Winner, String) {
    let (Some(blocking), Some(queued)) = (blocking, queued) else {
        return (Winner::Untested, "too few uploads".to_owned());
    };
    let less = |less: &Quantile, more: &Quantile| {
        let ms = (more.value - less.value) * 1e3;
        format!("{} sooner ({:.0} %)", seconds(ms / 1e3), (1.0 - less.value / more.value) * 100.0)
    };
    if blocking.high < queued.low {
        (Winner::Series(0), format!("blocking, {}", less(&blocking, &queued)))
    } else if queued.high < blocking.low {
        (Winner::Series(1), format!("queued, {}", less(&queued, &blocking)))
    } else {
        (Winner::Even, "no difference that the samples carry".to_owned())
    }
}

fn answer(Pair { blocking, queued }: Pair<'_>) -> Option<Verdict> {
    let (first, second) = (blocking.answer_s.p50?, queued.answer_s.p50?);
    let (winner, by) = sooner(Some(first), Some(second));
    let evidence = format!(
        "Half of the callers are answered within {} (blocking, and the mp3 is there) and {} (queued, and the wait begins).",
        interval(&first),
        interval(&second)
    );
    Some(Verdict::new("Time to an answer, 50 % of the capacity", winner, by, evidence))
}

/// The project's own goal, whether it is met or not.
fn goal(Pair { blocking, queued }: Pair<'_>) -> Option<Verdict> {
    let (b, q) = (blocking.downloadable_s, queued.downloadable_s);
    let all = [("p50", b.p50, q.p50), ("p90", b.p90, q.p90), ("p99", b.p99, q.p99)];
    let carried = all.into_iter().filter_map(|(name, blocking, queued)| Some((name, blocking?.value / queued?.value)));
    let ratios: Vec<_> = carried.collect();
    let is_met = ratios.iter().all(|(_, ratio)| *ratio <= GOAL);
    let evidence = ratios.iter().map(|(name, ratio)| format!("{name} {ratio:.2} ×")).collect::<Vec<_>>().join(", ");
    ratios.first()?;
    let situation =
        format!("Goal: at 50 % of the capacity blocking takes at most {GOAL} × the queued flow's time to the mp3");
    let (winner, answer) = if is_met { (Winner::Good, "met") } else { (Winner::Bad, "missed") };
    Some(Verdict::new(situation, winner, answer, evidence))
}

fn cost(what: &str, unit: &str, pair: Pair<'_>, of: fn(&RunSummary) -> Option<f64>) -> Option<Verdict> {
    /// CPU times differ by some percent from run to run.
    const EVEN: f64 = 0.05;
    let (blocking, queued) = (of(pair.blocking)?, of(pair.queued)?);
    let (winner, by) = match queued / blocking - 1.0 {
        more if more > EVEN => {
            (Winner::Series(0), format!("blocking, {:.0} % less", (1.0 - blocking / queued) * 100.0))
        }
        more if more < -EVEN => (Winner::Series(1), format!("queued, {:.0} % less", (1.0 - queued / blocking) * 100.0)),
        _ => (Winner::Even, "no difference beyond 5 %".to_owned()),
    };
    let evidence = format!("blocking {blocking:.2} {unit}, queued {queued:.2} {unit}");
    Some(Verdict::new(format!("{what}, 50 % of the capacity"), winner, by, evidence))
}

fn fault(fault: &Fault) -> Verdict {
    let Fault { what, run, recovered_after_s, began_s, mended_s } = fault;
    let good = run.lost == 0;
    let answer = if good { "nothing lost".to_owned() } else { format!("{} lost", run.lost) };
    let recovered = recovered_after_s.map_or_else(
        || "not as before until the end".to_owned(),
        |after| format!("as before {} after it", seconds(after)),
    );
    let evidence = format!(
        "{} of {} became mp3s, {} callers were refused, {} failed, {} got no answer; {} mp3s were done although their caller was not told. \
         It was away for {}; {recovered}.",
        run.completed,
        run.offered,
        run.refused,
        run.failed,
        run.unanswered,
        run.done_untold,
        seconds(mended_s - began_s)
    );
    let situation = format!("{}: {what}", run.flow.name());
    Verdict::new(situation, if good { Winner::Good } else { Winner::Bad }, answer, evidence)
}

pub(super) fn described(run: &RunSummary) -> String {
    format!("{} stores, {} arrivals", run.stores.name(), format!("{:?}", run.arrivals).to_lowercase())
}

fn interval(quantile: &Quantile) -> String {
    format!("{} ({} – {})", seconds(quantile.value), seconds(quantile.low), seconds(quantile.high))
}

pub(super) fn share(part: usize, whole: usize) -> f64 {
    float(part) / float(whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: f64) -> Quantile {
        Quantile { value, low: value * 0.9, high: value * 1.1 }
    }

    #[test]
    fn intervals_that_overlap_have_no_winner() {
        assert_eq!(sooner(Some(at(1.0)), Some(at(1.1))).0, Winner::Even);
        assert_eq!(sooner(Some(at(1.0)), Some(at(2.0))).0, Winner::Series(0));
        assert_eq!(
            sooner(Some(at(2.0)), Some(at(1.0))),
            (Winner::Series(1), "queued, 1.00 s sooner (50 %)".to_owned())
        );
        assert_eq!(sooner(None, Some(at(1.0))).0, Winner::Untested);
    }
}
