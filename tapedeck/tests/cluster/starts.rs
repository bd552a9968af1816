//! Services that start before their servers.

use std::time::Duration;

use crate::{
    cluster::Cluster,
    process::Process,
    servers::{Leave, turn},
    tell,
    wait::within,
};

/// From the return of the last server until all services are ready.
const READY_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn services_start_without_any_server_and_say_what_is_missing() {
    let Some(turn) = turn().await else { return };
    let servers = turn.servers;
    for real in servers.all() {
        real.leave(Leave::Stopped).await;
    }

    let cluster = Cluster::launch(servers).await;

    for process in cluster.processes() {
        let alive = cluster.http.get(process.url("/livez")).send().await.expect("an answer");
        assert_eq!(alive.status(), 200);
    }
    assert_missing(&cluster, &cluster.auth, &["users"]).await;
    assert_missing(&cluster, &cluster.gateways[0], &["auth", "store"]).await;
    assert_missing(&cluster, &cluster.converters[0], &["broker", "store"]).await;
    assert_missing(&cluster, &cluster.notifier, &["broker", "mail", "store"]).await;

    let [mysql, mongo, rabbit, mail] = servers.all();
    tokio::join!(mysql.come_back(), mongo.come_back(), mail.come_back());
    // Neither of them needs the broker, so they take uploads before it is there.
    let ready = within(READY_MAX, "auth, gateways and converters are ready", async || {
        let mut is_ready = true;
        for process in [&cluster.auth].into_iter().chain(&cluster.gateways).chain(&cluster.converters) {
            is_ready &= process.readiness(&cluster.http).await.0 == 200;
        }
        is_ready
    })
    .await;
    let (alice, email) = cluster.user("alice").await;
    let done = alice.convert("k").await;
    alice.assert_downloads(&done).await;
    assert_missing(&cluster, &cluster.notifier, &["broker"]).await;

    rabbit.come_back().await;
    let all = within(READY_MAX, "all services are ready", async || cluster.is_ready().await).await;
    within(READY_MAX, "the mail came", async || servers.mails(&email).await.len() == 1).await;
    tell(&format!("servers away at the start: ready {ready:.1?} after their return; with the broker {all:.1?}"));
}

/// The service is not ready and names exactly these dependencies.
async fn assert_missing(cluster: &Cluster, process: &Process, wanted: &[&str]) {
    let (status, report) = process.readiness(&cluster.http).await;
    let checks = report["checks"].as_object().expect("a report");
    let missing: Vec<_> = checks.iter().filter(|(_, said)| *said != "ok").map(|(name, _)| name.as_str()).collect();
    assert_eq!((status, &missing[..]), (503, wanted), "{report}");
}
