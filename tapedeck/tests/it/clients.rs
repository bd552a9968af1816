//! The clients that people have at hand: curl, wget, Python's requests.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;

use crate::{media, stack::Stack, user::expect};

async fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("no_proxy", "*");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("the task ends");
    output.unwrap_or_else(|e| panic!("{program} runs: {e}"))
}

#[tokio::test]
async fn curl_and_wget_do_the_whole_story() {
    let stack = Stack::start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let video = media::video("mp4", 3);
    let login =
        run("curl", &["-sS", "-u", &format!("admin:{}", stack.admin_password()), "-X", "POST", &stack.url("/login")])
            .await;
    let login: Value = serde_json::from_slice(&login.stdout).expect("JSON");
    let bearer = format!("Authorization: Bearer {}", login["token"].as_str().expect("a token"));

    let file = format!("file=@{}", video.display());
    for upload in [vec!["-T", video.to_str().expect("a path"), "URL/upload/"], vec!["-F", &file, "URL/upload"]] {
        let url = stack.url("");
        let upload: Vec<_> = upload.iter().map(|argument| argument.replace("URL", &url)).collect();
        let arguments: Vec<_> = ["-sS", "-H", &bearer].into_iter().chain(upload.iter().map(String::as_str)).collect();
        let answer = run("curl", &arguments).await;
        let done: Value = serde_json::from_slice(&answer.stdout).expect("JSON");
        assert_eq!(done["filename"], "tone-3.mp4", "{done}");

        let mp3 = folder.path().join("a.mp3");
        let from = stack.url(&format!("/download?fid={}", done["id"].as_str().expect("an id")));
        let wget = run("wget", &["-q", "--header", &bearer, "-O", mp3.to_str().expect("a path"), &from]).await;
        assert!(wget.status.success());
        assert_eq!(done["sha256"], media::sha256(&fs::read(&mp3).expect("wget wrote it")));
    }
}

#[tokio::test]
async fn curl_reads_a_refusal_in_the_middle_of_sending() {
    let stack = Stack::start_with(&[("UPLOAD_BYTES_MAX", "100000")]).await;
    let admin = stack.admin().await;
    let bearer = format!("Authorization: Bearer {}", admin.token);
    let large = media::file("large.mp4", &vec![0; 30_000_000]);
    let large = large.to_str().expect("a path");
    let url = stack.url("/upload/");
    for framing in ["Expect:", "Transfer-Encoding: chunked"] {
        let answer = run("curl", &["-sS", "-H", &bearer, "-H", framing, "-T", large, &url]).await;
        let problem: Value = serde_json::from_slice(&answer.stdout)
            .unwrap_or_else(|e| panic!("{framing}: {e}: {}", String::from_utf8_lossy(&answer.stderr)));
        let status = problem["status"].as_u64().expect("a status");
        assert!([413, 415].contains(&status), "{problem}");
    }
    assert!(stack.engines().is_empty());
}

/// `TEST_PYTHON` names a Python that has `requests`; `./test` makes one.
#[tokio::test]
async fn python_requests_uploads_downloads_and_reads_refusals() {
    let stack = Stack::start_with(&[("UPLOAD_BYTES_MAX", "10000000")]).await;
    let python = std::env::var("TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let video = media::video("mp4", 3);
    let arguments = ["tests/it/clients.py", &stack.url(""), &stack.admin_password(), video.to_str().expect("a path")];
    let output = run(&python, &arguments).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let done: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let admin = stack.admin().await;
    let path = format!("/conversions/{}", done["id"].as_str().expect("an id"));
    expect(admin.get(&path).send().await.expect("an answer"), 200).await;
}
