//! What is told of a run: lines for the terminal, and the page.

mod charts;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use super::{plan::Arm, results::Results};
use crate::{flow::Flow, report::Page};

/// Flows have the same colours in every chart.
const FLOWS: [Flow; 2] = [Flow::Blocking, Flow::Queued];

/// The table for the terminal.
pub(super) fn lines(results: &Results) -> Vec<String> {
    let mut lines =
        vec!["flow, arm, N: mp3s in a second, median (min – max); largest share × N; quota used".to_owned()];
    for group in &results.groups {
        let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
        lines.push(format!(
            "  {:8}  {:9}  {:2}  {}   {}   {}",
            group.flow.to_string(),
            group.arm.to_string(),
            group.replicas,
            group.per_s,
            share(group.imbalance),
            share(group.quota_used)
        ));
    }
    lines.extend(results.fits.iter().map(|fit| words::fit(results, fit)));
    lines
}

/// The whole page.
pub(super) fn page(results: &Results, local: bool) -> Page {
    let mut page = Page::new("What more converters bring");
    page.paragraph(words::introduction(results, local));
    if !results.remarks.is_empty() {
        page.list(results.remarks.clone());
    }
    page.verdicts(words::verdicts(results));
    page.heading("Throughput");
    for fit in &results.fits {
        page.chart(charts::throughput(results, fit));
        page.paragraph(words::fit(results, fit));
    }
    page.table(tables::throughput(results));
    let residuals: Vec<_> = results.fits.iter().filter_map(charts::residuals).collect();
    if !residuals.is_empty() {
        page.multiples(residuals);
    }
    page.heading("Latency at 70 % of it");
    page.paragraph(words::LATENCY);
    page.chart(charts::latency(results)).table(tables::latency(results));
    page.heading("Who did the work");
    page.paragraph(words::shares(results));
    page.multiples(charts::shares(results));
    if !results.added.is_empty() {
        page.heading("One more converter under load");
        page.paragraph(words::added(local));
        page.chart(charts::added(results)).table(tables::added(results));
    }
    page.note("What one machine cannot show", words::not_shown(local));
    page
}

/// Arms that were run in a flow.
fn arms(results: &Results, flow: Flow) -> impl Iterator<Item = Arm> {
    [Arm::Headless, Arm::ClusterIp].into_iter().filter(move |arm| results.groups(flow, *arm).next().is_some())
}
