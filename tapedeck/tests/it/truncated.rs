//! Half a video never becomes an mp3: cut by content in every framing, and cut by the connection.

use std::{fs, path::PathBuf};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    media,
    stack::{Stack, until},
    user::User,
};

/// How an upload says how long it is.
#[derive(Debug, Clone, Copy)]
enum Framing {
    Length,
    Chunked,
}

fn videos() -> [PathBuf; 4] {
    [media::video("mp4", 3), media::moov_last(3), media::video("mkv", 3), media::video("webm", 3)]
}

async fn assert_nothing_is_visible(user: &User<'_>) {
    until("every claim is over", async || user.list().await.iter().all(|found| found["state"] == "failed")).await;
    assert!(!user.list().await.is_empty(), "the uploads were admitted, and failed for what they are");
    until("no blob is left", async || user.stack.blobs().is_empty()).await;
    until("no engine is left", async || user.stack.engines().is_empty()).await;
}

/// The file is cut before it is sent: the transport is whole, only the content is not.
#[tokio::test]
async fn a_cut_file_in_whole_framing_never_gets_201() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    for video in videos() {
        let content = fs::read(&video).expect("the video is there");
        for cut in cuts(content.len()) {
            for framing in [Framing::Length, Framing::Chunked] {
                let part = content[..cut].to_vec();
                let body = match framing {
                    Framing::Length => reqwest::Body::from(part),
                    Framing::Chunked => {
                        let pieces = part.chunks(4096).map(|piece| Ok::<_, std::io::Error>(piece.to_vec()));
                        reqwest::Body::wrap_stream(futures_util::stream::iter(pieces.collect::<Vec<_>>()))
                    }
                };
                let answer = alice.post("/upload?filename=a").body(body).send().await.expect("an answer");
                let status = answer.status().as_u16();
                assert!([415, 422].contains(&status), "{status} for {} cut at {cut}, {framing:?}", video.display());
            }
        }
    }
    assert_nothing_is_visible(&alice).await;
}

/// The connection ends in the middle of what was announced.
#[tokio::test]
async fn a_cut_connection_never_gets_201() {
    let stack = Stack::start_with(&[("UPLOADS_PER_USER_MAX", "100")]).await;
    let alice = stack.user("alice").await;
    for video in videos() {
        let content = fs::read(&video).expect("the video is there");
        for cut in cuts(content.len()) {
            for framing in [Framing::Length, Framing::Chunked] {
                stack.wait_permits(0).await;
                let answer = broken_upload(&alice, &content, cut, framing).await;
                assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
            }
        }
    }
    assert_nothing_is_visible(&alice).await;
}

/// A multipart body whose closing boundary is missing is a truncation, although its part is whole.
#[tokio::test]
async fn a_multipart_body_without_its_last_boundary_never_gets_201() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let content = fs::read(media::video("mp4", 3)).expect("the video is there");
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\n\r\n";
    let body = [head.as_bytes(), &content, b"\r\n"].concat();
    let upload = alice.post("/upload").header("content-type", "multipart/form-data; boundary=b").body(body);
    let status = upload.send().await.expect("an answer").status();
    assert_eq!(status, 408);
    assert_nothing_is_visible(&alice).await;
}

#[tokio::test]
async fn the_engine_of_a_client_that_vanishes_is_gone_within_a_second() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let content = fs::read(media::video("mp4", 60)).expect("the video is there");
    let mut client = open(&alice, &format!("content-length: {}", content.len())).await;
    client.write_all(&content[..content.len() / 2]).await.expect("the server reads");
    until("an engine runs", async || !stack.engines().is_empty()).await;

    drop(client);

    let left = std::time::Instant::now();
    until("the engine is gone", async || stack.engines().is_empty()).await;
    assert!(left.elapsed().as_secs_f64() < 1.0, "{:?}", left.elapsed());
    assert_nothing_is_visible(&alice).await;
}

/// Five places, each inside the file.
fn cuts(length: usize) -> [usize; 5] {
    [length / 10, length / 3, length / 2, length * 4 / 5, length - 1]
}

async fn open(user: &User<'_>, framing: &str) -> TcpStream {
    let mut client = TcpStream::connect(user.stack.address()).await.expect("a connection");
    let token = &user.token;
    let head = format!(
        "POST /upload?filename=a HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n{framing}\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.expect("the server reads");
    client
}

/// Sends a part and closes its side of the connection; answers what the server said.
async fn broken_upload(user: &User<'_>, content: &[u8], cut: usize, framing: Framing) -> String {
    let mut client = match framing {
        Framing::Length => open(user, &format!("content-length: {}", content.len())).await,
        Framing::Chunked => open(user, "transfer-encoding: chunked").await,
    };
    if let Framing::Chunked = framing {
        client.write_all(format!("{:x}\r\n", content.len()).as_bytes()).await.expect("the server reads");
    }
    client.write_all(&content[..cut]).await.expect("the server reads");
    // Only an upload that is under way can be cut.
    user.stack.wait_permits(1).await;
    let _ = client.shutdown().await;
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
