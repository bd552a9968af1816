//! What every service gets with its route table.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use chassis::{Problem, Readiness, Server, serve};
use reqwest::{Client, Response, header};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(serve::resource("/ok", "GET").route(web::get().to(async || "fine")))
        .service(serve::resource("/refuse", "POST").route(web::post().to(refuse)));
}

async fn refuse() -> HttpResponse {
    let problem = Problem::new(409, "/problems/test", "Refused", "not today").retry_after(Duration::from_millis(1500));
    actix_web::ResponseError::error_response(&problem)
}

pub(crate) fn start(readiness: Readiness, routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> Server {
    chassis::metrics::install();
    let listener = serve::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    Server::start("test", listener, readiness, Duration::from_secs(2), routes).expect("it serves")
}

fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

async fn get(server: &Server, path: &str) -> Response {
    client().get(format!("http://{}{path}", server.address())).send().await.expect("an answer")
}

#[tokio::test]
async fn a_request_keeps_its_id_or_gets_one() {
    let server = start(Readiness::default(), routes);
    for (sent, kept) in [(Some("abc-1"), true), (Some("no spaces please"), false), (None, false)] {
        let mut call = client().get(format!("http://{}/nowhere", server.address()));
        if let Some(id) = sent {
            call = call.header("X-Request-Id", id);
        }
        let answer = call.send().await.expect("an answer");
        let id = answer.headers()["x-request-id"].to_str().expect("text").to_owned();
        assert_eq!(Some(id.as_str()) == sent, kept);
        let problem: Problem = answer.json().await.expect("a problem");
        assert_eq!((problem.status, problem.request_id), (404, id));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_right_ones() {
    let server = start(Readiness::default(), routes);
    let answer = get(&server, "/refuse").await;
    assert_eq!((answer.status().as_u16(), &answer.headers()[header::ALLOW]), (405, &"POST".parse().expect("a value")));
    assert_eq!(answer.headers()[header::CONTENT_TYPE], chassis::problem::CONTENT_TYPE);
    server.stop().await;
}

#[tokio::test]
async fn ready_says_what_is_missing_and_live_does_not_care() {
    let readiness =
        Readiness::default().with("store", async || Ok(())).with("broker", async || Err("nobody answers".to_owned()));
    let server = start(readiness.clone(), routes);
    let answer = get(&server, "/readyz").await;
    assert_eq!(answer.status(), 503);
    let text = answer.text().await.expect("text");
    assert!(text.contains(r#""broker":"nobody answers""#) && text.contains(r#""store":"ok""#), "{text}");
    assert_eq!(get(&server, "/livez").await.status(), 200);

    readiness.drain();
    assert!(get(&server, "/readyz").await.text().await.expect("text").contains("draining"));
    server.stop().await;
}

#[tokio::test]
async fn a_dependency_that_is_only_reported_takes_no_traffic_away() {
    let server = start(Readiness::default().reporting("broker", async || Err("nobody answers".to_owned())), routes);
    let answer = get(&server, "/readyz").await;
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.expect("text");
    assert!(text.contains(r#""broker":"nobody answers""#), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status() {
    let server = start(Readiness::default(), routes);
    get(&server, "/ok").await;
    get(&server, "/not/a/route").await;
    let metrics = get(&server, "/metrics").await.text().await.expect("text");
    for line in [
        r#"tapedeck_requests_total{service="test",route="/ok",method="GET",status="200"}"#,
        r#"tapedeck_requests_total{service="test",route="unmatched",method="GET",status="404"}"#,
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stop_waits_for_running_requests_and_no_longer_than_it_may() {
    let (began, mut beginnings) = mpsc::channel::<()>(2);
    let server = start(Readiness::default(), move |config: &mut ServiceConfig| {
        let began = began.clone();
        config.route(
            "/slow/{ms}",
            web::get().to(move |ms: web::Path<u64>| {
                let began = began.clone();
                async move {
                    let _ = began.send(()).await;
                    tokio::time::sleep(Duration::from_millis(*ms)).await;
                    "done"
                }
            }),
        );
    });
    let address = server.address();
    let call = |ms: u64| tokio::spawn(client().get(format!("http://{address}/slow/{ms}")).send());
    let (short, endless) = (call(300), call(600_000));
    beginnings.recv().await.expect("one began");
    beginnings.recv().await.expect("the other began");

    let asked = Instant::now();
    timeout(PATIENCE, server.stop()).await.expect("the stop has an end");

    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!(short.await.expect("the task ends").expect("it was waited for").status(), 200);
    assert!(endless.await.expect("the task ends").is_err(), "it was cut off");
}

#[tokio::test]
async fn a_silent_body_that_nobody_reads_holds_no_connection() {
    let server = start(Readiness::default(), routes);
    for path in ["/livez", "/ok", "/nowhere"] {
        let mut client = TcpStream::connect(server.address()).await.expect("a connection");
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n");
        client.write_all(head.as_bytes()).await.expect("the server reads");
        let mut answer = Vec::new();
        timeout(PATIENCE, client.read_to_end(&mut answer))
            .await
            .expect("it is closed")
            .expect("the answer can be read");
        assert!(answer.starts_with(b"HTTP/1.1 "), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_refused_client_reads_the_answer_and_is_not_listened_to_for_ever() {
    let server = start(Readiness::default(), routes);
    let mut client = TcpStream::connect(server.address()).await.expect("a connection");
    let head = "POST /refuse HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n";
    client.write_all(head.as_bytes()).await.expect("the server reads");
    let (mut reader, mut writer) = client.into_split();
    // Sends for as long as somebody reads.
    let sending = tokio::spawn(async move {
        let chunk = [b"10000\r\n".as_slice(), &vec![0; 0x10000], b"\r\n"].concat();
        while writer.write_all(&chunk).await.is_ok() {}
    });
    let mut answer = vec![0; 12];
    timeout(PATIENCE, reader.read_exact(&mut answer)).await.expect("in time").expect("the answer can be read");
    assert_eq!(answer, b"HTTP/1.1 409");
    timeout(PATIENCE, sending).await.expect("the connection is closed").expect("the task ends");
    server.stop().await;
}

#[test]
fn a_problem_has_whole_seconds_to_wait() {
    let problem = |ms| Problem::new(503, "/problems/busy", "Busy", "d").retry_after(Duration::from_millis(ms));
    assert_eq!([0, 1, 1000, 1001].map(|ms| problem(ms).retry_after), [Some(1), Some(1), Some(1), Some(2)]);
}

/// A head, and a body that comes a moment later: two writes.
async fn streamed() -> HttpResponse {
    let body = futures_util::stream::once(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok::<_, std::io::Error>(web::Bytes::from_static(b"body"))
    });
    HttpResponse::Ok().body(actix_web::body::SizedStream::new(4, body))
}

#[tokio::test]
async fn a_streamed_answer_does_not_wait_for_acknowledgements() {
    let server = start(Readiness::default(), |config| {
        config.route("/streamed", web::get().to(streamed));
    });
    // One connection; Linux acknowledges its first packets at once, and the later ones after 40 ms.
    let (client, url) = (client(), format!("http://{}/streamed", server.address()));
    let mut waits = Vec::new();
    for _ in 0..60 {
        let asked = Instant::now();
        let answer = client.get(&url).send().await.expect("an answer");
        assert_eq!(answer.bytes().await.expect("a body"), "body");
        waits.push(asked.elapsed());
    }
    waits.sort_unstable();
    assert!(waits[waits.len() / 2] < Duration::from_millis(30), "{waits:?}");
    server.stop().await;
}
