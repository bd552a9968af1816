//! User management through the gateway.

use serde_json::json;

use crate::{
    media,
    stack::{Stack, until},
    user::expect,
};

#[tokio::test]
async fn only_an_administrator_manages_users() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let new = json!({"username": "mallory", "email": "m@example.org", "password": "long enough"});
    for call in [alice.post("/users").json(&new), alice.get("/users"), alice.delete("/users/admin")] {
        expect(call.send().await.expect("an answer"), 403).await;
    }
    let users = expect(stack.admin().await.get("/users").send().await.expect("an answer"), 200).await.to_string();
    assert!(users.contains("alice") && !users.contains("mallory"), "{users}");
    assert!(!users.contains("argon2"), "no hash is shown");
}

#[tokio::test]
async fn a_removed_users_token_ends_at_once_and_the_conversions_go() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    alice.convert(&media::video("mp4", 3)).await;
    assert_eq!(stack.blobs().len(), 1);

    let removed = stack.admin().await.delete("/users/alice").send().await.expect("an answer");
    assert!(removed.status().is_success(), "{}", removed.status());

    expect(alice.get("/conversions").send().await.expect("an answer"), 401).await;
    until("the mp3 is swept", async || stack.blobs().is_empty()).await;
    let again = stack.user("alice").await;
    assert_eq!(again.list().await.len(), 0, "a new user of an old name owns nothing of the old one");
}

#[tokio::test]
async fn everybody_changes_their_own_password() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let change = json!({"old_password": "correct horse", "new_password": "battery staple"});
    let changed = alice.put("/users/me/password").json(&change).send().await.expect("an answer");
    assert!(changed.status().is_success(), "{}", changed.status());
    stack.login("alice", "battery staple").await;
    let old = stack.http.post(stack.url("/login")).basic_auth("alice", Some("correct horse")).send().await;
    expect(old.expect("an answer"), 401).await;
}
