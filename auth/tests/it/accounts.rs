//! User management.

use auth::client::{NewUser, PasswordChange};
use serde_json::{Value, json};

use crate::service::{ADMIN_PASSWORD, PASSWORD, TestAuth, header, new_user};

fn change(old: &str, new: &str) -> PasswordChange {
    PasswordChange { old_password: old.into(), new_password: new.into() }
}

#[tokio::test]
async fn an_admin_creates_lists_and_removes_users() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;

    let zoe = auth.client.create_user(&admin, &new_user("Zoë Müller%2F?#")).await.expect("a new user");
    let listed = auth.client.list_users(&admin, None).await.expect("an admin");
    let rest = auth.client.list_users(&admin, Some("admin")).await.expect("an admin");
    let removed = auth.client.delete_user(&admin, "Zoë Müller%2F?#").await.expect("she is there");
    let again = auth.client.delete_user(&admin, "Zoë Müller%2F?#").await.expect("a repeat is harmless");

    let names: Vec<_> = listed.users.iter().map(|user| user.username.as_str()).collect();
    assert_eq!((names.as_slice(), listed.next), (["Zoë Müller%2F?#", "admin"].as_slice(), None));
    assert!(rest.users.is_empty());
    assert_eq!((removed.ids, again.ids), (vec![zoe.id.clone()], vec![zoe.id]));
    let unknown = auth.client.delete_user(&admin, "nobody").await.expect_err("never existed");
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_created_user_is_answered_without_secrets() {
    let auth = TestAuth::start().await;
    let body = json!({"username": "bob", "email": "bob@example.org", "password": PASSWORD});

    let call = auth.http.post(auth.url("/users")).bearer_auth(auth.admin().await).json(&body).send();
    let response = call.await.expect("an answer");

    assert_eq!(response.status(), 201);
    let user: Value = response.json().await.expect("a user");
    let members: Vec<_> = user.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["created_at", "email", "id", "isadmin", "username"]);
    assert_eq!(user["isadmin"], json!(false));
}

#[tokio::test]
async fn a_taken_name_is_refused() {
    let auth = TestAuth::start().await;
    auth.user("alice").await;

    let refused = auth.client.create_user(&auth.admin().await, &new_user("alice")).await.expect_err("taken");

    assert_eq!((refused.status, refused.kind.as_ref()), (409, "/problems/user-exists"));
    auth.user("Alice").await;
}

#[tokio::test]
async fn a_broken_rule_is_named() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;
    let broken = [
        (NewUser { username: "a:b".to_owned(), ..new_user("x") }, "a user name has"),
        (NewUser { email: "a@b\r\nBcc: c@d".to_owned(), ..new_user("x") }, "an e-mail address looks like"),
        (NewUser { password: "short".into(), ..new_user("x") }, "a password has 8 to 1024 bytes"),
    ];

    for (user, rule) in broken {
        let refused = auth.client.create_user(&admin, &user).await.expect_err(rule);
        assert_eq!(refused.status, 400);
        assert!(refused.detail.contains(rule), "{}", refused.detail);
    }
}

#[tokio::test]
async fn only_admins_manage_users() {
    let auth = TestAuth::start().await;
    auth.user("alice").await;
    let alice = auth.token("alice", PASSWORD).await;

    let refused = [
        auth.client.create_user(&alice, &new_user("bob")).await.err(),
        auth.client.list_users(&alice, None).await.err(),
        auth.client.delete_user(&alice, "alice").await.err(),
    ];

    for problem in refused {
        let problem = problem.expect("403");
        assert_eq!(problem.status, 403);
        let challenge = header(&problem, "www-authenticate").expect("RFC 6750");
        assert_eq!(challenge, "Bearer realm=\"tapedeck\", error=\"insufficient_scope\"");
    }
}

#[tokio::test]
async fn user_management_without_a_token_is_refused() {
    let auth = TestAuth::start().await;

    let response = auth.http.get(auth.url("/users")).send().await.expect("an answer");

    assert_eq!(response.status(), 401);
    assert_eq!(response.headers()["www-authenticate"], "Bearer realm=\"tapedeck\"");
    let bad = auth.client.list_users("abc", None).await.expect_err("a bad token");
    assert_eq!(bad.status, 401);
}

#[tokio::test]
async fn the_last_admin_stays() {
    let auth = TestAuth::start().await;
    let admin = auth.admin().await;

    let refused = auth.client.delete_user(&admin, "admin").await.expect_err("the last one");
    assert_eq!((refused.status, refused.kind.as_ref()), (409, "/problems/last-admin"));

    let second = NewUser { isadmin: true, ..new_user("second") };
    auth.client.create_user(&admin, &second).await.expect("a new admin");
    auth.client.delete_user(&admin, "admin").await.expect("not the last one any more");
}

#[tokio::test]
async fn a_password_changes_for_who_knows_the_old_one() {
    let auth = TestAuth::start().await;
    let token = auth.admin().await;

    let wrong = auth.client.change_password(&token, &change("wrong", "a new password"), None).await;
    let short = auth.client.change_password(&token, &change(ADMIN_PASSWORD, "short"), None).await;
    auth.client.change_password(&token, &change(ADMIN_PASSWORD, "a new password"), None).await.expect("the old one");

    assert_eq!(wrong.expect_err("a wrong password").kind, "/problems/wrong-password");
    assert_eq!(short.expect_err("a short password").status, 400);
    auth.token("admin", "a new password").await;
    let old = auth.client.login("admin", ADMIN_PASSWORD, None).await.expect_err("not any more");
    assert_eq!(old.status, 401);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_one() {
    let auth = TestAuth::start().await;

    let response = auth.http.get(auth.url("/login")).send().await.expect("an answer");

    assert_eq!((response.status().as_u16(), &response.headers()["allow"]), (405, &"POST".parse().expect("a header")));
}
