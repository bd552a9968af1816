//! A caller with a token.

use std::{fs, path::Path};

use reqwest::{RequestBuilder, Response};
use serde_json::Value;

pub(crate) use crate::answer::expect;
use crate::stack::Stack;

/// A caller with a token.
pub(crate) struct User<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) token: String,
}

impl User<'_> {
    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.stack.http.get(self.stack.url(path)).bearer_auth(&self.token)
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.stack.http.post(self.stack.url(path)).bearer_auth(&self.token)
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.stack.http.put(self.stack.url(path)).bearer_auth(&self.token)
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.stack.http.delete(self.stack.url(path)).bearer_auth(&self.token)
    }

    /// Uploads a file and returns the answer, whatever it is.
    pub(crate) async fn upload(&self, video: &Path) -> Response {
        let name = video.file_name().expect("a file").to_string_lossy().into_owned();
        let body = fs::read(video).expect("the video is there");
        self.put(&format!("/upload/{name}")).body(body).send().await.expect("an answer")
    }

    /// Uploads a file that must be converted.
    pub(crate) async fn convert(&self, video: &Path) -> Value {
        expect(self.upload(video).await, 201).await
    }

    pub(crate) async fn download(&self, id: &str) -> Vec<u8> {
        let answer = self.get(&format!("/download?fid={id}")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.bytes().await.expect("the whole mp3").to_vec()
    }

    /// The conversions that the caller sees.
    pub(crate) async fn list(&self) -> Vec<Value> {
        let page = expect(self.get("/conversions?limit=100").send().await.expect("an answer"), 200).await;
        page["conversions"].as_array().expect("a list").clone()
    }
}
