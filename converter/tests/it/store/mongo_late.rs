//! A deletion that the server carries out long after its caller has given up.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use converter::{
    conversion::{Attempt, BlobId},
    store::{Error, Store},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};

use super::{
    blobs::{collect, content, write},
    mongo::{Mongo, past, server},
    mongo_blobs::CHUNK,
};

/// How a command begins that deletes: a text (type 2) under this name.
const DELETE: &[u8] = b"\x02delete\0";

/// Longest wait for a deletion that was let go.
const PATIENCE: Duration = Duration::from_secs(10);

/// A way to the server on which deletions wait.
struct Late {
    place: SocketAddr,
    /// A permit for each deletion that may go on.
    released: Arc<Semaphore>,
    /// A permit for each that the server has carried out.
    carried_out: Arc<Semaphore>,
}

impl Late {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address");
        let (released, carried_out) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let late = Self { place, released: Arc::clone(&released), carried_out: Arc::clone(&carried_out) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, Arc::clone(&released), Arc::clone(&carried_out)));
            }
        });
        late
    }
}

/// Passes requests and answers on, also for a client that has left.
async fn pass(mut client: TcpStream, released: Arc<Semaphore>, carried_out: Arc<Semaphore>) {
    let mut server = TcpStream::connect(server()).await.expect("the server answers");
    let (mut request, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut request) => {
                let Ok(bytes @ 1..) = read else { return };
                let is_deletion = request[..bytes].windows(DELETE.len()).any(|window| window == DELETE);
                if is_deletion {
                    released.acquire().await.expect("it is open").forget();
                }
                server.write_all(&request[..bytes]).await.expect("the server reads");
                if is_deletion {
                    let answered = server.read(&mut answer).await.expect("the server answers");
                    assert!(answered > 0, "the server answers");
                    return carried_out.add_permits(1);
                }
            }
            read = server.read(&mut answer) => {
                let Ok(bytes @ 1..) = read else { return };
                if client.write_all(&answer[..bytes]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A deletion is given no answer, the blob is deleted and written again, and only then is the first one carried out.
async fn a_late_deletion_spares_the_next_writer(mongo: &Mongo, id: BlobId) {
    let (store, late) = (&mongo.store, Late::start().await);
    let slow = Store::open(&past(late.place, mongo.database.name()), "the test").await.expect("an address");
    assert!(matches!(slow.delete_blob(id).await, Err(Error::Unavailable(_))));

    store.delete_blob(id).await.expect("the store answers");
    let expected = content(12 * CHUNK, 2);
    let next = write(store, id, &expected).await.expect("the store answers");
    next.finish(None).await.expect("the store answers");
    late.released.add_permits(1);
    let carried_out = timeout(PATIENCE, late.carried_out.acquire()).await.expect("the server answers the deletion");
    carried_out.expect("it is open").forget();

    assert!(collect(store, id, 0, u64::from(12 * CHUNK) - 1).await == expected);
}

#[tokio::test]
async fn a_late_deletion_of_chunks_spares_those_of_the_next_writer() {
    let Some(mongo) = Mongo::open().await else { return };
    let id = Attempt::random().mp3();
    drop(mongo.half_written(id).await);
    a_late_deletion_spares_the_next_writer(&mongo, id).await;
    mongo.holds(async |_| ()).await;
}

#[tokio::test]
async fn a_late_deletion_of_an_entry_spares_that_of_the_next_writer() {
    let Some(mongo) = Mongo::open().await else { return };
    let id = Attempt::random().mp3();
    mongo.half_written(id).await.finish(None).await.expect("the store answers");
    a_late_deletion_spares_the_next_writer(&mongo, id).await;
    mongo.holds(async |_| ()).await;
}
