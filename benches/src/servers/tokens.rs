//! What `POST /validate` adds to every request, and a log-in against the hashing alone.

use std::{path::Path, time::Instant};

use anyhow::{Context as _, ensure};
use auth::{Password, PasswordHash};
use serde_json::{Value, json};

use crate::{
    console::{note, say},
    stats::Samples,
    system::{ADMIN, PASSWORD, Process, Servers, login},
};

/// Calls whose median counts.
const VALIDATIONS: usize = 2000;
/// The first ones open connections.
const WARM_UP: usize = 200;
/// Log-ins, each beside one hash.
const LOGINS: usize = 25;

/// Measures `auth` alone, over one kept connection as the gateway has it, on both kinds of user store.
pub(super) async fn measure(tapedeck: &Path, servers: &Servers) -> anyhow::Result<Value> {
    let sqlite = format!("sqlite:{}", servers.path("users.sqlite").display());
    servers.migrate(tapedeck, &sqlite)?;
    let key = servers.write("signing-key", &"k".repeat(64))?;
    let key = key.to_str().context("a folder with a name in Unicode")?;
    let mut results = json!({});
    for (name, users_url, goal_ms) in [("SQLite", sqlite.as_str(), 1.5), ("MySQL", servers.mysql.url(), 3.0)] {
        note(format!("tokens, users in {name}"));
        let settings = [("USERS_URL", users_url), ("SIGNING_KEY_FILE", key)];
        let auth = Process::start(tapedeck, "auth", "AUTH_LISTEN", &settings).await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let (logins, hashes, token) = logins(&http, &auth.base).await?;
        let validations = validations(&http, &auth.base, &token).await?;
        let more = (logins.median - hashes.median) * 1000.0;
        say(format!("users in {name}: median (min – max) in milliseconds"));
        say(format!("  POST /validate     {}   (goal ≤ {goal_ms})", milliseconds(&validations)));
        say(format!("  POST /login        {}   {more:+.1} ms to the hash alone", milliseconds(&logins)));
        say(format!("  argon2id alone     {}", milliseconds(&hashes)));
        results[name] = json!({"validate_s": validations.without_all(), "login_s": logins, "hash_s": hashes});
    }
    Ok(results)
}

async fn logins(http: &reqwest::Client, base: &str) -> anyhow::Result<(Samples, Samples, String)> {
    let (mut logins, mut hashes, mut token) = (vec![], vec![], String::new());
    for _ in 0..LOGINS {
        let started = Instant::now();
        token = login(http, base, ADMIN, PASSWORD).await?;
        logins.push(started.elapsed().as_secs_f64());
        let password = Password::parse(PASSWORD.to_owned().into())?;
        let started = Instant::now();
        PasswordHash::of(password).await?;
        hashes.push(started.elapsed().as_secs_f64());
    }
    Ok((Samples::of(logins), Samples::of(hashes), token))
}

async fn validations(http: &reqwest::Client, base: &str, token: &str) -> anyhow::Result<Samples> {
    let (url, body) = (format!("{base}/validate"), json!({"token": token}));
    let mut all = vec![];
    for call in 0..WARM_UP + VALIDATIONS {
        let started = Instant::now();
        let answer = http.post(&url).json(&body).send().await?;
        ensure!(answer.status().is_success(), "the token was answered {}", answer.status());
        answer.bytes().await?;
        if call >= WARM_UP {
            all.push(started.elapsed().as_secs_f64());
        }
    }
    Ok(Samples::of(all))
}

fn milliseconds(samples: &Samples) -> String {
    let Samples { median, min, max, .. } = samples;
    format!("{:7.2}  ({:.2} – {:.2})", median * 1000.0, min * 1000.0, max * 1000.0)
}
