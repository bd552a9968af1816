//! Bad input gets a clear problem, and nothing stays behind.

use std::{fs, path::Path};

use reqwest::{Response, header};

use crate::{
    media,
    stack::{Stack, until},
    user::{User, expect},
};

/// Nothing is listed as done, and nothing is left on the disk once the sweep came by.
async fn assert_nothing_is_left(user: &User<'_>) {
    until("every claim is over", async || user.list().await.iter().all(|found| found["state"] == "failed")).await;
    until("no blob is left", async || user.stack.blobs().is_empty()).await;
    until("no engine is left", async || user.stack.engines().is_empty()).await;
}

async fn get(stack: &Stack, authorization: Option<&str>) -> Response {
    let mut call = stack.http.get(stack.url("/conversions"));
    if let Some(value) = authorization {
        call = call.header(header::AUTHORIZATION, value);
    }
    call.send().await.expect("an answer")
}

#[tokio::test]
async fn a_missing_or_bad_token_is_told_how_to_log_in() {
    let stack = Stack::start_with(&[("TOKEN_LIFETIME", "1s")]).await;
    let alice = stack.user("alice").await;
    for bad in [None, Some("Bearer"), Some("Bearer not.a.token"), Some("Basic YTpi"), Some("Bearer ")] {
        let answer = get(&stack, bad).await;
        assert!(answer.headers()[header::WWW_AUTHENTICATE].to_str().expect("text").starts_with("Bearer"), "{bad:?}");
        expect(answer, 401).await;
    }
    until("the token is expired", async || alice.get("/conversions").send().await.expect("an answer").status() == 401)
        .await;
    let expired = alice.get("/conversions").send().await.expect("an answer");
    assert!(expired.headers()[header::WWW_AUTHENTICATE].to_str().expect("text").contains("invalid_token"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let stack = Stack::start().await;
    let mut answers = vec![];
    for (name, password) in [("admin", "wrong"), ("nobody", "wrong")] {
        let login = stack.http.post(stack.url("/login")).basic_auth(name, Some(password)).send().await;
        let login = login.expect("an answer");
        assert!(login.headers()[header::WWW_AUTHENTICATE].to_str().expect("text").starts_with("Basic"));
        let problem = expect(login, 401).await;
        answers.push((problem["type"].clone(), problem["title"].clone(), problem["detail"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn what_is_no_video_is_refused_for_what_it_is() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let secret = media::file("secret.txt", b"a local file");
    let secret = secret.display();
    let playlists = [
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n"),
        format!("ffconcat version 1.0\nfile '{secret}'\n"),
    ];
    let text = b"This is a text file that somebody named like a film.\n".repeat(50);
    for (name, content, status, kind) in [
        ("empty.mp4", vec![], 400, "/problems/empty-body"),
        ("text.mp4", text, 415, "/problems/unknown-container"),
        ("silent.mp4", fs::read(media::silent_film()).expect("it is there"), 422, "/problems/no-audio"),
        ("hls.mp4", playlists[0].clone().into_bytes(), 422, "/problems/playlist"),
        ("concat.mp4", playlists[1].clone().into_bytes(), 422, "/problems/playlist"),
    ] {
        let answer = alice.upload(&media::file(name, &content)).await;
        let problem = expect(answer, status).await;
        assert_eq!(problem["type"], kind, "{name}");
        assert!(!problem.to_string().contains("local file"), "{problem}");
    }
    assert_nothing_is_left(&alice).await;
}

#[tokio::test]
async fn options_out_of_range_name_their_range() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    for (query, named) in [
        ("quality=V10", "V0"),
        ("bitrate=31", "320"),
        ("channels=6", "1 or 2"),
        ("start=-1", "0 to"),
        ("start=5&end=4", "after start"),
        ("colour=red", "colour"),
    ] {
        let upload = alice.post(&format!("/upload?filename=a.mp4&{query}")).body("x").send().await;
        let problem = expect(upload.expect("an answer"), 400).await;
        assert!(problem["detail"].as_str().expect("text").contains(named), "{problem}");
    }
    assert_eq!(alice.list().await.len(), 0, "an upload that is malformed claims nothing");
}

#[tokio::test]
async fn a_foreign_id_answers_exactly_like_an_unknown_one() {
    let stack = Stack::start().await;
    let (alice, bob) = (stack.user("alice").await, stack.user("bob").await);
    let done = alice.convert(&media::video("mp4", 3)).await;
    let foreign = done["id"].as_str().expect("an id");
    for path in ["/download?fid=", "/conversions/"] {
        let mut bodies = vec![];
        for id in [foreign, "00000000000000000000000000000000"] {
            let answer = bob.get(&format!("{path}{id}")).send().await.expect("an answer");
            let mut problem = expect(answer, 404).await;
            problem["request_id"] = "".into();
            bodies.push(problem.to_string().replace(id, "ID"));
        }
        assert_eq!(bodies[0], bodies[1]);
    }
    expect(bob.delete(&format!("/conversions/{foreign}")).send().await.expect("an answer"), 404).await;
    assert_eq!(alice.list().await.len(), 1);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let stack = Stack::start().await;
    for (path, allowed) in [("/download", "GET"), ("/upload", "POST"), ("/login", "POST"), ("/conversions", "GET")] {
        let answer = stack.http.patch(stack.url(path)).send().await.expect("an answer");
        assert!(answer.headers()[header::ALLOW].to_str().expect("text").contains(allowed), "{path}");
        expect(answer, 405).await;
    }
    expect(stack.http.get(stack.url("/no/such/page")).send().await.expect("an answer"), 404).await;
}

#[tokio::test]
async fn a_video_over_the_limit_is_refused_before_its_body_where_the_length_is_known() {
    let stack = Stack::start_with(&[("UPLOAD_BYTES_MAX", "5000")]).await;
    let alice = stack.user("alice").await;
    let video = media::video("mp4", 3);

    let known = expect(alice.upload(&video).await, 413).await;
    assert!(known["detail"].as_str().expect("text").contains("UPLOAD_BYTES_MAX"), "{known}");
    assert_eq!(alice.list().await.len(), 0, "it was refused before anything was claimed");

    expect(chunked(&alice, &video, usize::MAX).await, 413).await;
    assert_nothing_is_left(&alice).await;
}

/// Uploads at most `bytes` of a file without saying how many will come.
async fn chunked(user: &User<'_>, video: &Path, bytes: usize) -> Response {
    let content = fs::read(video).expect("the video is there");
    let content = content[..bytes.min(content.len())].to_vec();
    let pieces = content.chunks(1000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    user.post("/upload?filename=a.mp4").body(body).send().await.expect("an answer")
}

#[tokio::test]
async fn a_killed_engine_fails_one_conversion_and_the_service_lives_on() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let video = media::video("mp4", 60);
    let killer = async {
        until("an engine runs", async || !stack.engines().is_empty()).await;
        for pid in stack.engines() {
            let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
            assert!(killed.expect("kill runs").success());
        }
    };
    let (answer, ()) = tokio::join!(alice.upload(&video), killer);
    let problem = expect(answer, 500).await;
    assert_eq!(problem["type"], "/problems/engine-crashed");
    assert_nothing_is_left(&alice).await;

    alice.convert(&media::video("mp4", 3)).await;
}
