//! What every user store holds; each rule gets an empty one, with its schema. The table below is the list.

use auth::{Email, Error, NewAccount, Password, PasswordHash, Username, Users};

/// Makes a test of each rule; `$on` opens a store, lets the rule see it, and clears it away. A rule that is missing here
/// is dead code, which does not compile.
macro_rules! holds_on {
    ($on:ident) => {
        $crate::users_contract::holds_on! { $on:
            a_created_user_is_found_by_name_and_id,
            names_are_compared_byte_by_byte,
            of_many_that_create_one_name_at_once_one_wins,
            a_list_comes_in_pages_in_the_order_of_the_names,
            removing_names_all_ids_of_the_name_and_can_be_repeated,
            the_last_admin_cannot_be_removed,
            of_admins_that_are_removed_at_once_one_stays,
            the_first_admin_is_created_only_where_nobody_is,
            of_many_first_admins_at_once_one_is_created,
            a_password_is_set_for_who_is_still_there,
            each_of_many_passwords_set_at_once_begins_a_generation,
            a_schema_is_migrated_again_without_harm,
        }
    };
    ($on:ident: $($rule:ident,)*) => {
        $(
            #[tokio::test]
            async fn $rule() {
                $on($crate::users_contract::$rule).await;
            }
        )*
    };
}
pub(crate) use holds_on;

/// A hash of the right shape; the store does not look inside.
async fn hash() -> PasswordHash {
    PasswordHash::of(password()).await.expect("argon2 works")
}

fn password() -> Password {
    Password::parse("a password".into()).expect("long enough")
}

fn account(username: &str, isadmin: bool, password_hash: &PasswordHash) -> NewAccount {
    let username = Username::parse(username).expect("a good name");
    let email = Email::parse("a@example.org").expect("a good address");
    NewAccount { username, email, password_hash: password_hash.clone(), isadmin }
}

pub(crate) async fn a_created_user_is_found_by_name_and_id(users: &Users) {
    let hash = hash().await;
    let user = users.create(account("zoë", true, &hash)).await.expect("a free name");

    let by_name = users.by_name("zoë").await.expect("the store works").expect("found");
    let by_id = users.by_id(&user.id).await.expect("the store works").expect("found");

    assert_eq!((&by_name.user, &by_id.user), (&user, &user));
    assert_eq!((by_name.token_generation, by_id.token_generation), (0, 0));
    assert_eq!(by_name.password_hash.as_str(), hash.as_str());
    assert!(user.isadmin && user.id.len() == 32 && user.created_at > 0);
    assert!(users.by_id("zoë").await.expect("the store works").is_none());
}

pub(crate) async fn names_are_compared_byte_by_byte(users: &Users) {
    let hash = hash().await;
    for name in ["alice", "Alice", "alicé", "alice\u{301}"] {
        users.create(account(name, false, &hash)).await.expect("another name");
    }

    assert!(matches!(users.create(account("alice", false, &hash)).await, Err(Error::Taken)));
    for nobody in ["ALICE", "alice ", "alice\0", "alicé ", " alice", ""] {
        assert!(users.by_name(nobody).await.expect("the store works").is_none(), "{nobody:?}");
        assert!(matches!(users.remove(nobody).await, Err(Error::UnknownUser)), "{nobody:?}");
    }
    users.remove("alice").await.expect("she is there");
    assert!(matches!(users.remove("alice ").await, Err(Error::UnknownUser)), "also of those removed");
}

pub(crate) async fn of_many_that_create_one_name_at_once_one_wins(users: &Users) {
    let hash = hash().await;
    let creating: Vec<_> = (0..20)
        .map(|_| {
            let (users, account) = (users.clone(), account("alice", false, &hash));
            tokio::spawn(async move { users.create(account).await.is_ok() })
        })
        .collect();

    let mut created = 0;
    for one in creating {
        created += usize::from(one.await.expect("no panic"));
    }

    assert_eq!(created, 1);
}

pub(crate) async fn a_list_comes_in_pages_in_the_order_of_the_names(users: &Users) {
    let hash = hash().await;
    for name in ["c", "a", "é", "B", "b"] {
        users.create(account(name, false, &hash)).await.expect("a free name");
    }

    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = users.list(after, 2).await.expect("the store works");
        pages.push(page.users.into_iter().map(|user| user.username).collect::<Vec<_>>());
        after = page.next;
        if after.is_none() {
            break;
        }
    }

    assert_eq!(pages, [vec!["B", "a"], vec!["b", "c"], vec!["é"]]);
}

