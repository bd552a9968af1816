//! Good uploads, and what a key promises.

use std::{fs, path::PathBuf};

use serde_json::Value;

use crate::{
    media,
    stack::{Stack, until},
    user::expect,
};

fn assert_sound(mp3: &media::Mp3, seconds: f64) {
    assert!((mp3.seconds - seconds).abs() < 0.05, "{} s instead of {seconds}", mp3.seconds);
}

#[tokio::test]
async fn a_converted_upload_can_be_downloaded_and_is_announced() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;

    let done = alice.convert(&media::video("mp4", 3)).await;

    let id = done["id"].as_str().expect("an id");
    let mp3 = alice.download(id).await;
    assert_sound(&media::look(&mp3), 3.0);
    assert_eq!(done["bytes"], mp3.len());
    assert_eq!(done["sha256"], media::sha256(&mp3));
    assert_eq!(done["completeness"], "complete");
    until("the mail is delivered", async || {
        let status = expect(alice.get(&format!("/conversions/{id}")).send().await.expect("an answer"), 200).await;
        status["mail"]["state"] == "delivered"
    })
    .await;
    let inbox = stack.admin().await.get("/inbox?format=json").send().await.expect("an answer");
    let inbox = expect(inbox, 200).await;
    let mails = inbox["mails"].as_array().expect("a list");
    assert_eq!(mails.len(), 1, "{inbox}");
    assert_eq!(
        (mails[0]["to"].as_str(), mails[0]["link"].as_str()),
        (Some("alice@example.org"), Some(&*stack.url(&format!("/download?fid={id}"))))
    );
}

#[tokio::test]
async fn five_containers_come_out_as_correct_mp3s() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let videos = ["mp4", "mkv", "webm", "avi", "ts"].map(|extension| media::video(extension, 4));
    for video in [&videos[..], &[media::moov_last(4)]].concat() {
        let done = alice.convert(&video).await;
        let mp3 = media::look(&alice.download(done["id"].as_str().expect("an id")).await);
        assert_sound(&mp3, 4.0);
        assert!(mp3.sample_rate >= 44_100, "{}: {} Hz", video.display(), mp3.sample_rate);
        assert_eq!(u64::from(mp3.channels), done["channels"].as_u64().expect("a number"));
    }
}

#[tokio::test]
async fn options_shape_the_mp3() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let video = fs::read(media::video("mp4", 4)).expect("the video is there");
    let query = "bitrate=128&channels=1&start=0.5&end=2.75&title=Tön%20%22x%22&artist=🎬";

    let upload = alice.post(&format!("/upload?filename=a.mp4&{query}")).body(video).send().await.expect("an answer");
    let done = expect(upload, 201).await;

    let mp3 = media::look(&alice.download(done["id"].as_str().expect("an id")).await);
    assert_sound(&mp3, 2.25);
    assert_eq!(mp3.channels, 1);
    assert_eq!((mp3.tags["title"].as_str(), mp3.tags["artist"].as_str()), (Some("Tön \"x\""), Some("🎬")));
}

#[tokio::test]
async fn raw_and_multipart_bodies_give_the_same_mp3() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let video = media::video("mp4", 3);
    let raw = alice.convert(&video).await;

    let part = reqwest::multipart::Part::bytes(fs::read(&video).expect("the video is there")).file_name("tone-3.mp4");
    let form = reqwest::multipart::Form::new().part("file", part);
    let multipart = expect(alice.post("/upload").multipart(form).send().await.expect("an answer"), 201).await;

    assert_eq!(raw["sha256"], multipart["sha256"]);
    assert_eq!(multipart["filename"], "tone-3.mp4");
    assert_ne!(raw["id"], multipart["id"]);
}

#[tokio::test]
async fn names_with_quotes_newlines_and_emoji_come_back() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let video = fs::read(media::video("mp4", 3)).expect("the video is there");
    for (sent, kept) in [
        ("na%C3%AFve%20%22film%22%20%F0%9F%8E%AC.mp4", "naïve \"film\" 🎬"),
        ("two%0D%0Alines.mp4", "twolines"),
        ("..%2F..%2Fetc%2Fpasswd", "passwd"),
    ] {
        let upload = alice.post(&format!("/upload?filename={sent}")).body(video.clone()).send().await;
        let done = expect(upload.expect("an answer"), 201).await;
        let id = done["id"].as_str().expect("an id");
        let head = alice.get(&format!("/download?fid={id}")).send().await.expect("an answer");
        let disposition = head.headers()["content-disposition"].to_str().expect("plain text").to_owned();
        let encoded = disposition.split("filename*=UTF-8''").nth(1).expect("an RFC 8187 name");
        assert_eq!(percent_decoded(encoded), format!("{kept}.mp3"), "{disposition}");
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("two digits");
            bytes.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}

