//! After the body: the converter's answer, or the document where it was lost.

use converter::conversion::{ConversionId, State};
use reqwest::header;
use serde_json::Value;

use crate::{
    script::{OnVideo, document},
    stack::{Stack, alices},
};

#[tokio::test]
async fn a_converted_upload_is_described() {
    let stack = Stack::start().await;
    let upload = stack.http.put(stack.url("/upload/F%C3%BC%C3%9Fe.mp4?quality=V0")).bearer_auth("alice").body("video");
    let answer = upload.send().await.expect("an answer");
    assert_eq!(answer.status(), 201);
    let headers = answer.headers().clone();
    let body: Value = answer.json().await.expect("JSON");
    let id = body["id"].as_str().expect("an id");
    assert_eq!(headers[header::LOCATION], format!("/conversions/{id}"));
    assert!(headers["server-timing"].to_str().expect("text").starts_with("admission;dur="));
    assert_eq!(body["filename"], "Füße.mp4");
    assert_eq!((body["bytes"].as_u64(), body["options"]["quality"].as_str()), (Some(10), Some("V0")));
    assert_eq!(body["links"]["download"], format!("/download?fid={id}"));
}

#[tokio::test]
async fn a_lost_answer_is_read_from_the_document() {
    for (state, status, kind) in [
        (State::Done, 201, None),
        (State::Failed, 422, Some("/problems/no-audio")),
        (State::Deleted, 502, Some("/problems/converter-lost")),
    ] {
        let stack = Stack::start().await;
        stack.script.on_video(OnVideo::Lose(state));
        let answer = stack.upload("video").send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{state:?}");
        assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), status == 502);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["type"].as_str(), kind);
    }
}

#[tokio::test]
async fn a_lost_answer_of_a_running_conversion_ends_at_the_deadline() {
    let stack = Stack::start().await;
    stack.script.on_video(OnVideo::Lose(State::Running));
    let answer = stack.upload("video").header("request-deadline-ms", "1000").send().await.expect("an answer");
    assert_eq!(answer.status(), 504);
    assert!(answer.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_foreign_and_an_unknown_id_answer_alike() {
    let stack = Stack::start().await;
    let foreign = ConversionId::random();
    assert!(stack.store.insert(document(&alices(), foreign, State::Done)).await.expect("the store works"));
    let mut answers = vec![];
    for id in [foreign.to_string(), ConversionId::random().to_string(), "no-id".to_owned()] {
        for path in [format!("/download?fid={id}"), format!("/conversions/{id}")] {
            let call = stack.http.get(stack.url(&path)).bearer_auth("bob").header("x-request-id", "same");
            let answer = call.send().await.expect("an answer");
            assert_eq!(answer.status(), 404);
            answers.push(answer.text().await.expect("a body"));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn pages_follow_each_other_and_a_deleted_conversion_is_gone() {
    let stack = Stack::start().await;
    for _ in 0..5 {
        let added = stack.store.insert(document(&alices(), ConversionId::random(), State::Done)).await;
        assert!(added.expect("the store works"));
    }
    let get = async |path: &str| -> Value {
        let answer = stack.http.get(stack.url(path)).bearer_auth("alice").send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.json().await.expect("JSON")
    };
    let (mut ids, mut path) = (vec![], "/conversions?limit=2".to_owned());
    loop {
        let page = get(&path).await;
        let conversions = page["conversions"].as_array().expect("a list");
        ids.extend(conversions.iter().map(|conversion| conversion["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/conversions?limit=2&cursor={next}");
    }
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (5, 5));

    for status in [204, 404] {
        let delete = stack.http.delete(stack.url(&format!("/conversions/{}", ids[0]))).bearer_auth("alice");
        assert_eq!(delete.send().await.expect("an answer").status(), status);
    }
    assert_eq!(get("/conversions").await["conversions"].as_array().map(Vec::len), Some(4));
}
