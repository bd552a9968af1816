//! Downloads in flight.

use std::time::Instant;

use bytes::Bytes;
use converter::conversion::{Conversion, ConversionId, State};
use reqwest::{Method, Response, header};

use crate::{
    script::document,
    stack::{PATIENCE, Stack, alices},
};

/// More than the kernel's buffers take from a gateway whose client reads nothing.
const BYTES: usize = 64 * 1024 * 1024;

/// Puts an mp3 into the store.
async fn stored(stack: &Stack) -> ConversionId {
    let mut done: Conversion = document(&alices(), ConversionId::random(), State::Done);
    let mp3 = done.mp3.as_mut().expect("it is done");
    mp3.bytes = BYTES as u64;
    let mut writer = stack.store.create_blob(mp3.blob_id).await.expect("the store answers");
    writer.write(Bytes::from(vec![0; BYTES])).await.expect("the store answers");
    writer.finish(None).await.expect("the store answers");
    let id = done.id;
    assert!(stack.store.insert(done).await.expect("the store answers"));
    id
}

async fn ask(stack: &Stack, method: Method, id: ConversionId) -> Response {
    let url = stack.url(&format!("/download?fid={id}"));
    stack.http.request(method, url).bearer_auth("alice").send().await.expect("an answer")
}

#[tokio::test]
async fn a_users_downloads_in_flight_are_limited() {
    let stack = Stack::start_with(|config| config.downloads_per_user_max = 1).await;
    let id = stored(&stack).await;
    let first = ask(&stack, Method::GET, id).await;
    assert_eq!(first.status(), 200);

    let second = ask(&stack, Method::GET, id).await;
    assert_eq!(second.status(), 429);
    assert!(second.headers().contains_key(header::RETRY_AFTER));
    let detail = second.text().await.expect("a problem");
    assert!(detail.contains("/problems/too-many-downloads") && detail.contains("DOWNLOADS_PER_USER_MAX"), "{detail}");
    assert_eq!(ask(&stack, Method::HEAD, id).await.status(), 200, "what sends nothing does not count");

    assert_eq!(first.bytes().await.expect("the mp3").len(), BYTES);
    let third = admitted(&stack, id).await;
    drop(third);
    // The gateway has to see that its client is gone.
    admitted(&stack, id).await;
}

/// The download, once an earlier one is over for the gateway, too.
async fn admitted(stack: &Stack, id: ConversionId) -> Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = ask(stack, Method::GET, id).await;
        if answer.status() == 200 {
            return answer;
        }
        assert!(Instant::now() < deadline, "{answer:?}");
    }
}
