//! Converters that come and go under load.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    servers::turn,
    tell,
    traffic::Traffic,
    wait::{until, within},
};

/// From a converter's place on the list until it has its share.
const SHARE_MAX: Duration = Duration::from_secs(10);
/// From the last restart until every mail is there.
const MAILS_MAX: Duration = Duration::from_secs(30);
/// Uploads that go through before and after a change.
const SOME: usize = 6;
/// Conversions of one converter.
const DONE: &str = "tapedeck_conversions_total{outcome=\"done\"}";

#[tokio::test]
async fn a_new_converter_gets_its_share_and_a_drained_one_loses_nothing() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start(turn.servers).await;
    let (alice, _) = cluster.user("alice").await;
    let traffic = Traffic::start(&alice, &cluster.bases());
    traffic.goes_on(SOME).await;

    cluster.add_converter().await;
    let took = within(SHARE_MAX, "the new converter works", async || {
        cluster.converters[2].metric(&cluster.http, DONE).await > 0
    })
    .await;
    // Also the other gateway has heard of it then.
    traffic.goes_on(SOME).await;
    let before = [0, 1, 2].map(|n| &cluster.converters[n]).map(|at| at.metric(&cluster.http, DONE));
    let before = futures_util::future::join_all(before).await;
    traffic.goes_on(SOME * 4).await;
    let after = [0, 1, 2].map(|n| &cluster.converters[n]).map(|at| at.metric(&cluster.http, DONE));
    let after = futures_util::future::join_all(after).await;
    let shares: Vec<_> = before.iter().zip(&after).map(|(before, after)| after - before).collect();
    // A third each; chance and a slow machine leave it at least a tenth.
    assert!(shares[2] * 10 >= shares.iter().sum(), "{shares:?}");

    // As a rollout does it: the process is told to end, and leaves the list when the platform notices.
    until("it has an upload in its hands", async || {
        cluster.converters[0].metric(&cluster.http, "tapedeck_permits_used").await > 0
    })
    .await;
    let ended = cluster.converters[0].terminate().await;
    assert_eq!(ended, Some(0));
    traffic.goes_on(SOME).await;
    drop(cluster.unlist_converter(0));
    traffic.goes_on(SOME).await;
    let record = traffic.finish().await;
    record.assert_all_there(&alice).await;
    assert_eq!(record.counts().into_keys().collect::<Vec<_>>(), ["201"], "{:?}", record.counts());
    tell(&format!("a third converter works after {took:.1?}; shares {shares:?}; one drained: {:.1?}", record.counts()));
}

#[tokio::test]
async fn a_rollout_behind_the_gateways_costs_nobody_an_upload_or_a_mail() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;
    let traffic = Traffic::start(&alice, &cluster.bases());
    traffic.goes_on(SOME).await;
    for process in cluster.converters.iter_mut().chain([&mut cluster.notifier]) {
        assert_eq!(process.terminate().await, Some(0));
        process.restart().await;
        traffic.goes_on(SOME).await;
    }
    let record = traffic.finish().await;
    assert_eq!(record.counts().into_keys().collect::<Vec<_>>(), ["201"], "{:?}", record.counts());
    let (mails, copies) = record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
    assert_eq!(copies, 0, "an orderly end repeats no mail");
    record.assert_all_there(&alice).await;
    tell(&format!("converters and notifier restarted: {mails} mails; {:.1?}", record.counts()));
}
