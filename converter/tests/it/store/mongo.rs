//! What holds for MongoDB alone: its addresses, a server that is away, documents of other versions.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, resume_unwind},
    time::{Duration, Instant},
};

use converter::{
    conversion::{Attempt, Conversion, ConversionId, Owner},
    store::{Change, Due, Error, Store},
};
use futures_util::FutureExt as _;
use mongodb::{
    Client, Collection, Database,
    bson::{Document, doc},
};
use tokio::net::{TcpListener, TcpStream};

use super::{NOW, conversion, done, due, embedded::unreadable, inserted, read};

/// A store on a database of its own.
pub(super) struct Mongo {
    pub(super) store: Store,
    /// The same database, seen from beside the store.
    pub(super) database: Database,
}

impl Mongo {
    /// `None` where there is no server, and somebody counts the test as skipped.
    pub(super) async fn open() -> Option<Self> {
        let (name, shared) = (testbed::unique("store"), testbed::shared_or_skip(testbed::Kind::Mongo)?.url());
        let Address { login, host, options } = Address::of(shared);
        let url = format!("mongodb://{login}{host}/{name}?{options}");
        let client = Client::with_uri_str(&url).await.expect("an address");
        let store = Store::open(&url, "the test").await.expect("an address");
        Some(Self { store, database: client.database(&name) })
    }

    /// Runs a test, and drops the database also where it fails.
    pub(super) async fn holds(self, rule: impl AsyncFnOnce(&Store)) {
        let held = AssertUnwindSafe(rule(&self.store)).catch_unwind().await;
        self.database.drop().await.expect("the server answers");
        held.unwrap_or_else(|failed| resume_unwind(failed));
    }

    fn conversions(&self) -> Collection<Document> {
        self.database.collection("conversions")
    }
}

/// The parts of the shared server's address.
struct Address<'a> {
    /// With its `@`; empty where there is none.
    login: &'a str,
    host: &'a str,
    options: &'a str,
}

impl<'a> Address<'a> {
    fn of(url: &'a str) -> Self {
        let (_, rest) = url.split_once("://").expect("a scheme");
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, host) = server.split_at(server.find('@').map_or(0, |at| at + 1));
        Self { login, host, options: path.split_once('?').map_or("", |(_, options)| options) }
    }
}

/// Address of a database on the shared server for a client that goes by `place`.
pub(super) fn past(place: SocketAddr, database: &str) -> String {
    let Address { login, options, .. } = Address::of(testbed::shared(testbed::Kind::Mongo).url());
    // A member of a replica set tells its own address, by which the driver would leave `place` out.
    let options = options.split('&').filter(|option| !option.is_empty() && !option.starts_with("replicaSet"));
    let options: Vec<_> = options.chain(["directConnection=true"]).collect();
    format!("mongodb://{login}{place}/{database}?{}", options.join("&"))
}

/// Where the shared server listens.
pub(super) fn server() -> &'static str {
    let hosts = Address::of(testbed::shared(testbed::Kind::Mongo).url()).host;
    hosts.split(',').next().unwrap_or(hosts)
}

