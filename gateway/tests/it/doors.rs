//! Who is let in: tokens, cookies, origins, host names, methods.

use reqwest::{Method, header};
use serde_json::Value;

use crate::stack::Stack;

#[tokio::test]
async fn bad_tokens_are_told_from_missing_ones() {
    let stack = Stack::start().await;
    for (token, challenge) in [
        (None, r#"Bearer realm="tapedeck""#),
        (Some("Bearer nobody"), r#"Bearer realm="tapedeck", error="invalid_token""#),
        (Some("Bearer"), r#"Bearer realm="tapedeck", error="invalid_token""#),
        (Some("Basic YTpi"), r#"Bearer realm="tapedeck", error="invalid_token""#),
    ] {
        let mut call = stack.http.get(stack.url("/conversions"));
        if let Some(token) = token {
            call = call.header(header::AUTHORIZATION, token);
        }
        let answer = call.send().await.expect("an answer");
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], challenge, "{token:?}");
    }
}

#[tokio::test]
async fn the_cookie_is_the_pages_alone() {
    let stack = Stack::start().await;
    let login = || stack.http.post(stack.url("/login")).basic_auth("alice", Some("secret"));

    let plain = login().send().await.expect("an answer");
    assert!(!plain.headers().contains_key(header::SET_COOKIE), "no page asked for a cookie");
    let foreign = login().header("x-tapedeck-page", "1").header("origin", "http://evil.example").send().await;
    assert_eq!(foreign.expect("an answer").status(), 403);

    let own = login().header("x-tapedeck-page", "1").header("sec-fetch-site", "same-origin").send().await;
    let own = own.expect("an answer");
    assert_eq!(own.status(), 200);
    let cookie = own.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
    for part in ["tapedeck=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let body: Value = own.json().await.expect("JSON");
    assert!(body.get("token").is_none(), "scripts must not see the token");
}

#[tokio::test]
async fn a_cookie_changes_something_only_from_the_own_origin() {
    let stack = Stack::start().await;
    let with = |method: Method, extra: Option<(&'static str, String)>| {
        let path = if method == Method::GET { "/conversions" } else { "/conversions/00112233445566778899aabbccddeeff" };
        let call = stack.http.request(method, stack.url(path)).header(header::COOKIE, "a=b; tapedeck=alice");
        match extra {
            Some((name, value)) => call.header(name, value),
            None => call,
        }
    };
    let own = format!("http://{}", stack.gateway.address());
    for (call, status) in [
        (with(Method::GET, None), 200),
        (with(Method::DELETE, None), 403),
        (with(Method::DELETE, Some(("origin", "http://evil.example".into()))), 403),
        (with(Method::DELETE, Some(("sec-fetch-site", "same-site".into()))), 403),
        (with(Method::DELETE, Some(("origin", own))), 404),
        (with(Method::DELETE, Some(("sec-fetch-site", "same-origin".into()))), 404),
    ] {
        assert_eq!(call.send().await.expect("an answer").status(), status);
    }
}

#[tokio::test]
async fn only_the_page_itself_ends_its_cookie() {
    let stack = Stack::start().await;
    let own = format!("http://{}", stack.gateway.address());
    for (cookie, header, status, clears) in [
        (true, ("origin", own.as_str()), 204, true),
        (true, ("sec-fetch-site", "same-origin"), 204, true),
        (true, ("sec-fetch-site", "cross-site"), 403, false),
        (true, ("origin", "http://evil.example"), 403, false),
        (true, ("x-nothing", "x"), 403, false),
        // What a browser makes of another site's form: the cookie stays behind, and must not be cleared either.
        (false, ("sec-fetch-site", "cross-site"), 204, false),
        (false, ("x-nothing", "x"), 204, false),
    ] {
        let mut call = stack.http.post(stack.url("/logout")).header(header.0, header.1);
        if cookie {
            call = call.header(header::COOKIE, "tapedeck=alice");
        }
        let answer = call.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{cookie} {header:?}");
        assert_eq!(answer.headers().contains_key(header::SET_COOKIE), clears, "{cookie} {header:?}");
    }
}

#[tokio::test]
async fn a_gateway_on_loopback_answers_to_its_own_names_only() {
    let stack = Stack::start().await;
    for (host, status) in [("localhost:1", 200), ("127.0.0.1", 200), ("evil.example", 421), ("localhost.evil", 421)] {
        let answer = stack.http.get(stack.url("/")).header(header::HOST, host).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{host}");
        assert_eq!(answer.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}

#[tokio::test]
async fn only_admins_see_users_and_dead_mail() {
    let stack = Stack::start().await;
    for path in ["/users", "/admin/dead-mail"] {
        let answer = stack.http.get(stack.url(path)).bearer_auth("alice").send().await.expect("an answer");
        assert_eq!(answer.status(), 403, "{path}");
    }
    let dead = stack.http.get(stack.url("/admin/dead-mail")).bearer_auth("root").send().await.expect("an answer");
    assert_eq!(dead.status(), 200);
}

#[tokio::test]
async fn other_methods_and_addresses_are_named() {
    let stack = Stack::start().await;
    for (method, path, status, allow) in [
        (Method::DELETE, "/download", 405, Some("GET, HEAD")),
        (Method::GET, "/upload", 405, Some("POST, PUT")),
        (Method::POST, "/", 405, Some("GET, HEAD")),
        (Method::GET, "/nothing", 404, None),
    ] {
        let answer = stack.http.request(method, stack.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers().get(header::ALLOW).and_then(|value| value.to_str().ok()), allow);
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy_and_a_tag() {
    let stack = Stack::start().await;
    for path in ["/", "/app.js", "/style.css", "/docs", "/openapi.json", "/icon.svg"] {
        let answer = stack.http.get(stack.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.starts_with("default-src 'self'"));
        let tag = answer.headers()[header::ETAG].clone();
        let again = stack.http.get(stack.url(path)).header(header::IF_NONE_MATCH, tag).send().await;
        assert_eq!(again.expect("an answer").status(), 304, "{path}");
    }
    let explained = stack.http.get(stack.url("/problems/key-reused")).send().await.expect("an answer");
    assert_eq!(explained.status(), 200);
}
