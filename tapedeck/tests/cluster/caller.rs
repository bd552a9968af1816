//! A user with a token, at any gateway.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;

use crate::{answer::expect, media};

/// A user at one gateway.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) http: Client,
    /// The gateway's address, as `http://127.0.0.1:8080`.
    pub(crate) base: String,
    pub(crate) token: String,
}

impl Caller {
    /// Logs in.
    pub(crate) async fn login(http: &Client, base: String, name: &str, password: &str) -> Self {
        let answer = http.post(format!("{base}/login")).basic_auth(name, Some(password)).send().await;
        let login = expect(answer.expect("an answer"), 200).await;
        Self { http: http.clone(), base, token: login["token"].as_str().expect("a token").to_owned() }
    }

    /// The same user with the same token at another gateway.
    pub(crate) fn at(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.http.put(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.http.delete(format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// An upload, not yet sent.
    pub(crate) fn upload(&self, key: &str, video: bytes::Bytes) -> RequestBuilder {
        self.put("/upload/tone.mp4").header("idempotency-key", key).body(video)
    }

    /// Uploads a video that must be converted.
    pub(crate) async fn convert(&self, key: &str) -> Value {
        expect(self.upload(key, clip()).send().await.expect("an answer"), 201).await
    }

    /// Downloads an mp3 that must be there, and holds it against the checksum of its 201 or of the list.
    pub(crate) async fn assert_downloads(&self, done: &Value) {
        let id = done["id"].as_str().expect("an id");
        let answer = self.get(&format!("/download?fid={id}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{id}");
        let mp3 = answer.bytes().await.expect("the whole mp3");
        assert_eq!(done["sha256"], media::sha256(&mp3), "{id}");
    }

    /// All of the user's conversions, page by page.
    pub(crate) async fn list(&self) -> Vec<Value> {
        let (mut all, mut path) = (Vec::new(), "/conversions?limit=100".to_owned());
        loop {
            let page = expect(self.get(&path).send().await.expect("an answer"), 200).await;
            all.extend(page["conversions"].as_array().expect("a list").iter().cloned());
            let Some(cursor) = page["next"].as_str() else { return all };
            path = format!("/conversions?limit=100&cursor={cursor}");
        }
    }

    pub(crate) async fn status(&self, id: &str) -> Response {
        self.get(&format!("/conversions/{id}")).send().await.expect("an answer")
    }
}

/// The video of these tests: 2 s, so that a conversion costs little.
pub(crate) fn clip() -> bytes::Bytes {
    std::fs::read(media::video("mp4", 2)).expect("the video is there").into()
}