async fn upload_with_key(user: &crate::user::User<'_>, key: &str, video: &PathBuf) -> reqwest::Response {
    let body = fs::read(video).expect("the video is there");
    let upload = user.post("/upload?filename=a.mp4").header("idempotency-key", key).body(body);
    upload.send().await.expect("an answer")
}

#[tokio::test]
async fn one_key_gives_one_mp3_however_often_it_is_sent() {
    let stack = Stack::start_with(&[("UPLOADS_PER_USER_MAX", "100"), ("CONVERSIONS_MAX", "20")]).await;
    let alice = stack.user("alice").await;
    let video = media::video("mp4", 3);

    let uploads = (0..10).map(|_| upload_with_key(&alice, "the-key", &video));
    let answers = futures_util::future::join_all(uploads).await;

    let mut ids = Vec::new();
    for answer in answers {
        if answer.status() == 201 {
            ids.push(expect(answer, 201).await["id"].clone());
            continue;
        }
        let retry_after = answer.headers().contains_key("retry-after");
        let problem = expect(answer, 409).await;
        assert_eq!((problem["type"].as_str(), retry_after), (Some("/problems/in-progress"), true), "{problem}");
    }
    let replay = upload_with_key(&alice, "the-key", &video).await;
    assert_eq!(replay.headers()["idempotency-replayed"], "true");
    ids.push(expect(replay, 201).await["id"].clone());
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(alice.list().await.len(), 1);

    let other = upload_with_key(&alice, "the-key", &media::video("mp4", 4)).await;
    assert_eq!(expect(other, 422).await["type"], "/problems/key-reused");
    let found = expect(alice.get("/conversions?key=the-key").send().await.expect("an answer"), 200).await;
    assert!(found.to_string().contains(ids[0].as_str().expect("an id")), "{found}");
}

#[tokio::test]
async fn a_final_refusal_is_replayed() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let film = media::silent_film();
    let first = expect(upload_with_key(&alice, "k", &film).await, 422).await;

    let second = upload_with_key(&alice, "k", &film).await;

    assert_eq!(second.headers()["idempotency-replayed"], "true");
    let second = expect(second, 422).await;
    assert_eq!((&first["type"], &first["detail"]), (&second["type"], &second["detail"]));
}

#[tokio::test]
async fn a_deleted_conversion_is_gone_and_its_blob_with_it() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let done = alice.convert(&media::video("mp4", 3)).await;
    let path = format!("/conversions/{}", done["id"].as_str().expect("an id"));

    assert_eq!(alice.delete(&path).send().await.expect("an answer").status(), 204);

    for gone in [
        alice.get(&path),
        alice.delete(&path),
        alice.get(&format!("/download?fid={}", done["id"].as_str().expect("an id"))),
    ] {
        expect(gone.send().await.expect("an answer"), 404).await;
    }
    assert_eq!(alice.list().await, Vec::<Value>::new());
    until("the blob is swept", async || stack.blobs().is_empty()).await;
}

#[tokio::test]
async fn sigterm_ends_it_cleanly_after_the_running_upload() {
    let mut stack = Stack::start().await;
    let (token, url) = (stack.admin().await.token, stack.url("/upload?filename=a.mp4"));
    let video = fs::read(media::video("mp4", 4)).expect("the video is there");
    let (head, tail) = (video[..1000].to_vec(), video[1000..].to_vec());
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let body = futures_util::stream::unfold((0, Some((head, tail, gone))), |(step, rest)| async move {
        let (head, tail, gone) = rest?;
        if step == 0 {
            return Some((Ok::<_, std::io::Error>(head.clone()), (1, Some((head, tail, gone)))));
        }
        let _ = gone.await;
        Some((Ok(tail), (2, None)))
    });
    let upload = stack.http.post(url).bearer_auth(token).body(reqwest::Body::wrap_stream(body));
    let upload = tokio::spawn(upload.send());
    stack.wait_permits(1).await;

    let ending = stack.terminate();
    let _ = go.send(());
    assert_eq!(ending.await, Some(0));
    expect(upload.await.expect("the task ends").expect("an answer"), 201).await;
}
