//! A server goes away under traffic and comes back: what callers are told meanwhile, and that nothing is lost.

use std::time::{Duration, Instant};

use reqwest::RequestBuilder;
use serde_json::Value;

use crate::{
    answer::expect,
    caller::Caller,
    cluster::Cluster,
    servers::{ADMIN_PASSWORD, Leave, Real, Servers, turn},
    tell,
    traffic::{Record, Traffic},
    wait::{until, within},
};

/// What callers are promised while a server is away.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Longest answer to what was under way when the store left: an mp3 is stored again until its lease ends (5 s here), a
/// commit whose fate is open is looked after for 5 s, and a claim given back, which takes one operation more.
const CAUGHT_ANSWER_MAX: Duration = Duration::from_secs(15);
/// From the server's return until everything works again, without a restart of any service.
const RECOVERY_MAX: Duration = Duration::from_secs(10);
/// From the return of broker or mail server until every mail is there.
const MAILS_MAX: Duration = Duration::from_secs(30);
/// Uploads that go through before, during or after an outage.
const SOME: usize = 6;
/// Uploads that are refused while the server is away, beside those that its leaving caught.
const REFUSALS: usize = 8;

#[tokio::test]
async fn uploads_go_on_without_a_broker_and_every_mail_comes_later() {
    let Some(turn) = turn().await else { return };
    let is_missed = async |cluster: &Cluster| {
        let (_, report) = cluster.converters[0].readiness(&cluster.http).await;
        report["checks"]["broker"] != "ok"
    };
    announcements_wait("broker", turn.servers, &turn.servers.rabbit, is_missed).await;
}

#[tokio::test]
async fn uploads_go_on_without_a_mail_server_and_every_mail_comes_later() {
    let Some(turn) = turn().await else { return };
    let is_missed = async |cluster: &Cluster| {
        let failed = "tapedeck_deliveries_total{outcome=\"retry_later\"}";
        cluster.notifier.metric(&cluster.http, failed).await > 0
    };
    announcements_wait("mail server", turn.servers, &turn.servers.mail, is_missed).await;
}

/// `is_missed` says whether the services have met the loss.
async fn announcements_wait(
    what: &str,
    servers: &'static Servers,
    real: &'static Real,
    is_missed: impl AsyncFn(&Cluster) -> bool,
) {
    let cluster = Cluster::start(servers).await;
    let (alice, email) = cluster.user("alice").await;
    let traffic = Traffic::start(&alice, &cluster.bases());
    let mut back = Instant::now();
    for how in [Leave::Killed, Leave::Stopped] {
        traffic.goes_on(SOME).await;
        real.leave(how).await;
        until("the loss is felt", async || is_missed(&cluster).await).await;
        traffic.goes_on(SOME).await;
        for gateway in &cluster.gateways {
            assert_eq!(gateway.readiness(&cluster.http).await.0, 200, "{what} away: a gateway is ready all the same");
        }
        real.come_back().await;
        back = Instant::now();
    }
    let record = traffic.finish().await;
    assert_eq!(record.counts().into_keys().collect::<Vec<_>>(), ["201"], "{:?}", record.counts());

    let (mails, copies) = record.assert_mailed(servers, &email, MAILS_MAX).await;
    let took = back.elapsed();
    tell(&format!("{what} away: {mails} mails after {took:.1?}, {copies} copies; {:.1?}", record.counts()));
    record.assert_all_there(&alice).await;
}

#[tokio::test]
async fn without_a_store_uploads_and_reads_get_503_and_nothing_is_lost() {
    let Some(turn) = turn().await else { return };
    let (servers, real) = (turn.servers, &turn.servers.mongo);
    let cluster = Cluster::start(servers).await;
    let (alice, _) = cluster.user("alice").await;
    let before = alice.convert("before").await;
    let id = before["id"].as_str().expect("an id");
    for how in [Leave::Killed, Leave::Stopped, Leave::Silenced] {
        let began = Instant::now();
        let traffic = Traffic::start(&alice, &cluster.bases());
        traffic.goes_on(SOME).await;
        real.leave(how).await;
        let away = Instant::now();
        let reads = |caller: &Caller| {
            ["/conversions", "/conversions?key=before", &format!("/conversions/{id}"), &format!("/download?fid={id}")]
                .map(|path| caller.get(path))
        };
        let longest = assert_unavailable(&cluster, || {
            let callers: Vec<_> = cluster.bases().into_iter().map(|base| alice.at(base)).collect();
            callers.iter().flat_map(reads).collect()
        })
        .await;
        traffic.is_refused(REFUSALS).await;

        real.come_back().await;
        let back = Instant::now();
        let recovered = within(RECOVERY_MAX, "all services are ready", async || cluster.is_ready().await).await;
        assert_reads(&alice, id).await;
        traffic.goes_on_within(RECOVERY_MAX, SOME).await;
        let served = back.elapsed();
        let record = traffic.finish().await;
        record.assert_all_there(&alice).await;
        tell(&format!(
            "store {how:?}: ready {recovered:.1?} after its return, uploads done {served:.1?}; reads refused in {longest:.1?}; \
             {:.1?}",
            record.counts()
        ));
        assert_refused(&record, began, away, back);
    }
}

