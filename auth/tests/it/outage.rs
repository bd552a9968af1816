//! The service while its server is away, silent, or back again.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use auth::{ServiceConfig, Users};
use serde_json::Value;
use testbed::{Kind, Server, or_skip};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::service::{ADMIN_PASSWORD, TestAuth, create_admin, eventually};

/// What the callers of auth are promised.
const ANSWER_MAX: Duration = Duration::from_secs(5);
const RECOVERY_MAX: Duration = Duration::from_secs(10);

/// A server of the test alone, with the schema and the admin; `None` where the test is to be skipped.
async fn server() -> Option<Server> {
    let server = or_skip(Server::start(Kind::Mysql))?;
    let users = users(&server);
    users.migrate().await.expect("an empty database");
    create_admin(&users).await;
    Some(server)
}

fn users(server: &Server) -> Users {
    Users::open(server.url(), "a test").expect("a good address")
}

async fn start(server: &Server) -> TestAuth {
    let folder = tempfile::tempdir().expect("a temporary folder");
    TestAuth::on(users(server), ServiceConfig::default(), folder).await
}

/// Status and report.
async fn readiness(auth: &TestAuth) -> (u16, Value) {
    let response = auth.http.get(auth.url("/readyz")).send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// Logins and validations, several at once, are refused in time and told when to come again.
async fn assert_away(auth: &TestAuth, token: &str) {
    let calls = (0..24).map(|n| {
        let login = auth.http.post(auth.url("/login")).basic_auth("admin", Some(ADMIN_PASSWORD));
        let validate = auth.http.post(auth.url("/validate")).json(&serde_json::json!({ "token": token }));
        let call = if n % 2 == 0 { login } else { validate };
        tokio::spawn(async move {
            let asked = Instant::now();
            (call.send().await.expect("an answer"), asked.elapsed())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let (response, took) = call.await.expect("no panic");
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &"1".parse().expect("text"))
        );
        assert!(took < ANSWER_MAX, "{took:?}");
    }
    let (status, report) = readiness(auth).await;
    assert_eq!((status, &report["checks"]["users"]), (503, &"the user store does not answer; try again".into()));
}

async fn assert_back(auth: &TestAuth) {
    let back = Instant::now();
    eventually("ready", async || readiness(auth).await.0 == 200).await;
    auth.admin().await;
    assert!(back.elapsed() < RECOVERY_MAX, "{:?}", back.elapsed());
}

#[tokio::test]
async fn a_service_starts_without_its_server_and_finds_it_later() {
    let Some(server) = server().await else { return };
    let token = start(&server).await.admin().await;
    server.kill();

    let auth = start(&server).await;
    assert_away(&auth, &token).await;

    server.restart();
    assert_back(&auth).await;
    auth.client.validate(&token).await.expect("a token from before");
    auth.stop().await;
}

#[tokio::test]
async fn a_service_outlives_its_server() {
    let Some(server) = server().await else { return };
    let auth = start(&server).await;
    let token = auth.admin().await;

    for _ in 0..2 {
        server.kill();
        assert_away(&auth, &token).await;
        server.restart();
        assert_back(&auth).await;
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_holds_nobody_up_and_is_used_again() {
    let Some(server) = server().await else { return };
    let auth = start(&server).await;
    let token = auth.admin().await;
    let signal = |name: &str| {
        let pid = std::fs::read_to_string(server.folder().join("data/pid")).expect("it runs");
        assert!(Command::new("kill").args([name, pid.trim()]).status().expect("kill is there").success());
    };

    signal("-STOP");
    // More often than there are connections: none may stay with a call that was given up.
    assert_away(&auth, &token).await;
    assert_away(&auth, &token).await;

    signal("-CONT");
    assert_back(&auth).await;
    for _ in 0..20 {
        auth.client.validate(&token).await.expect("a connection is free");
    }
}

/// Forwards to the server, until it is told to forget the connections that it has: they stay open, and nothing comes
/// through any more, as where a machine vanished from the network.
struct Network {
    port: u16,
    forget: watch::Sender<()>,
}

impl Network {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let (port, forget) = (listener.local_addr().expect("an address").port(), watch::Sender::new(()));
        let network = Self { port, forget: forget.clone() };
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (server, mut forgotten) = (server.clone(), forget.subscribe());
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(server).await.expect("the server runs");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = forgotten.changed() => std::future::pending().await,
                    }
                });
            }
        });
        network
    }
}

#[tokio::test]
async fn connections_that_lead_nowhere_any_more_are_replaced() {
    let Some(server) = server().await else { return };
    let (account, place) = server.url().split_once('@').expect("an account");
    let (address, database) = place.split_once('/').expect("a database");
    let network = Network::to(address.to_owned()).await;
    let url = format!("{account}@127.0.0.1:{}/{database}", network.port);
    let users = Users::open(&url, "a test").expect("a good address");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let auth = TestAuth::on(users, ServiceConfig::default(), folder).await;
    let token = auth.admin().await;
    let at_once = async || {
        let calls = (0..48).map(|_| {
            let (client, token) = (auth.client.clone(), token.clone());
            tokio::spawn(async move { client.validate(&token).await.is_ok() })
        });
        let mut done = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            done.push(call.await.expect("no panic"));
        }
        done
    };
    assert!(!at_once().await.contains(&false), "all connections are in use");

    network.forget.send_replace(());

    eventually("all answered", async || !at_once().await.contains(&false)).await;
    assert_back(&auth).await;
}

#[tokio::test]
async fn a_service_without_its_schema_is_not_ready_and_says_what_to_run() {
    let Some(server) = or_skip(Server::start(Kind::Mysql)) else { return };
    let auth = start(&server).await;

    let (status, report) = readiness(&auth).await;
    let login = auth.http.post(auth.url("/login")).basic_auth("admin", Some(ADMIN_PASSWORD)).send().await;

    let told = report["checks"]["users"].as_str().expect("text").to_owned();
    assert!(status == 503 && told.contains("run `auth migrate`"), "{status} {told}");
    assert_eq!(login.expect("an answer").status(), 503);
    users(&server).migrate().await.expect("an empty database");
    assert_eq!(readiness(&auth).await.0, 200);
}