#[tokio::test]
async fn fields_of_a_newer_version_survive_an_update() {
    let Some(mongo) = Mongo::open().await else { return };
    let document = done(&mongo.store).await;
    let id = doc! { "_id": document.id.to_string() };
    let newer = doc! { "$set": { "newer": { "field": 1 } } };
    mongo.conversions().update_one(id.clone(), newer).await.expect("the server answers");

    assert_eq!(read(&mongo.store, document.id).await, document);
    assert!(mongo.store.update(document.seen(), Change::Tombstone { at: NOW }).await.expect("the store answers"));

    let kept = mongo.conversions().find_one(id).await.expect("the server answers").expect("the document is there");
    assert_eq!(kept.get_document("newer").ok(), Some(&doc! { "field": 1 }));
    assert!(!kept.contains_key("mp3"), "what a change takes away goes");
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_document_that_cannot_be_read_hides_no_other() {
    let Some(mongo) = Mongo::open().await else { return };
    for (age, state) in [(1, "of a newer version"), (2, "done"), (3, "done")] {
        let document = done(&mongo.store).await;
        let aged = i64::try_from(NOW.minus(Duration::from_secs(age)).0).expect("an instant");
        let state = doc! { "$set": { "state": state, "created_at": aged, "notify.at": aged } };
        let id = doc! { "_id": document.id.to_string() };
        mongo.conversions().update_one(id, state).await.expect("the server answers");
    }
    mongo
        .holds(async |store| {
            let page = store.list(&Owner("alice".into()), None, 2).await.expect("the store answers");
            assert_eq!(page.len(), 2);
            let announced = due(store, Due::Announcement { published_before: NOW }).await;
            assert_eq!(announced, [page[1].id, page[0].id]);
        })
        .await;
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_told_from_a_store_that_is_away() {
    let Some(mongo) = Mongo::open().await else { return };
    let document = done(&mongo.store).await;
    let newer = doc! { "$set": { "state": "of a newer version" } };
    let one = doc! { "_id": document.id.to_string() };
    mongo.conversions().update_one(one, newer).await.expect("the server answers");
    mongo.holds(async |store| unreadable(store, &document).await).await;
}

#[tokio::test]
async fn the_indexes_are_there_before_the_first_document() {
    let Some(mongo) = Mongo::open().await else { return };
    inserted(&mongo.store).await;
    for (collection, keys) in [
        ("conversions", doc! { "garbage.blob_id": 1 }),
        ("mp3s.chunks", doc! { "files_id": 1, "n": 1 }),
        ("mp3s.files", doc! { "filename": 1, "uploadDate": 1 }),
    ] {
        let mut indexes =
            mongo.database.collection::<Document>(collection).list_indexes().await.expect("the server answers");
        let mut found = Vec::new();
        while indexes.advance().await.expect("the server answers") {
            found.push(indexes.deserialize_current().expect("an index").keys);
        }
        assert!(found.iter().any(|found| found.keys().eq(keys.keys())), "{collection}: {found:?}");
    }
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_server_that_was_away_is_found_again() {
    let place = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let Some(mongo) = Mongo::open().await else { return };
    let url = past(place, mongo.database.name());

    let opened = Instant::now();
    let store = Store::open(&url, "the test").await.expect("the address is right");
    assert!(opened.elapsed() < Duration::from_secs(1), "a start waits for no server");
    let new = conversion("alice");
    assert!(matches!(store.insert(new.clone()).await, Err(Error::Unavailable(_))));
    assert!(opened.elapsed() < Duration::from_secs(6), "{:?}", opened.elapsed());

    let listener = TcpListener::bind(place).await.expect("the port is free");
    let proxy = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server()).await.expect("the server answers");
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    assert!(store.insert(new.clone()).await.expect("the store answers again"));
    assert_eq!(read(&store, new.id).await, new);
    proxy.abort();
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn nobody_waits_for_a_server_that_hangs() {
    // Connections are taken by the kernel, and never answered.
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let place = hanging.local_addr().expect("an address");
    let store =
        Store::open(&format!("mongodb://{place}/?directConnection=true"), "the test").await.expect("an address");
    let (id, blob) = (ConversionId::random(), Attempt::random().mp3());
    let document: Conversion = conversion("alice");

    let begun = Instant::now();
    let answers = tokio::join!(
        store.get(id),
        store.insert(document.clone()),
        store.update(document.seen(), Change::Tombstone { at: NOW }),
        store.due(Due::Forgotten, 1),
        store.create_blob(blob),
        store.read_blob(blob, 0..=0).map(|read| read.map(drop)),
        store.delete_blob(blob),
        store.ping(),
    );
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(matches!(answers.0, Err(Error::Unavailable(_))));
    assert!(matches!(answers.1, Err(Error::Unavailable(_))));
    assert!(matches!(answers.2, Err(Error::Unavailable(_))));
    assert!(matches!(answers.3, Err(Error::Unavailable(_))));
    assert!(matches!(answers.4, Err(Error::Unavailable(_))));
    assert!(matches!(answers.5, Err(Error::Unavailable(_))));
    assert!(matches!(answers.6, Err(Error::Unavailable(_))));
    assert!(matches!(answers.7, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn a_wrong_address_is_refused_at_once_and_its_password_not_shown() {
    for url in [
        "mongo://user:s3cret@host/db",
        "mongodb://user:s3cret@host:port/db",
        "mongodb://user:s3c/ret@host/db",
        "mongodb://user:s3c?ret@host/db",
        "mongodb://user:27017?s3c=ret@host/db",
        "mongodb://user:s3c#ret@host/db",
        "mongodb://user:s3c@ret@host/db",
        "mongodb://user:s3c%ret@host/db",
        "mongodb://user:s3cret@one,two/db?directConnection=true",
        "s3cret",
    ] {
        let refused = Store::open(url, "the test").await.expect_err("a wrong address");
        let shown = format!("{refused:#}");
        assert!(shown.contains("STORE_URL") && !shown.contains("s3c"), "{shown}");
    }
}
