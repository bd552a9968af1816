//! The queued flow on real servers: who shares its jobs, and what each loss costs.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    answer::expect,
    caller::{Caller, clip},
    cluster::Cluster,
    servers::{Leave, turn},
    tell,
    traffic::Record,
    wait::{until, within},
};

/// Uploads of one test, or of one part of it.
const MANY: usize = 30;
const SOME: usize = 12;
/// Longest until all that was accepted is done, the loss of a converter or a server included.
const DONE_MAX: Duration = Duration::from_mins(2);
/// From then on until each mail is there.
const MAILS_MAX: Duration = Duration::from_secs(30);
/// Claims of jobs, as each converter counts them.
const CLAIMED: &str = "tapedeck_jobs_total{outcome=\"claimed\"}";

/// Uploads at both gateways in turn, all at once, which must be accepted; their ids.
async fn accepted(cluster: &Cluster, caller: &Caller, count: usize) -> Vec<String> {
    let (bases, run) = (cluster.bases(), testbed::unique("run"));
    let uploads = (0..count).map(async |n| {
        let upload = caller.at(bases[n % bases.len()].clone()).upload(&format!("{run}-{n}"), clip());
        let answer = upload.header("prefer", "respond-async").send().await.expect("an answer");
        expect(answer, 202).await["id"].as_str().expect("an id").to_owned()
    });
    join_all(uploads).await
}

/// Waits until all of these are done.
async fn all_done(caller: &Caller, ids: &[String]) -> Record {
    let mut record = Record::default();
    within(DONE_MAX, "all are done", async || {
        let mut listed = caller.list().await;
        listed.retain(|found| ids.iter().any(|id| found["id"] == id.as_str()));
        assert_eq!(listed.len(), ids.len(), "none is lost");
        let failed = listed.iter().find(|found| found["state"] == "failed");
        assert!(failed.is_none(), "{failed:?}");
        record.done = listed;
        record.done.iter().all(|found| found["state"] == "done")
    })
    .await;
    record
}

async fn claims(cluster: &Cluster) -> Vec<u64> {
    join_all(cluster.converters.iter().map(|converter| converter.metric(&cluster.http, CLAIMED))).await
}

async fn states(caller: &Caller, ids: &[String]) -> Vec<Value> {
    let listed = caller.list().await;
    listed
        .into_iter()
        .filter(|found| ids.iter().any(|id| found["id"] == id.as_str()))
        .map(|f| f["state"].clone())
        .collect()
}

