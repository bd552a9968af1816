//! What is measured on the stub.

use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;

use super::{model::Model, row::Row};
use crate::{
    console::progress,
    load::{self, Arrival, Arrivals, Generator, Outcome, Plan, Record, Reply},
    stats::{float, quantile::Quantiles},
};

/// Of a core, at [`RATE_PER_S`] with bodies of [`BODY_BYTES`].
const CPU_MAX: f64 = 0.05;
const RATE_PER_S: f64 = 200.0;
const BODY_BYTES: usize = 4096;
/// More than are ever under way, but where dropping is what is measured.
const IN_FLIGHT_MAX: usize = 10_000;
/// No stay is as long.
const DRAIN_MAX: Duration = Duration::from_secs(10);
/// Of the row that drops: a call stays for a second, so that many are carried in each.
const IN_FLIGHT_SMALL: usize = 20;
/// Of the generator that waits for its answers; at 100 ms each it offers the same rate.
const CALLERS: usize = 20;

const STALLING: Model = Model::Stalling {
    stay: Duration::from_millis(100),
    stall: Duration::from_millis(500),
    period: Duration::from_secs(4),
};

/// Calls the stub as `compare` calls tapedeck.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    pub(super) fn new(address: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { http, address: address.to_owned() })
    }

    pub(super) fn calls(&self, model: Model) -> impl load::Call {
        let (http, url) = (self.http.clone(), format!("http://{}/{model}", self.address));
        let body = Bytes::from(vec![0x5a; BODY_BYTES]);
        move |_: Arrival| {
            let request = http.put(&url).body(body.clone());
            async move {
                let answer = request.send().await;
                let now = Some(Instant::now());
                let outcome = match &answer {
                    Ok(answer) if answer.status().is_success() => Outcome::Done,
                    Ok(answer) => Outcome::of_unsuccessful(answer),
                    Err(_) => Outcome::Failed { status: None },
                };
                let finished = now.filter(|_| outcome == Outcome::Done);
                Reply { answered: now, finished, outcome, id: None }
            }
        }
    }
}

/// All rows, in the order in which they are shown.
pub(super) async fn measure(client: &Client, length: Duration) -> anyhow::Result<Vec<Row>> {
    let (bar, hundred) = (progress(6, "selftest"), Duration::from_millis(100));
    let mut rows = vec![];
    for (model, arrivals) in [
        (Model::Constant(hundred), Arrivals::Poisson),
        (Model::Exponential(hundred), Arrivals::Poisson),
        (STALLING, Arrivals::Constant),
    ] {
        bar.set_message(model.to_string());
        let run = load::run(plan(length, arrivals, IN_FLIGHT_MAX), client.calls(model)).await?;
        rows.extend(latencies(&model.to_string(), model, &run.records)?);
        rows.push(lateness(model, &run.generator));
        bar.inc(1);
    }
    for row in [dropped(client, length).await?, cost(client, length).await?] {
        rows.push(row);
        bar.inc(1);
    }
    let waiting = load::closed(CALLERS, length, DRAIN_MAX, client.calls(STALLING)).await?;
    let waiting = latencies(&format!("{STALLING}, asked by a generator that waits"), STALLING, &waiting)?;
    // The counter-example: if it were right as well, the test would prove nothing. It sees the stalls, but far too few of
    // those who would have waited in them: p90 is where that shows.
    rows.extend(waiting.into_iter().skip(1).take(1).map(|row| Row { is_good: !row.is_good, ..row }));
    bar.finish_and_clear();
    Ok(rows)
}

fn plan(length: Duration, arrivals: Arrivals, in_flight_max: usize) -> Plan {
    Plan { rate_per_s: RATE_PER_S, length, arrivals, seed: 1, in_flight_max, drain_max: DRAIN_MAX }
}

/// The percentiles that the samples carry.
fn latencies(name: &str, model: Model, records: &[Record]) -> anyhow::Result<Vec<Row>> {
    let answers: Vec<_> = records.iter().filter_map(Record::answer_s).collect();
    ensure!(answers.len() == records.len(), "{name}: {} calls got no answer", records.len() - answers.len());
    let Quantiles { p50, p90, p99, .. } = Quantiles::of(&answers, 1);
    let quantiles = [("p50", 0.5, p50), ("p90", 0.9, p90), ("p99", 0.99, p99)];
    Ok(quantiles
        .into_iter()
        .filter_map(|(p, q, measured)| Some(Row::judged(format!("{name}, {p}"), measured?.value, model.quantile(q))))
        .collect())
}

fn lateness(model: Model, generator: &Generator) -> Row {
    let what = format!("{model}, lateness of the generator, p99");
    Row { what, measured: generator.lateness_p99_s, theory: None, is_good: generator.warnings.is_empty() }
}

/// Calls that stay for a second, and room for few: most arrivals find none.
async fn dropped(client: &Client, length: Duration) -> anyhow::Result<Row> {
    let calls = client.calls(Model::Constant(Duration::from_secs(1)));
    let run = load::run(plan(length, Arrivals::Constant, IN_FLIGHT_SMALL), calls).await?;
    let dropped = share(run.generator.dropped, run.records.len());
    Ok(Row::judged("share of arrivals dropped".to_owned(), dropped, 1.0 - float(IN_FLIGHT_SMALL) / RATE_PER_S))
}

async fn cost(client: &Client, length: Duration) -> anyhow::Result<Row> {
    let calls = client.calls(Model::Constant(Duration::from_millis(5)));
    let run = load::run(plan(length, Arrivals::Poisson, IN_FLIGHT_MAX), calls).await?;
    let (what, measured) = (format!("CPU of the generator in cores (≤ {CPU_MAX})"), run.generator.cpu_share);
    Ok(Row { what, measured, theory: None, is_good: measured <= CPU_MAX })
}

fn share(part: usize, whole: usize) -> f64 {
    float(part) / float(whole)
}

#[cfg(test)]
mod tests {
    use super::{super::stub, *};

    /// Two fifths of the time the stub stands still.
    const STALLING: Model = Model::Stalling {
        stay: Duration::from_millis(20),
        stall: Duration::from_millis(400),
        period: Duration::from_secs(1),
    };

    fn p90(records: &[Record]) -> f64 {
        let answers: Vec<_> = records.iter().filter_map(Record::answer_s).collect();
        Quantiles::of(&answers, 1).p90.expect("more than a hundred").value
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn stalls_are_seen_by_the_generator_and_overlooked_by_one_that_waits() {
        let client = Client::new(&stub::start(0).expect("the stub starts").to_string()).expect("a client");
        let length = Duration::from_secs(3);

        let open = load::run(plan(length, Arrivals::Constant, IN_FLIGHT_MAX), client.calls(STALLING)).await;
        let waiting = load::closed(4, length, DRAIN_MAX, client.calls(STALLING)).await;
        let (open, waiting) = (p90(&open.expect("it ran").records), p90(&waiting.expect("it ran")));

        // 320 ms in theory; whoever waits sees 20 ms.
        assert!(open > 0.25, "the generator says {open} s");
        assert!(waiting < 0.2, "one that waits says {waiting} s");
    }
}
