//! What 1,000 mp3s cost, from what a day used.

use serde::Serialize;

use super::day;
use crate::{flow::Flow, stats::float};

const GB: f64 = 1e9;
const HOUR_S: f64 = 3_600.0;
/// A month as providers count it: 730 hours.
const MONTH_S: f64 = 730.0 * HOUR_S;
/// Writes to the object store: the mp3; with a queue the video as well. Documents are part of the cores' price.
const BLOCKING_WRITES: f64 = 1.0;
const QUEUED_WRITES: f64 = 2.0;
const QUEUED_READS: f64 = 1.0;

/// Assumptions, not measurements: list prices of large providers are of this size.
#[derive(Debug, Clone, Copy, Serialize, clap::Args)]
pub(in crate::simulate) struct Prices {
    /// Assumed price of one vCPU for one hour, with its memory.
    #[arg(long, default_value = "0.05")]
    pub(in crate::simulate) vcpu_hour: f64,
    /// Assumed price of keeping one GB (10⁹ bytes) for one month.
    #[arg(long, default_value = "0.023")]
    pub(in crate::simulate) gb_month: f64,
    /// Assumed price of 1,000 writes to the object store.
    #[arg(long, default_value = "0.005")]
    pub(in crate::simulate) writes_1000: f64,
    /// Assumed price of 1,000 reads from the object store.
    #[arg(long, default_value = "0.0004")]
    pub(in crate::simulate) reads_1000: f64,
    /// How long an mp3 is kept, in days.
    #[arg(long, default_value = "30")]
    pub(in crate::simulate) mp3_kept_days: f64,
}

/// For 1,000 mp3s, in the currency of the prices.
#[derive(Debug, Clone, Serialize)]
pub(in crate::simulate) struct Row {
    pub(in crate::simulate) plan: day::Plan,
    pub(in crate::simulate) flow: Flow,
    /// Of converters, idle time included, and of accepting elsewhere.
    pub(in crate::simulate) vcpu_s: f64,
    pub(in crate::simulate) video_gb_s: f64,
    pub(in crate::simulate) cores: f64,
    pub(in crate::simulate) videos: f64,
    pub(in crate::simulate) mp3s: f64,
    pub(in crate::simulate) requests: f64,
}

impl Row {
    pub(in crate::simulate) fn total(&self) -> f64 {
        self.cores + self.videos + self.mp3s + self.requests
    }
}

pub(in crate::simulate) fn rows(days: &[day::Row], prices: &Prices) -> Vec<Row> {
    days.iter().map(|day| row(day, prices)).collect()
}

fn row(day: &day::Row, prices: &Prices) -> Row {
    let per_1000 = 1_000.0 / float(day.completed.max(1));
    let costs = day.costs;
    let vcpu_s = (costs.provisioned_core_s + costs.accept_core_s) * per_1000;
    let video_gb_s = costs.video_byte_s / GB * per_1000;
    let mp3_gb = costs.mp3_bytes / GB * per_1000;
    let (writes, reads) = match day.flow {
        Flow::Blocking => (BLOCKING_WRITES, 0.0),
        Flow::Queued => (QUEUED_WRITES, QUEUED_READS),
    };
    Row {
        plan: day.plan,
        flow: day.flow,
        vcpu_s,
        video_gb_s,
        cores: vcpu_s / HOUR_S * prices.vcpu_hour,
        videos: video_gb_s / MONTH_S * prices.gb_month,
        mp3s: mp3_gb * prices.mp3_kept_days * 24.0 * HOUR_S / MONTH_S * prices.gb_month,
        requests: writes * prices.writes_1000 + reads * prices.reads_1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::model::Costs;

    #[test]
    fn a_price_is_quantity_times_unit() {
        let prices =
            Prices { vcpu_hour: 0.36, gb_month: 0.73, writes_1000: 0.01, reads_1000: 0.001, mp3_kept_days: 73.0 };
        let costs = Costs {
            provisioned_core_s: 400.0,
            accept_core_s: 100.0,
            video_byte_s: 1.8e13,
            video_bytes: 5e9,
            mp3_bytes: 1e9,
            used_core_s: 300.0,
        };
        let day = day::Row {
            plan: day::Plan::ForTheMean,
            flow: Flow::Queued,
            offered: 500,
            completed: 500,
            refused: 0,
            failed: 0,
            refusals: 0,
            p50_s: None,
            p99_s: None,
            max_s: 1.0,
            used_share: 0.75,
            replicas_mean: 1.0,
            costs,
            curve: vec![],
        };

        let row = row(&day, &prices);

        // 1,000 core seconds; 10 GB h; 2 GB for a tenth of a year; 2 writes and 1 read each.
        let expected = [0.1, 0.01, 2.0 * 2.4 * 0.73, 0.021];
        for (cost, expected) in [row.cores, row.videos, row.mp3s, row.requests].into_iter().zip(expected) {
            assert!((cost - expected).abs() < 1e-9, "{row:?}");
        }
    }
}
