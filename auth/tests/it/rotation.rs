//! Signing keys change without a restart.

use std::os::unix::fs::PermissionsExt as _;

use auth::KeyRing;

use crate::{
    forgery::{kid, part},
    service::{KEY, TestAuth, eventually},
};

const SECOND_KEY: &str = "the second signing key of the tests";

async fn signs_with(auth: &TestAuth, key: &str) -> bool {
    part(&auth.admin().await, 0)["kid"] == kid(key)
}

#[tokio::test]
async fn old_tokens_live_as_long_as_their_key_is_the_previous_one() {
    let auth = TestAuth::start().await;
    let old = auth.admin().await;

    auth.replace("previous", KEY);
    // The line ending is not part of the key.
    auth.replace("key", &format!("{SECOND_KEY}\r\n"));
    eventually("the second key signs", async || signs_with(&auth, SECOND_KEY).await).await;
    auth.client.validate(&old).await.expect("its key is the previous one");
    auth.client.validate(&auth.admin().await).await.expect("a new token");

    std::fs::remove_file(auth.file("previous")).expect("it is there");
    eventually("the old token ends", async || auth.client.validate(&old).await.is_err()).await;
    auth.client.validate(&auth.admin().await).await.expect("a new token");
}

#[test]
fn a_short_key_is_refused_at_the_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "x".repeat(31) + "\n").expect("the folder is ours");

    let refused = KeyRing::open(&file, None).expect_err("31 bytes").to_string();

    assert!(refused.contains("holds 31 bytes; a signing key has at least 32"), "{refused}");
    KeyRing::open(&folder.path().join("nothing"), None).expect_err("no file");
}

#[test]
fn a_created_key_is_the_owners_alone_and_stays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("key");

    KeyRing::load_or_create(&file).expect("a new key");
    let first = std::fs::read(&file).expect("a key");
    KeyRing::load_or_create(&file).expect("the same key");

    assert_eq!(std::fs::read(&file).expect("a key"), first);
    assert_eq!(first.len(), 65);
    assert_eq!(std::fs::metadata(&file).expect("a key").permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).expect("the folder is ours").count(), 1, "nothing else is left behind");
}
