//! How many conversions each replica made, from its own `/metrics`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::stats::float;

/// What a converter counts its conversions by, with the label `outcome`.
const CONVERSIONS: &str = "tapedeck_conversions_total";
const DONE: &str = "outcome=\"done\"";

/// Conversions of each replica, by its name; from its start on, or between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts(pub(super) BTreeMap<String, u64>);

impl Counts {
    /// What was added since `before`. A replica that is new, or began again, counts from 0.
    pub(super) fn since(&self, before: &Self) -> Self {
        let added = self.0.iter().map(|(name, now)| {
            let before = before.0.get(name).copied().unwrap_or(0);
            (name.clone(), now.checked_sub(before).unwrap_or(*now))
        });
        Self(added.collect())
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each replica's part of the whole, in the order of the names; all 0 where nothing was converted.
    pub(super) fn shares(&self) -> Vec<f64> {
        self.0.values().map(|count| share(*count, self.total())).collect()
    }

    /// One replica's part of the whole.
    pub(super) fn share_of(&self, name: &str) -> f64 {
        share(self.0.get(name).copied().unwrap_or(0), self.total())
    }

    /// The largest part times the number of replicas: 1 where all did the same, N where one did everything.
    pub(super) fn imbalance(&self) -> Option<f64> {
        let replicas = float(self.0.len());
        (self.total() > 0).then(|| self.shares().into_iter().fold(0.0, f64::max) * replicas)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// The conversions that ended well, of a page in Prometheus' text format; 0 where none is told, since a counter appears with
/// its first conversion.
pub(super) fn conversions_done(page: &str) -> u64 {
    let samples = page.lines().filter_map(|line| line.strip_prefix(CONVERSIONS)?.strip_prefix('{')?.split_once('}'));
    let done = samples.filter(|(labels, _)| labels.split(',').any(|label| label.trim() == DONE));
    // A counter may be told as `12` or `12.0`, and a timestamp may follow.
    let whole = |value: &str| value.split_whitespace().next()?.split('.').next()?.parse::<u64>().ok();
    done.filter_map(|(_, value)| whole(value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(&str, u64)]) -> Counts {
        Counts(all.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
    }

    #[test]
    fn only_conversions_that_ended_well_are_counted() {
        let page = "# HELP tapedeck_conversions_total x\n# TYPE tapedeck_conversions_total counter\n\
            tapedeck_conversions_total{outcome=\"done\"} 12\n\
            tapedeck_conversions_total{outcome=\"not-convertible\"} 5\n\
            tapedeck_conversions_total{flow=\"queued\",outcome=\"done\"} 3.0 1700000000\n\
            tapedeck_conversions_total_other{outcome=\"done\"} 100\n\
            tapedeck_permits_total 1\n";
        assert_eq!(conversions_done(page), 15);
        assert_eq!(conversions_done("tapedeck_permits_total 1\n"), 0);
    }

    #[test]
    fn counts_between_two_looks_survive_a_replica_that_came_or_began_again() {
        let before = counts(&[("a", 10), ("b", 20)]);
        let after = counts(&[("a", 13), ("b", 2), ("c", 5)]);
        assert_eq!(after.since(&before), counts(&[("a", 3), ("b", 2), ("c", 5)]));
    }

    #[test]
    fn shares_add_up_and_imbalance_says_how_far_the_busiest_is_from_an_even_part() {
        let uneven = counts(&[("a", 6), ("b", 3), ("c", 3)]);
        assert_eq!(uneven.shares(), [0.5, 0.25, 0.25]);
        assert_eq!(uneven.imbalance(), Some(1.5));
        assert_eq!(counts(&[("a", 4), ("b", 0)]).imbalance(), Some(2.0));
        assert_eq!(counts(&[("a", 0), ("b", 0)]).imbalance(), None);
        assert!(counts(&[("a", 0)]).share_of("a").abs() < f64::EPSILON);
    }
}
