//! `POST /validate`.

use std::time::Duration;

use auth::{ServiceConfig, client::PasswordChange};
use jsonwebtoken::{Algorithm, get_current_timestamp};
use serde_json::json;

use crate::{
    forgery::{claims, kid, part, signed, unsigned},
    service::{KEY, PASSWORD, TestAuth, eventually, header, new_user},
};

async fn assert_refused(auth: &TestAuth, token: &str, why: &str) {
    let problem = auth.client.validate(token).await.expect_err(why);
    assert_eq!(problem.status, 401, "{why}");
    let challenge = header(&problem, "www-authenticate").expect("RFC 6750");
    assert_eq!(challenge, "Bearer realm=\"tapedeck\", error=\"invalid_token\"", "{why}");
}

#[tokio::test]
async fn a_token_has_all_claims_and_the_name_of_its_key() {
    let auth = TestAuth::start().await;
    let alice = auth.user("alice").await;

    let token = auth.token("alice", PASSWORD).await;

    assert_eq!(part(&token, 0), json!({"typ": "JWT", "alg": "HS256", "kid": kid(KEY)}));
    let claims = part(&token, 1);
    assert_eq!(claims["sub"], json!(alice.id));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("tapedeck-auth"), &json!("tapedeck")));
    assert_eq!((&claims["username"], &claims["isadmin"]), (&json!("alice"), &json!(false)));
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 3600));
    assert_eq!(claims["jti"].as_str().map(str::len), Some(32));
}

#[tokio::test]
async fn a_token_that_auth_did_not_sign_so_is_refused() {
    let auth = TestAuth::start().await;
    let alice = auth.user("alice").await;
    let good = claims(&alice.id);
    let named = || Some(kid(KEY));
    let foreign = "a foreign signing key of 32 bytes or more";

    // What the forgeries are compared with: the same claims pass under the right key.
    auth.client.validate(&signed(KEY, Algorithm::HS256, named(), &good)).await.expect("a good token");

    for garbled in ["", "a", "a.b.c", "é", "eyJ9.eyJ9.", &auth.token("alice", PASSWORD).await.replace('.', "")] {
        assert_refused(&auth, garbled, "garbled").await;
    }
    assert_refused(&auth, &signed(foreign, Algorithm::HS256, named(), &good), "a foreign key").await;
    assert_refused(&auth, &signed(foreign, Algorithm::HS256, Some(kid(foreign)), &good), "an unknown kid").await;
    assert_refused(&auth, &signed(KEY, Algorithm::HS256, None, &good), "no kid").await;
    assert_refused(&auth, &signed(KEY, Algorithm::HS512, named(), &good), "another algorithm").await;
    assert_refused(&auth, &unsigned(KEY, &good), "alg none").await;
}

#[tokio::test]
async fn a_token_with_a_missing_or_wrong_claim_is_refused() {
    let auth = TestAuth::start().await;
    let alice = auth.user("alice").await;
    let sign = |claims| signed(KEY, Algorithm::HS256, Some(kid(KEY)), &claims);

    for name in ["sub", "username", "isadmin", "gen", "iss", "aud", "iat", "exp", "jti"] {
        let mut claims = claims(&alice.id);
        claims.as_object_mut().expect("an object").remove(name);
        assert_refused(&auth, &sign(claims), name).await;
    }
    let wrong = [
        ("iss", json!("somebody")),
        ("aud", json!("another service")),
        ("sub", json!("0123")),
        ("gen", json!(1)),
        ("exp", json!(get_current_timestamp() - 6)),
        ("exp", json!("tomorrow")),
    ];
    for (name, value) in wrong {
        let mut claims = claims(&alice.id);
        claims[name] = value;
        assert_refused(&auth, &sign(claims), name).await;
    }
}

#[tokio::test]
async fn a_token_ends_after_its_lifetime_and_the_leeway() {
    let service = ServiceConfig { token_lifetime: Duration::from_secs(1), ..ServiceConfig::default() };
    let auth = TestAuth::with(service).await;
    let token = auth.admin().await;
    let caller = auth.client.validate(&token).await.expect("a fresh token");

    eventually("the end of the token", async || auth.client.validate(&token).await.is_err()).await;

    assert!(get_current_timestamp() > caller.expires_at + 5);
    assert_refused(&auth, &token, "expired").await;
}

#[tokio::test]
async fn a_removed_users_token_dies_at_once_and_a_new_user_of_the_name_does_not_own_it() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;
    let first = auth.user("alice").await;
    let token = auth.token("alice", PASSWORD).await;

    auth.client.delete_user(&admin, "alice").await.expect("alice is there");
    assert_refused(&auth, &token, "removed").await;

    let second = auth.client.create_user(&admin, &new_user("alice")).await.expect("the name is free");
    assert_ne!(first.id, second.id);
    assert_refused(&auth, &token, "the first alice's").await;
}

#[tokio::test]
async fn a_new_password_ends_the_tokens_before_it_and_no_others() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;
    auth.user("alice").await;
    let (old, another) = (auth.token("alice", PASSWORD).await, auth.token("alice", PASSWORD).await);
    let change = PasswordChange { old_password: PASSWORD.into(), new_password: "a new password".into() };

    auth.client.change_password(&old, &change, None).await.expect("the old password");
    // Within the same second, most likely.
    let new = auth.token("alice", "a new password").await;

    assert_refused(&auth, &old, "the caller's own").await;
    assert_refused(&auth, &another, "of another login").await;
    auth.client.validate(&new).await.expect("a new login");
    auth.client.validate(&admin).await.expect("another user is not concerned");
}

#[tokio::test]
async fn a_demoted_admin_stops_at_once() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;
    auth.client.list_users(&admin, None).await.expect("still an admin");

    let database = rusqlite::Connection::open(auth.file("users.db")).expect("the store's file");
    database.execute("UPDATE users SET isadmin = 0", ()).expect("the users table");

    assert!(!auth.client.validate(&admin).await.expect("still a user").isadmin);
    let refused = auth.client.list_users(&admin, None).await.expect_err("no admin any more");
    assert_eq!(refused.status, 403);
}