async fn assert_reads(caller: &Caller, id: &str) {
    assert_eq!(expect(caller.status(id).await, 200).await["state"], "done");
}

#[tokio::test]
async fn without_users_every_request_gets_503() {
    let Some(turn) = turn().await else { return };
    let (servers, real) = (turn.servers, &turn.servers.mysql);
    let cluster = Cluster::start(servers).await;
    let (alice, _) = cluster.user("alice").await;
    for how in [Leave::Killed, Leave::Stopped, Leave::Silenced] {
        let began = Instant::now();
        let traffic = Traffic::start(&alice, &cluster.bases());
        traffic.goes_on(SOME).await;
        real.leave(how).await;
        let away = Instant::now();
        let longest = assert_unavailable(&cluster, || {
            let logins = cluster
                .bases()
                .into_iter()
                .map(|base| cluster.http.post(format!("{base}/login")).basic_auth("admin", Some(ADMIN_PASSWORD)));
            let reads = cluster.bases().into_iter().map(|base| alice.at(base).get("/conversions"));
            logins.chain(reads).collect()
        })
        .await;
        traffic.is_refused(REFUSALS).await;

        real.come_back().await;
        let back = Instant::now();
        let recovered = within(RECOVERY_MAX, "all services are ready", async || cluster.is_ready().await).await;
        cluster.admin().await;
        traffic.goes_on_within(RECOVERY_MAX, SOME).await;
        let served = back.elapsed();
        let record = traffic.finish().await;
        record.assert_all_there(&alice).await;
        tell(&format!(
            "users {how:?}: ready {recovered:.1?} after their return, uploads done {served:.1?}; refused in {longest:.1?}; {:.1?}",
            record.counts()
        ));
        assert_refused(&record, began, away, back);
    }
}

/// All of these calls, at once, are told in time to come again later; and each service says that it is alive. Answers
/// with the longest wait.
async fn assert_unavailable(cluster: &Cluster, calls: impl Fn() -> Vec<RequestBuilder>) -> Duration {
    let mut longest = Duration::ZERO;
    // Twice: at once after the loss, and when every driver knows of it.
    for _ in 0..2 {
        let calls: Vec<_> = calls()
            .into_iter()
            .map(|call| {
                tokio::spawn(async move {
                    let asked = Instant::now();
                    (call.send().await.expect("an answer"), asked.elapsed())
                })
            })
            .collect();
        for call in calls {
            let (answer, took) = call.await.expect("no panic");
            assert!(answer.headers().contains_key("retry-after"), "{answer:?}");
            let problem: Value = expect(answer, 503).await;
            assert_eq!(problem["type"], "/problems/unavailable", "{problem}");
            assert!(took < ANSWER_MAX, "{took:?}");
            longest = longest.max(took);
        }
        for process in cluster.processes() {
            let alive = cluster.http.get(process.url("/livez")).send().await.expect("an answer");
            assert_eq!(alive.status(), 200);
        }
    }
    longest
}

/// While the server was away, no upload was answered but by a 503 in time; what was caught by its leaving, by one
/// at last.
fn assert_refused(record: &Record, began: Instant, away: Instant, back: Instant) {
    let during = record.refusals(away, back);
    assert!(!during.is_empty(), "uploads were refused");
    for answer in during {
        assert!(answer.outcome.starts_with("503 ") && answer.has_retry_after, "{answer:?}");
        assert!(answer.took < ANSWER_MAX, "{answer:?}");
    }
    for answer in record.refusals(began, away) {
        assert!(answer.outcome.starts_with("503 ") && answer.has_retry_after, "{answer:?}");
        assert!(answer.took < CAUGHT_ANSWER_MAX, "{answer:?}");
    }
}
