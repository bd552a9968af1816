//! `kill -9` at any moment: each 202 becomes an mp3, and nothing is left over.

use std::{
    fs,
    time::{Duration, Instant},
};

use super::{ON, clip, ended, videos};
use crate::{
    media,
    stack::{LEASE, PATIENCE, Stack, until},
    user::User,
};

const KILLS: u32 = 12;
/// Latest moment of a kill, in thousandths of the time that undisturbed uploads took, conversions included.
const KILL_WITHIN: u32 = 1250;

/// The id of an upload, where its 202 came, or the 201 of a key that is done already.
async fn upload(user: &User<'_>, key: &str) -> Option<String> {
    let call = user.post("/upload?filename=a.mp4").header("prefer", "respond-async").header("idempotency-key", key);
    let answer = call.body(clip()).send().await.ok()?;
    if ![201, 202].contains(&answer.status().as_u16()) {
        return None;
    }
    let body: serde_json::Value = answer.json().await.ok()?;
    body["id"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn each_202_becomes_an_mp3_whenever_the_service_is_killed() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let folder = data.path().join("data");
    let (mut before_kill, mut cut_off, mut jobs_cut_off) = (0, 0, 0);
    // The first round's kill comes after all is done, and says how long that takes here.
    let mut undisturbed: Option<Duration> = None;
    let mut sha256 = None;
    for round in 0..KILLS {
        let stack = Stack::start_on(&folder, &[ON]).await;
        let admin = stack.admin().await;
        let keys = [0, 1, 2].map(|n| format!("round-{round}-upload-{n}"));
        let accepted = std::sync::Mutex::new(Vec::new());
        let jobs = keys.iter().map(async |key| {
            let Some(id) = upload(&admin, key).await else { return };
            accepted.lock().expect("no panic").push(id.clone());
            let status = admin.get(&format!("/conversions/{id}")).header("prefer", "wait=60").send().await;
            let _ = status.ok();
        });
        let part = (round * 7919) % KILL_WITHIN;
        let moment = undisturbed.map_or(PATIENCE, |took| took * part / 1000);
        let began = Instant::now();
        let is_over = tokio::time::timeout(moment, futures_util::future::join_all(jobs)).await.is_ok();
        undisturbed.get_or_insert(began.elapsed());
        stack.kill();
        let accepted = accepted.into_inner().expect("no panic");
        before_kill += accepted.len();
        cut_off += keys.len() - accepted.len();
        jobs_cut_off += usize::from(!is_over && !accepted.is_empty());

        let stack = Stack::start_on(&folder, &[ON]).await;
        let admin = stack.admin().await;
        for id in &accepted {
            assert_done(&admin, id, &mut sha256).await;
        }
        // What was cut off succeeds on a retry with its key, and what was not is the same conversion.
        for key in &keys {
            let mut retried = None;
            until("the retry succeeds", async || {
                retried = upload(&admin, key).await;
                retried.is_some()
            })
            .await;
            assert_done(&admin, &retried.expect("it succeeded"), &mut sha256).await;
        }
        assert_eq!(admin.list().await.len(), keys.len() * (usize::try_from(round).expect("few") + 1), "one each");
        stack.kill();
    }
    assert!(before_kill > 3 && cut_off > 0, "kills hit both sides: {before_kill} accepted, {cut_off} cut off");
    assert!(jobs_cut_off > 0, "no kill hit a job");
    let stack = Stack::start_on(&folder, &[ON]).await;
    tokio::time::sleep(LEASE * 2).await;
    let mp3s = stack.admin().await.list().await.len();
    until("only the mp3s are left", async || {
        let blobs = stack.blobs();
        videos(&stack) == 0 && blobs.len() == mp3s && !blobs.iter().any(|name| name.contains(".part"))
    })
    .await;
    assert_eq!(fs::read_dir(stack.folder().join("spool")).expect("a folder").count(), 0);
}

/// One video, so one mp3, byte for byte.
async fn assert_done(user: &User<'_>, id: &str, sha256: &mut Option<String>) {
    let done = ended(user, id).await;
    assert_eq!(done["state"], "done", "{done}");
    let found = media::sha256(&user.download(id).await);
    assert_eq!(&found, sha256.get_or_insert_with(|| found.clone()));
}