pub(crate) async fn removing_names_all_ids_of_the_name_and_can_be_repeated(users: &Users) {
    let hash = hash().await;
    let first = users.create(account("alice", false, &hash)).await.expect("a free name");
    assert_eq!(users.remove("alice").await.expect("she is there").ids, [first.id.as_str()]);
    assert_eq!(users.remove("alice").await.expect("a repeat").ids, [first.id.as_str()]);

    let second = users.create(account("alice", false, &hash)).await.expect("a free name again");
    let mut ids = users.remove("alice").await.expect("she is there").ids;

    ids.sort();
    let mut expected = [first.id, second.id.clone()];
    expected.sort();
    assert_eq!(ids, expected);
    assert!(users.by_id(&second.id).await.expect("the store works").is_none());
    assert!(matches!(users.remove("nobody").await, Err(Error::UnknownUser)));
}

pub(crate) async fn the_last_admin_cannot_be_removed(users: &Users) {
    let hash = hash().await;
    users.create(account("one", true, &hash)).await.expect("a free name");
    users.create(account("user", false, &hash)).await.expect("a free name");
    assert!(matches!(users.remove("one").await, Err(Error::LastAdmin)));
    assert!(users.by_name("one").await.expect("the store works").is_some());

    users.create(account("two", true, &hash)).await.expect("a free name");
    users.remove("one").await.expect("not the last one any more");
    assert!(matches!(users.remove("two").await, Err(Error::LastAdmin)));
}

pub(crate) async fn of_admins_that_are_removed_at_once_one_stays(users: &Users) {
    let hash = hash().await;
    // More rounds than one: the race is lost only now and then.
    for round in 0..10 {
        let names: Vec<_> = (0..4).map(|n| format!("{round}-{n}")).collect();
        for name in &names {
            users.create(account(name, true, &hash)).await.expect("a free name");
        }
        if round > 0 {
            users.remove(&last_admin(users).await).await.expect("there are others now");
        }

        let removing = names.iter().cloned().map(|name| {
            let users = users.clone();
            tokio::spawn(async move { users.remove(&name).await })
        });
        let (mut removed, mut refused) = (0, 0);
        for one in removing.collect::<Vec<_>>() {
            match one.await.expect("no panic") {
                Ok(_) => removed += 1,
                Err(Error::LastAdmin) => refused += 1,
                Err(cause) => panic!("{cause:?}"),
            }
        }

        assert_eq!((removed, refused), (3, 1), "in round {round}");
    }
}

async fn last_admin(users: &Users) -> String {
    let page = users.list(None, 100).await.expect("the store works");
    page.users.into_iter().find(|user| user.isadmin).expect("one stayed").username
}

pub(crate) async fn the_first_admin_is_created_only_where_nobody_is(users: &Users) {
    let ensure = async |name: &str| users.ensure_admin(name, "a@b", password()).await.expect("the store works");

    assert!(ensure("admin").await);
    assert!(!ensure("admin").await);
    assert!(!ensure("another").await);
    assert!(users.by_name("admin").await.expect("the store works").is_some_and(|account| account.user.isadmin));
    assert!(users.by_name("another").await.expect("the store works").is_none());
}

pub(crate) async fn of_many_first_admins_at_once_one_is_created(users: &Users) {
    let creating = (0..4).map(|n| {
        let users = users.clone();
        tokio::spawn(async move { users.ensure_admin(&format!("admin{n}"), "a@b", password()).await })
    });

    let mut created = 0;
    for one in creating.collect::<Vec<_>>() {
        created += usize::from(one.await.expect("no panic").expect("the store works"));
    }

    assert_eq!(created, 1);
    assert_eq!(users.list(None, 10).await.expect("the store works").users.len(), 1);
}

pub(crate) async fn a_password_is_set_for_who_is_still_there(users: &Users) {
    let user = users.create(account("alice", false, &hash().await)).await.expect("a free name");
    let new = hash().await;

    assert!(users.set_password(&user.id, new.clone()).await.expect("the store works"));
    assert!(!users.set_password("nobody", new.clone()).await.expect("the store works"));

    let stored = users.by_name("alice").await.expect("the store works").expect("found");
    assert_eq!((stored.password_hash.as_str(), stored.token_generation), (new.as_str(), 1));
}

pub(crate) async fn each_of_many_passwords_set_at_once_begins_a_generation(users: &Users) {
    let hash = hash().await;
    let user = users.create(account("alice", false, &hash)).await.expect("a free name");

    let setting = (0..20).map(|_| {
        let (users, id, hash) = (users.clone(), user.id.clone(), hash.clone());
        tokio::spawn(async move { users.set_password(&id, hash).await })
    });
    for one in setting.collect::<Vec<_>>() {
        assert!(one.await.expect("no panic").expect("the store works"));
    }

    assert_eq!(users.by_id(&user.id).await.expect("the store works").expect("found").token_generation, 20);
}

pub(crate) async fn a_schema_is_migrated_again_without_harm(users: &Users) {
    let user = users.create(account("alice", false, &hash().await)).await.expect("a free name");

    users.migrate().await.expect("it is up to date");

    users.ping().await.expect("the schema is there");
    assert_eq!(users.by_name("alice").await.expect("the store works").expect("still there").user, user);
}
