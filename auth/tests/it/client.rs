//! The client where auth does not answer, and what it passes on.

use std::{net::TcpListener, time::Duration};

use auth::client::Client;
use chassis::request_id;

use crate::service::{TestAuth, client, header};

#[tokio::test]
async fn where_auth_is_down_the_caller_is_told_when_to_come_back() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);

    let problem = client(&format!("http://{address}")).validate("token").await.expect_err("nobody listens");

    assert_eq!((problem.status, problem.kind.as_ref()), (503, "/problems/unavailable"));
    assert_eq!(header(&problem, "retry-after").as_deref(), Some("1"));
    assert!(!problem.detail.contains(&address.port().to_string()), "{}", problem.detail);
}

#[tokio::test]
async fn where_auth_hangs_the_call_ends_at_its_timeout() {
    // The kernel accepts the connection; nobody reads it.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let client = Client::new(&url, Duration::from_millis(200)).expect("a good address");

    let problem = client.validate("token").await.expect_err("no answer");

    assert_eq!((problem.status, problem.retry_after), (503, Some(1)));
}

#[tokio::test]
async fn problems_carry_the_request_id_of_the_callers_request() {
    let auth = TestAuth::start().await;

    let problem = request_id::scope("the-request".to_owned(), auth.client.validate("bad")).await;

    assert_eq!(problem.expect_err("a bad token").request_id, "the-request");
}

#[test]
fn an_address_that_is_none_is_refused() {
    for bad in ["", "auth:8081", "https://auth", "mailto:auth"] {
        assert!(Client::new(bad, Duration::from_secs(1)).is_err(), "{bad}");
    }
}
