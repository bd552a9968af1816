//! `kill -9` of a service under load.

use crate::{
    cluster::Cluster,
    process::Process,
    servers::turn,
    tell,
    traffic::{Record, Traffic},
    wait::until,
};

/// Uploads that go through before and after a kill.
const SOME: usize = 6;
/// Kills of each kind.
const KILLS: usize = 3;

#[tokio::test]
async fn uploads_that_a_killed_converter_cut_off_succeed_with_their_keys() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start(turn.servers).await;
    let (alice, _) = cluster.user("alice").await;
    let traffic = Traffic::start(&alice, &cluster.bases());
    for n in 0..KILLS {
        traffic.goes_on(SOME).await;
        let victim = &mut cluster.converters[n % 2];
        works(victim, &cluster.http).await;
        victim.kill();
        traffic.goes_on(SOME).await;
        victim.restart().await;
    }
    traffic.goes_on(SOME).await;
    let record = traffic.finish().await;
    record.assert_all_there(&alice).await;
    assert!(record.counts().contains_key("502 /problems/converter-lost"), "an upload was cut off");
    assert_only(&record, &["201", "409 /problems/in-progress", "502 /problems/converter-lost"]);
    tell(&format!("{KILLS} converters killed: {:.1?}", record.counts()));
}

#[tokio::test]
async fn uploads_that_a_killed_gateway_cut_off_succeed_at_the_other() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start(turn.servers).await;
    let (alice, _) = cluster.user("alice").await;
    let traffic = Traffic::start(&alice, &cluster.bases());
    for n in 0..KILLS {
        traffic.goes_on(SOME).await;
        let victim = &mut cluster.gateways[n % 2];
        victim.kill();
        traffic.goes_on(SOME).await;
        victim.restart().await;
    }
    traffic.goes_on(SOME).await;
    let record = traffic.finish().await;
    record.assert_all_there(&alice).await;
    assert!(record.counts().contains_key("lost"), "an upload was cut off");
    assert_only(&record, &["201", "409 /problems/in-progress", "lost", "unreachable"]);
    tell(&format!("{KILLS} gateways killed: {:.1?}", record.counts()));
}

/// Waits until a converter has an upload in its hands.
async fn works(converter: &Process, http: &reqwest::Client) {
    until("the converter works", async || converter.metric(http, "tapedeck_permits_used").await > 0).await;
}

/// Nothing else was answered: what a kill costs is known.
fn assert_only(record: &Record, outcomes: &[&str]) {
    let counts = record.counts();
    assert!(counts.keys().all(|outcome| outcomes.contains(outcome)), "{counts:?}");
}
