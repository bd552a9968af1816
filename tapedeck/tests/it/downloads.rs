//! Downloads: ranges, conditions, names.

use reqwest::header::{self, HeaderMap};

use crate::{media, stack::Stack};

#[tokio::test]
async fn a_download_has_length_tag_and_ranges() {
    let stack = Stack::start().await;
    let alice = stack.user("alice").await;
    let done = alice.convert(&media::video("mp4", 3)).await;
    let path = format!("/download?fid={}", done["id"].as_str().expect("an id"));
    let whole = alice.get(&path).send().await.expect("an answer");
    let headers = whole.headers().clone();
    let mp3 = whole.bytes().await.expect("the whole mp3");
    assert_eq!(headers[header::CONTENT_TYPE], "audio/mpeg");
    assert_eq!(headers[header::CONTENT_LENGTH], mp3.len().to_string().as_str());
    assert_eq!(headers[header::ACCEPT_RANGES], "bytes");
    let tag = headers[header::ETAG].to_str().expect("text").to_owned();
    assert_eq!(tag, format!("\"{}\"", done["sha256"].as_str().expect("text")));

    let last = mp3.len() - 1;
    for (range, status, expected) in [
        ("bytes=0-0".to_owned(), 206, &mp3[..1]),
        ("bytes=100-199".to_owned(), 206, &mp3[100..200]),
        ("bytes=-5".to_owned(), 206, &mp3[mp3.len() - 5..]),
        (format!("bytes={last}-"), 206, &mp3[last..]),
        (format!("bytes=10-{}", mp3.len() * 2), 206, &mp3[10..]),
        (format!("bytes={}-", mp3.len()), 416, &[][..]),
        ("pages=1-2".to_owned(), 200, &mp3[..]),
    ] {
        let part = alice.get(&path).header(header::RANGE, &range).send().await.expect("an answer");
        assert_eq!(part.status(), status, "{range}");
        if status == 416 {
            assert_eq!(part.headers()[header::CONTENT_RANGE], format!("bytes */{}", mp3.len()).as_str());
            continue;
        }
        assert_eq!(part.bytes().await.expect("the part"), expected, "{range}");
    }

    for (name, value, status) in [
        (header::IF_NONE_MATCH, tag.as_str(), 304),
        (header::IF_NONE_MATCH, "*", 304),
        (header::IF_NONE_MATCH, "\"other\"", 200),
    ] {
        let answer = alice.get(&path).header(name, value).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{value}");
    }
    for (condition, status) in [(tag.as_str(), 206), ("\"other\"", 200)] {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=0-9".parse().expect("a header"));
        headers.insert(header::IF_RANGE, condition.parse().expect("a header"));
        let answer = alice.get(&path).headers(headers).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{condition}");
    }
    let head = stack.http.head(stack.url(&path)).bearer_auth(&alice.token).send().await.expect("an answer");
    assert_eq!(head.headers()[header::CONTENT_LENGTH], mp3.len().to_string().as_str());
}
