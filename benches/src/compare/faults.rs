//! Something dies in the middle of a run.

use std::time::Duration;

use super::{
    clips::Clips,
    cluster::Cluster,
    point::{Measured, Point, Target},
    starter::Starter,
    summary::Fault,
};
use crate::{
    load::{Outcome, Record},
    system::Servers,
};

/// Into the run: long enough to see how it goes without a failure.
const BEGIN: Duration = Duration::from_secs(10);
/// Until somebody, or a supervisor, has started a killed converter again.
const DOWN: Duration = Duration::from_secs(3);
/// An upload that takes so many times the longest before the failure is not as before.
const AS_BEFORE: f64 = 2.0;

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Converter,
    Broker,
    Store,
}

impl Failure {
    pub(super) const ALL: [Self; 3] = [Self::Converter, Self::Broker, Self::Store];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Converter => "converter killed",
            Self::Broker => "broker restarted",
            Self::Store => "store restarted",
        }
    }
}

/// Offers the load to the four services as processes, and lets one thing fail.
pub(super) async fn measure(
    starter: &Starter<'_>,
    servers: &Servers,
    failure: Failure,
    point: &Point,
    clips: &Clips,
) -> anyhow::Result<(Fault, Vec<Record>)> {
    let mut cluster = starter.cluster(servers).await?;
    // What a killed process has used is known to nobody.
    let pids = if failure == Failure::Converter { vec![] } else { cluster.pids() };
    let target = Target { base: cluster.base.clone(), token: cluster.token.clone(), pids };
    target.warm_up(point.flow, clips).await?;
    let (measured, span) = tokio::join!(point.run(&target, clips), fail(&mut cluster, servers, failure));
    let (Measured { summary: run, records }, (began_s, mended_s)) = (measured?, span?);
    let recovered_after_s = recovered_after(&records, began_s);
    let what = failure.name().to_owned();
    Ok((Fault { what, began_s, mended_s, recovered_after_s, run }, records))
}

/// Seconds since the start of the run: when it failed, and when what had failed was back.
async fn fail(cluster: &mut Cluster, servers: &Servers, failure: Failure) -> anyhow::Result<(f64, f64)> {
    let started = tokio::time::Instant::now();
    tokio::time::sleep(BEGIN).await;
    let began = started.elapsed();
    match failure {
        Failure::Converter => {
            cluster.kill_converter();
            tokio::time::sleep(DOWN).await;
            cluster.start_converter().await?;
        }
        Failure::Broker => restart(&servers.rabbit),
        Failure::Store => restart(&servers.mongo),
    }
    Ok((began.as_secs_f64(), started.elapsed().as_secs_f64()))
}

/// `kill -9`, and a start over the same data; calls and answers pass on other threads.
fn restart(server: &testbed::Server) {
    tokio::task::block_in_place(|| {
        server.kill();
        server.restart();
    });
}

/// Seconds from the failure to the first arrival from which on every upload went as before.
fn recovered_after(records: &[Record], began_s: f64) -> Option<f64> {
    let before = records.iter().filter(|record| record.finished_s.is_some_and(|at| at < began_s));
    let longest = before.filter_map(Record::downloadable_s).fold(0.0, f64::max);
    let is_as_before = |record: &Record| {
        record.outcome == Outcome::Done && record.downloadable_s().is_some_and(|took| took <= longest * AS_BEFORE)
    };
    let Some(last_bad) = records.iter().rposition(|record| record.intended_s >= began_s && !is_as_before(record))
    else {
        return Some(0.0);
    };
    records.get(last_bad + 1).map(|record| record.intended_s - began_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(intended_s: f64, took_s: f64, outcome: Outcome) -> Record {
        let ended = Some(intended_s + took_s);
        let (sent_s, answered_s, finished_s) = (Some(intended_s), ended, ended);
        Record { number: 0, intended_s, sent_s, answered_s, finished_s, outcome, id: None }
    }

    #[test]
    fn recovered_is_when_all_that_follow_go_as_before() {
        let failed = Outcome::Failed { status: Some(503) };
        let run = [
            record(1.0, 0.5, Outcome::Done),
            record(5.0, 0.1, failed),
            record(6.0, 0.4, Outcome::Done),
            record(7.0, 4.0, Outcome::Done),
            record(8.0, 0.4, Outcome::Done),
        ];

        assert_eq!(recovered_after(&run, 4.0), Some(4.0));
        assert_eq!(recovered_after(&run[..4], 4.0), None, "the last one was slow");
        assert_eq!(recovered_after(&run, 7.5), Some(0.0));
    }
}
