//! Logging in.

use anyhow::Context as _;
use serde_json::Value;

/// The token of a user, from a gateway or from auth itself.
pub(crate) async fn login(http: &reqwest::Client, base: &str, user: &str, password: &str) -> anyhow::Result<String> {
    let answer = http.post(format!("{base}/login")).basic_auth(user, Some(password)).send().await;
    let answer = answer.with_context(|| format!("nothing answers at {base}"))?.error_for_status()?;
    let login: Value = answer.json().await?;
    Ok(login["token"].as_str().context("a login without a token")?.to_owned())
}