#[tokio::test]
async fn queued_uploads_are_shared_by_the_converters_and_each_becomes_one_mp3_and_one_mail() {
    let Some(turn) = turn().await else { return };
    let cluster = Cluster::start_queued(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;

    let ids = accepted(&cluster, &alice, MANY).await;
    let record = all_done(&alice, &ids).await;

    let claims = claims(&cluster).await;
    assert!(claims.iter().all(|&claims| claims > 0), "both convert: {claims:?}");
    assert_eq!(claims.iter().sum::<u64>(), MANY as u64, "each once");
    assert_eq!(alice.list().await.len(), MANY);
    record.assert_all_there(&alice).await;
    let (mails, copies) = record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
    assert_eq!((mails, copies), (MANY, 0));
    tell(&format!("{MANY} queued uploads: the converters took {claims:?}"));
}

#[tokio::test]
async fn jobs_of_a_killed_converter_are_done_by_the_other_one() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start_queued(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;
    let mut all = Vec::new();
    for n in 0..2 {
        let mut ids = Vec::new();
        // Further ones where it has nothing left to do.
        until("it converts", async || {
            ids.extend(accepted(&cluster, &alice, SOME).await);
            cluster.converters[n].metric(&cluster.http, "tapedeck_permits_used").await > 0
        })
        .await;
        cluster.converters[n].kill();
        assert!(states(&alice, &ids).await.iter().any(|state| *state != "done"), "it was killed in the middle");
        all_done(&alice, &ids).await;
        cluster.converters[n].restart().await;
        all.extend(ids);
    }
    let record = all_done(&alice, &all).await;
    record.assert_all_there(&alice).await;
    let (mails, copies) = record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
    tell(&format!("2 converters killed: {mails} mails, {copies} copies"));
}

#[tokio::test]
async fn uploads_are_accepted_without_a_broker_and_converted_once_it_is_back() {
    let Some(turn) = turn().await else { return };
    let cluster = Cluster::start_queued(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;
    let mut all = accepted(&cluster, &alice, SOME).await;
    for how in [Leave::Stopped, Leave::Killed, Leave::Silenced] {
        // Some jobs wait at the broker when it leaves.
        all.extend(accepted(&cluster, &alice, SOME).await);
        turn.servers.rabbit.leave(how).await;
        let without = accepted(&cluster, &alice, SOME).await;
        for gateway in &cluster.gateways {
            assert_eq!(gateway.readiness(&cluster.http).await.0, 200, "a gateway is ready all the same");
        }
        assert!(states(&alice, &without).await.iter().all(|state| *state == "queued"), "nobody was told of them");
        turn.servers.rabbit.come_back().await;
        all.extend(without);
        all_done(&alice, &all).await;
    }
    let record = all_done(&alice, &all).await;
    record.assert_all_there(&alice).await;
    record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
}

#[tokio::test]
async fn without_a_store_nothing_is_accepted_and_what_was_is_done_later() {
    let Some(turn) = turn().await else { return };
    let cluster = Cluster::start_queued(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;
    let mut all = Vec::new();
    for how in [Leave::Killed, Leave::Stopped, Leave::Silenced] {
        let ids = accepted(&cluster, &alice, SOME).await;
        turn.servers.mongo.leave(how).await;
        for base in cluster.bases() {
            let upload = alice.at(base).upload(&testbed::unique("refused"), clip()).header("prefer", "respond-async");
            let refused = upload.send().await.expect("an answer");
            assert!(refused.headers().contains_key("retry-after"));
            assert_eq!(expect(refused, 503).await["type"], "/problems/unavailable");
        }
        turn.servers.mongo.come_back().await;
        until("all services are ready", async || cluster.is_ready().await).await;
        all.extend(ids);
        all_done(&alice, &all).await;
    }
    let record = all_done(&alice, &all).await;
    record.assert_all_there(&alice).await;
    record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
}

#[tokio::test]
async fn an_upload_that_a_killed_gateway_cut_off_is_accepted_at_the_other_one_with_its_key() {
    let Some(turn) = turn().await else { return };
    let mut cluster = Cluster::start_queued(turn.servers).await;
    let (alice, email) = cluster.user("alice").await;
    let other = alice.at(cluster.gateways[1].url(""));
    let (key, video) = (testbed::unique("key"), clip());
    let head = format!(
        "PUT /upload/tone.mp4 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nprefer: respond-async\r\n\
         idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
        alice.token,
        video.len()
    );
    let mut client = TcpStream::connect(cluster.gateways[0].address()).await.expect("a connection");
    client.write_all(&[head.as_bytes(), &video[..video.len() / 2]].concat()).await.expect("the gateway reads");
    until("it is under way", async || !other.list().await.is_empty()).await;

    cluster.gateways[0].kill();

    let mut id = String::new();
    until("the retry is accepted", async || {
        let retry = other.upload(&key, video.clone()).header("prefer", "respond-async").send().await;
        let retry = retry.expect("an answer");
        if retry.status() != 202 {
            assert_eq!(expect(retry, 409).await["type"], "/problems/in-progress", "until the lease ends");
            return false;
        }
        expect(retry, 202).await["id"].as_str().expect("an id").clone_into(&mut id);
        true
    })
    .await;
    let record = all_done(&other, &[id]).await;
    assert_eq!(other.list().await.len(), 1, "one key, one conversion");
    record.assert_all_there(&other).await;
    record.assert_mailed(turn.servers, &email, MAILS_MAX).await;
}
