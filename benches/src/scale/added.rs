//! How soon one more converter takes its part of a load that is there.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;
use tokio::time::{sleep, sleep_until};

use super::{
    metrics::Counts,
    plan::{Cell, Lengths},
    steady::{DRAIN_MAX, callers},
    target::Target,
    upload::Uploader,
};
use crate::{load, stats::float};

/// Between two looks at the counts. A look at a cluster takes longer by itself.
const LOOK: Duration = Duration::from_millis(100);
/// A share is taken over so many seconds: some dozen conversions of each converter at their smallest quota.
pub(super) const WINDOW_S: f64 = 8.0;
/// How far from 1/(N+1) a share may be to be called even, as a part of it.
pub(super) const TOLERANCE: f64 = 0.1;

/// What a cell gave.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Added {
    pub(super) cell: Cell,
    pub(super) order: usize,
    /// Seconds from the moment at which the gateway could know of the new one (in a cluster, from the command) to its first
    /// finished conversion; `None` where there was none while it was looked.
    pub(super) first_s: Option<f64>,
    /// To the beginning of the first [`WINDOW_S`] seconds in which its share was even.
    pub(super) even_s: Option<f64>,
    /// Its share of the last [`WINDOW_S`] seconds.
    pub(super) last_share: Option<f64>,
    /// For so long it was looked.
    pub(super) looked_s: f64,
}

/// The counts at a moment.
#[derive(Debug, Clone)]
struct Look {
    at_s: f64,
    counts: Counts,
}

pub(super) async fn measure(
    target: &mut Target,
    uploader: &Uploader,
    http: &reqwest::Client,
    (order, cell): (usize, Cell),
    lengths: Lengths,
) -> anyhow::Result<Added> {
    target.scale(cell.replicas, cell.arm).await?;
    let flow = cell.flow;
    let one = {
        let uploader = uploader.clone();
        move |arrival| uploader.clone().upload_and_rest(flow, arrival)
    };
    // Enough for one more converter from the beginning on: the load does not change when it comes.
    let load = load::closed(callers(cell.replicas + 1), lengths.of(cell.kind), DRAIN_MAX, one);
    let end = Instant::now() + lengths.of(cell.kind);
    let looks = async {
        sleep(lengths.warm_up).await;
        let before = target.counts(http).await?;
        let moment = target.scale(cell.replicas + 1, cell.arm).await?;
        let mut looks = vec![];
        while Instant::now() < end {
            let next = Instant::now() + LOOK;
            let counts = target.counts(http).await?;
            looks.push(Look { at_s: moment.elapsed().as_secs_f64(), counts });
            sleep_until(next.into()).await;
        }
        anyhow::Ok((before, looks))
    };
    let (_, (before, looks)) = tokio::try_join!(load, looks)?;
    let last = looks.last().context("starting a converter took longer than the run")?;
    let new = last.counts.0.keys().find(|name| !before.0.contains_key(*name));
    let new = new.context("no new converter was seen")?;
    Ok(Added {
        cell,
        order,
        first_s: first(&looks, new),
        even_s: even(&looks, new),
        last_share: last_share(&looks, new),
        looked_s: last.at_s,
    })
}

fn first(looks: &[Look], name: &str) -> Option<f64> {
    looks.iter().find(|look| look.counts.0.get(name).is_some_and(|count| *count > 0)).map(|look| look.at_s)
}

fn even(looks: &[Look], name: &str) -> Option<f64> {
    // From its first conversion on: a span that begins before may be even in the end, too.
    let first_s = first(looks, name)?;
    let begins = looks.iter().enumerate().filter(|(_, begin)| begin.at_s >= first_s);
    let mut windows = begins.filter_map(|(at, begin)| {
        let end = looks[at..].iter().find(|end| end.at_s >= begin.at_s + WINDOW_S)?;
        Some((begin.at_s, end.counts.since(&begin.counts)))
    });
    windows.find(|(_, counts)| is_even(counts, name)).map(|(at_s, _)| at_s)
}

fn is_even(counts: &Counts, name: &str) -> bool {
    let relative = counts.share_of(name) * float(counts.0.len());
    (relative - 1.0).abs() <= TOLERANCE
}

fn last_share(looks: &[Look], name: &str) -> Option<f64> {
    let end = looks.last()?;
    let begin = looks.iter().rev().find(|look| look.at_s <= end.at_s - WINDOW_S)?;
    Some(end.counts.since(&begin.counts).share_of(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each second two conversions of `old`, and from second `from` on `rate` of `new`.
    fn looks(seconds: u32, from: u32, rate: u64) -> Vec<Look> {
        let of = |second: u32| {
            let new = u64::from(second.saturating_sub(from)) * rate;
            let counts = [("old".to_owned(), u64::from(second) * 2), ("new".to_owned(), new)];
            Look { at_s: second.into(), counts: Counts(counts.into()) }
        };
        (0..=seconds).map(of).collect()
    }

    #[test]
    fn a_converter_that_begins_in_second_five_is_even_from_then_on() {
        let looks = looks(30, 5, 2);
        assert_eq!(first(&looks, "new"), Some(6.0));
        assert_eq!(even(&looks, "new"), Some(6.0));
        assert_eq!(last_share(&looks, "new"), Some(0.5));
    }

    #[test]
    fn one_that_gets_nothing_or_too_little_is_never_even() {
        let idle = looks(30, 5, 0);
        assert_eq!((first(&idle, "new"), even(&idle, "new"), last_share(&idle, "new")), (None, None, Some(0.0)));
        let slow = looks(30, 5, 1);
        assert_eq!((first(&slow, "new"), even(&slow, "new")), (Some(6.0), None));
    }

    #[test]
    fn a_window_that_is_not_over_says_nothing() {
        let looks = looks(7, 0, 2);
        assert_eq!((even(&looks, "new"), last_share(&looks, "new")), (None, None));
    }
}
