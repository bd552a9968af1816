//! `POST /login`.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use auth::ServiceConfig;
use serde_json::Value;

use crate::service::{ADMIN_PASSWORD, PASSWORD, TestAuth, eventually, header};

const BASIC: &str = "Basic realm=\"tapedeck\", charset=\"UTF-8\"";
const HERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
const ELSEWHERE: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)));

#[tokio::test]
async fn a_right_login_gets_a_token_that_names_its_user() {
    let auth = TestAuth::start().await;
    let alice = auth.user("alice").await;

    let login = auth.client.login("alice", PASSWORD, None).await.expect("a right login");

    assert_eq!((login.token_type.as_str(), login.expires_in), ("Bearer", 3600));
    let caller = auth.client.validate(&login.token).await.expect("a fresh token");
    assert_eq!((caller.id, caller.username, caller.email), (alice.id, alice.username, alice.email));
    assert!(!caller.isadmin);
    auth.stop().await;
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_read_the_same() {
    let auth = TestAuth::start().await;
    let answer = async |username: &str| {
        let call = auth.http.post(auth.url("/login")).basic_auth(username, Some("wrong")).send();
        let response = call.await.expect("an answer");
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()["www-authenticate"], BASIC);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let mut body: Value = response.json().await.expect("a problem");
        body["request_id"].take();
        body
    };

    assert_eq!(answer("admin").await, answer("nobody").await);
}

#[tokio::test]
async fn no_login_at_all_is_answered_with_the_challenge() {
    let auth = TestAuth::start().await;

    for value in [None, Some("Bearer abc"), Some("Basic !"), Some("Basic bm8gY29sb24=")] {
        let mut call = auth.http.post(auth.url("/login"));
        if let Some(value) = value {
            call = call.header("authorization", value);
        }
        let response = call.send().await.expect("an answer");
        assert_eq!(response.status(), 401, "{value:?}");
        assert_eq!(response.headers()["www-authenticate"], BASIC);
    }
}

#[tokio::test]
async fn after_too_many_failures_even_the_right_password_has_to_wait() {
    let auth = TestAuth::with(ServiceConfig { login_failures_max: 3, ..ServiceConfig::default() }).await;
    for _ in 0..3 {
        let wrong = auth.client.login("admin", "wrong", HERE).await.expect_err("a wrong password");
        assert_eq!(wrong.status, 401);
    }

    let refused = auth.client.login("admin", ADMIN_PASSWORD, HERE).await.expect_err("refused");

    assert_eq!((refused.status, refused.kind.as_ref()), (429, "/problems/too-many-requests"));
    let wait: u64 = header(&refused, "retry-after").expect("says how long").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    auth.client.login("admin", ADMIN_PASSWORD, ELSEWHERE).await.expect("another address is not concerned");
    let other = auth.client.login("nobody", "wrong", HERE).await.expect_err("a wrong password");
    assert_eq!(other.status, 401, "another name is not concerned");
}

#[tokio::test]
async fn one_password_tried_on_many_names_is_stopped_by_the_address() {
    let service = ServiceConfig { login_failures_per_address_max: 3, ..ServiceConfig::default() };
    let auth = TestAuth::with(service).await;
    for name in ["a", "b", "c"] {
        // Where no address is known, none is counted.
        for address in [HERE, None] {
            assert_eq!(auth.client.login(name, "wrong", address).await.expect_err("wrong").status, 401);
        }
        if name == "b" {
            auth.client.login("admin", ADMIN_PASSWORD, HERE).await.expect("two failures are not too many");
        }
    }

    let refused = auth.client.login("admin", ADMIN_PASSWORD, HERE).await.expect_err("too many, despite the success");

    assert_eq!((refused.status, refused.kind.as_ref()), (429, "/problems/too-many-requests"));
    let wait: u64 = header(&refused, "retry-after").expect("says how long").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    auth.client.login("admin", ADMIN_PASSWORD, ELSEWHERE).await.expect("another address is not concerned");
    assert_eq!(auth.client.login("d", "wrong", None).await.expect_err("wrong").status, 401);
}

#[tokio::test]
async fn the_throttle_ends_with_its_window() {
    let window = Duration::from_millis(500);
    let service = ServiceConfig { login_failures_max: 1, login_failures_window: window, ..ServiceConfig::default() };
    let auth = TestAuth::with(service).await;
    auth.client.login("admin", "wrong", None).await.expect_err("a wrong password");

    eventually("a right login", async || auth.client.login("admin", ADMIN_PASSWORD, None).await.is_ok()).await;
}

#[tokio::test]
async fn a_success_forgets_the_failures_before_it() {
    let auth = TestAuth::with(ServiceConfig { login_failures_max: 2, ..ServiceConfig::default() }).await;

    for _ in 0..3 {
        auth.client.login("admin", "wrong", None).await.expect_err("a wrong password");
        auth.client.login("admin", ADMIN_PASSWORD, None).await.expect("one failure is not too many");
    }
}

#[tokio::test]
async fn guesses_that_come_at_once_are_not_all_tried() {
    let service = ServiceConfig { login_failures_max: 3, password_checks_max: 1, ..ServiceConfig::default() };
    let auth = TestAuth::with(service).await;

    let guesses: Vec<_> = (0..20)
        .map(|_| {
            let client = auth.client.clone();
            tokio::spawn(
                async move { client.login("admin", "wrong", None).await.expect_err("a wrong password").status },
            )
        })
        .collect();
    let mut tried = 0;
    for guess in guesses {
        tried += usize::from(guess.await.expect("an answer") == 401);
    }

    assert_eq!(tried, 3);
}
