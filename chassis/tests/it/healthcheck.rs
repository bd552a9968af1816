//! What a container asks its service.

use std::net::{Ipv4Addr, SocketAddr};

use chassis::{Readiness, healthcheck};
use tokio::task::spawn_blocking;

use crate::serving::{routes, start};

async fn ask(address: SocketAddr, page: &'static str) -> anyhow::Result<()> {
    spawn_blocking(move || healthcheck::ask(address, page)).await.expect("it does not panic")
}

#[tokio::test]
async fn a_service_that_waits_for_its_store_is_alive_and_not_ready() {
    let server = start(Readiness::default().with("store", async || Err("nobody answers".to_owned())), routes);
    // As services listen: on all addresses.
    let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, server.address().port()));

    let (alive, ready) = (ask(address, "livez").await, ask(address, "readyz").await);

    alive.expect("it answers");
    let missing = ready.expect_err("its store is away").to_string();
    assert!(missing.contains(r#""store":"nobody answers""#), "{missing}");
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_is_away_is_not_healthy() {
    let server = start(Readiness::default(), routes);
    let address = server.address();
    ask(address, "readyz").await.expect("it is ready");
    server.stop().await;
    let cause = ask(address, "livez").await.expect_err("nobody listens");
    assert!(cause.to_string().contains(&address.to_string()), "{cause}");
}
