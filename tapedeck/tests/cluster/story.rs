//! The whole story: every call of a user and an administrator, at either gateway.

use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    answer::expect,
    caller::{Caller, clip},
    cluster::Cluster,
    media,
    servers::{ADMIN_PASSWORD, Servers, migrate, turn},
    wait::until,
};

#[tokio::test]
async fn four_services_on_real_servers_do_the_whole_story() {
    let Some(turn) = turn().await else { return };
    assert!(migrate(turn.servers.mysql.url()).contains("there are users already"), "it may be repeated");
    let cluster = Cluster::start(turn.servers).await;
    let (at_a, email) = cluster.user("alice").await;
    let at_b = at_a.at(cluster.gateways[1].url(""));

    let done = at_a.convert("the-key").await;

    let id = done["id"].as_str().expect("an id");
    at_b.assert_downloads(&done).await;
    let listed = at_b.list().await;
    assert_eq!(listed.iter().map(|listed| &listed["id"]).collect::<Vec<_>>(), [&done["id"]]);
    let replay = at_b.upload("the-key", clip()).send().await.expect("an answer");
    assert_eq!(replay.headers()["idempotency-replayed"], "true");
    assert_eq!(expect(replay, 201).await["id"], done["id"]);
    assert_mailed(turn.servers, &at_a, &email, &done).await;
    let stranger = cluster.user("bob").await.0;
    for call in [stranger.get(&format!("/download?fid={id}")), stranger.delete(&format!("/conversions/{id}"))] {
        expect(call.send().await.expect("an answer"), 404).await;
    }

    let gone = at_b.delete(&format!("/conversions/{id}")).send().await.expect("an answer");
    assert_eq!(gone.status(), 204);
    expect(at_a.get(&format!("/download?fid={id}")).send().await.expect("an answer"), 404).await;
    assert_eq!(at_a.list().await, Vec::<Value>::new());
    users_are_managed(&cluster, &at_a, &email).await;
    assert_no_secret_is_logged(&cluster, turn.servers);
}

/// One mail came, and its link leads to the mp3.
async fn assert_mailed(servers: &Servers, owner: &Caller, email: &str, done: &Value) {
    let id = done["id"].as_str().expect("an id");
    until("the mail is delivered", async || expect(owner.status(id).await, 200).await["mail"]["state"] == "delivered")
        .await;
    let mails = servers.mails(email).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let text = servers.mail_text(&mails[0]).await;
    let link = text.split_whitespace().find(|word| word.starts_with("http://")).expect("a link");
    assert_eq!(link, format!("{}/download?fid={id}", owner.base));
    let mp3 = owner.http.get(link).bearer_auth(&owner.token).send().await.expect("an answer").bytes().await;
    assert_eq!(done["sha256"], media::sha256(&mp3.expect("the whole mp3")));
}

/// A password is changed at one gateway and counts at the other; a removed user is nobody at once, at both.
async fn users_are_managed(cluster: &Cluster, alice: &Caller, email: &str) {
    let [a, b] = [0, 1].map(|n| cluster.gateways[n].url(""));
    let name = email.split_once('@').expect("an address").0;
    let admin = cluster.admin().await;
    expect(alice.get("/users").send().await.expect("an answer"), 403).await;
    let users = expect(admin.get("/users").send().await.expect("an answer"), 200).await.to_string();
    assert!(users.contains(name) && !users.contains("argon2"), "{users}");

    let change = json!({"old_password": "correct horse", "new_password": "battery staple"});
    let changed = alice.put("/users/me/password").json(&change).send().await.expect("an answer");
    assert!(changed.status().is_success(), "{}", changed.status());
    let again = Caller::login(&cluster.http, b.clone(), name, "battery staple").await;
    let old = cluster.http.post(format!("{a}/login")).basic_auth(name, Some("correct horse")).send().await;
    expect(old.expect("an answer"), 401).await;

    let removed = admin.delete(&format!("/users/{name}")).send().await.expect("an answer");
    assert!(removed.status().is_success(), "{}", removed.status());
    for caller in [alice, &again] {
        expect(caller.get("/conversions").send().await.expect("an answer"), 401).await;
    }
}

fn assert_no_secret_is_logged(cluster: &Cluster, servers: &Servers) {
    let password =
        |url: &str| url.split_once('@').and_then(|(login, _)| login.rsplit_once(':')).map(|(_, p)| p.to_owned());
    let urls = [servers.mysql.url(), servers.mongo.url(), servers.rabbit.url()];
    let mut secrets: Vec<_> = urls.into_iter().map(|url| password(url).expect("a password")).collect();
    secrets.extend([ADMIN_PASSWORD, "correct horse", "@example.org", "at least 32 bytes"].map(str::to_owned));
    for process in cluster.processes() {
        let log = process.log();
        for secret in &secrets {
            assert!(!log.contains(secret), "{secret} is in\n{log}");
        }
    }
}

/// `tapedeck up`, killed when dropped.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn one_process_does_the_story_on_the_same_servers() {
    let Some(turn) = turn().await else { return };
    let (servers, folder) = (turn.servers, tempfile::tempdir().expect("a temporary folder"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapedeck"));
    command
        .args(["up", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .args(["--users-url", servers.mysql.url(), "--store-url", &servers.new_store()])
        .args(["--broker-url", servers.rabbit.url(), "--mail-url", servers.mail.url()])
        .env("DISK_FREE_MIN", "0")
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let _up = Up(command.spawn().expect("tapedeck starts"));
    let mut base = String::new();
    until("it says where it listens", async || {
        base = fs::read_to_string(folder.path().join("address")).unwrap_or_default().trim().to_owned();
        !base.is_empty()
    })
    .await;
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let admin = Caller::login(&http, base.clone(), "admin", ADMIN_PASSWORD).await;
    let name = testbed::unique("carol");
    let email = format!("{name}@example.org");
    let user = json!({"username": name, "email": email, "password": "correct horse"});
    expect(admin.post("/users").json(&user).send().await.expect("an answer"), 201).await;
    let carol = Caller::login(&http, base, &name, "correct horse").await;

    let done = carol.convert("k").await;

    carol.assert_downloads(&done).await;
    assert_mailed(servers, &carol, &email, &done).await;
}
