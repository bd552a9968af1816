//! `kill -9` at any moment: nothing acknowledged is lost, nothing partial is seen.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    media,
    stack::{LEASE, PATIENCE, Stack, command, is_alive, until},
    user::{User, expect},
};

const KILLS: u64 = 20;
/// Latest moment of a kill, in thousandths of the time that undisturbed uploads took.
const KILL_WITHIN: u64 = 1250;

async fn upload(user: &User<'_>, key: &str, video: Vec<u8>) -> Option<Value> {
    let call = user.post("/upload?filename=a.mp4").header("idempotency-key", key).body(video);
    let answer = call.send().await.ok()?;
    if answer.status() == 201 { answer.json().await.ok() } else { None }
}

#[tokio::test]
async fn twenty_kills_lose_nothing_and_leave_nothing() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let folder = data.path().join("data");
    let video = fs::read(media::video("mp4", 30)).expect("the video is there");
    let mut acknowledged: Vec<Value> = vec![];
    let (mut before_kill, mut cut_off) = (0, 0);
    // The first round's kill comes after all answers, and says how long they take here.
    let mut undisturbed = None;
    for round in 0..KILLS {
        let stack = Stack::start_on(&folder, &[]).await;
        let admin = stack.admin().await;
        let keys = [0, 1, 2].map(|n| format!("round-{round}-upload-{n}"));
        let uploads = keys.iter().map(|key| upload(&admin, key, video.clone()));
        // Spread over the whole length of the uploads, a little differently each time.
        let part = u32::try_from((round * 7919) % KILL_WITHIN).expect("a small number");
        let moment = undisturbed.map_or(PATIENCE, |took: Duration| took * part / 1000);
        let began = Instant::now();
        let answers = tokio::select! {
            answers = futures_util::future::join_all(uploads) => answers,
            () = tokio::time::sleep(moment) => vec![],
        };
        undisturbed.get_or_insert(began.elapsed());
        // Without an answer in time the kill hits all three in flight.
        cut_off += usize::from(answers.is_empty());
        before_kill += answers.iter().flatten().count();
        let first = answers.first().cloned().flatten();
        acknowledged.extend(answers.into_iter().flatten());
        stack.kill();

        let stack = Stack::start_on(&folder, &[]).await;
        let admin = stack.admin().await;
        check_everything(&admin, &mut acknowledged).await;
        // What was cut off succeeds on a retry with its key.
        let mut retried = None;
        until("the retry succeeds", async || {
            retried = upload(&admin, &keys[0], video.clone()).await;
            retried.is_some()
        })
        .await;
        let retried = retried.expect("it succeeded");
        assert!(first.is_none_or(|first| first["id"] == retried["id"]), "one key, one mp3");
        acknowledged.push(retried);
        stack.kill();
    }
    let stack = Stack::start_on(&folder, &[]).await;
    let admin = stack.admin().await;
    check_everything(&admin, &mut acknowledged).await;
    assert!(
        before_kill > 0 && cut_off > 0,
        "kills hit both sides: {before_kill} acknowledged, {cut_off} rounds cut off"
    );
    assert_swept(&admin).await;
}

/// Every acknowledged mp3 is there, whole; nothing that is listed as done is missing.
async fn check_everything(user: &User<'_>, acknowledged: &mut Vec<Value>) {
    acknowledged.sort_by_key(|done| done["id"].to_string());
    acknowledged.dedup_by_key(|done| done["id"].to_string());
    for done in acknowledged.iter() {
        let mp3 = user.download(done["id"].as_str().expect("an id")).await;
        assert_eq!(done["sha256"], media::sha256(&mp3));
    }
    let mut path = "/conversions?limit=100".to_owned();
    loop {
        let page = expect(user.get(&path).send().await.expect("an answer"), 200).await;
        for listed in page["conversions"].as_array().expect("a list").iter().filter(|listed| listed["state"] == "done")
        {
            let mp3 = user.download(listed["id"].as_str().expect("an id")).await;
            assert!(mp3.len() > 1000, "nothing partial is listed");
        }
        let Some(cursor) = page["next"].as_str() else { break };
        path = format!("/conversions?limit=100&cursor={cursor}");
    }
}

/// After two leases: as many blobs as mp3s, no unfinished one, no engine, no spool.
async fn assert_swept(user: &User<'_>) {
    let stack = user.stack;
    tokio::time::sleep(LEASE * 2).await;
    until("only the mp3s that are listed are left", async || {
        let page = expect(user.get("/conversions?limit=100").send().await.expect("an answer"), 200).await;
        let done = page["conversions"].as_array().expect("a list").iter().filter(|c| c["state"] == "done").count();
        let blobs = stack.blobs();
        let is_over = !page.to_string().contains(r#""state":"running""#);
        is_over && blobs.len() == done && !blobs.iter().any(|name| name.contains(".part"))
    })
    .await;
    assert!(stack.engines().is_empty());
    let spool = fs::read_dir(stack.folder().join("spool")).expect("the spool is a folder").count();
    assert_eq!(spool, 0, "spooled files have no names");
}

#[tokio::test]
async fn engine_and_ffmpeg_end_with_a_killed_service() {
    for extension in ["mp4", "ts"] {
        let stack = Stack::start().await;
        let (token, url) = (stack.admin().await.token, stack.url("/upload?filename=a"));
        let video = fs::read(media::video(extension, 60)).expect("the video is there");
        let slow = futures_util::stream::unfold(Some(video), |video| async move {
            let video = video?;
            if video.is_empty() {
                return std::future::pending().await;
            }
            let (now, later) = video.split_at(video.len().div_ceil(2));
            Some((Ok::<_, std::io::Error>(now.to_vec()), Some(later.to_vec())))
        });
        let body = reqwest::Body::wrap_stream(slow);
        let upload = tokio::spawn(stack.http.post(url).bearer_auth(token).body(body).send());
        let wanted = if extension == "ts" { 2 } else { 1 };
        until("engine and ffmpeg run", async || stack.engines().len() >= wanted).await;
        let engines = stack.engines();

        let data = stack.kill();

        let killed = Instant::now();
        until("they are gone", async || !engines.iter().any(|pid| is_alive(*pid))).await;
        assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
        upload.abort();
        drop(data);
    }
}

#[tokio::test]
async fn a_second_start_on_the_folder_says_who_holds_it() {
    let stack = Stack::start().await;
    let second = command(stack.folder(), &[]).stderr(Stdio::piped()).stdout(Stdio::piped()).output().expect("it runs");
    assert!(!second.status.success());
    let told = [second.stdout, second.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains(&format!("process {}", stack.pid())), "{told}");
}
