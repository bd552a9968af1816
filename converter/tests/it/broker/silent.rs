//! A server that takes connections and says nothing.

use std::time::Duration;

use converter::event::{Broker, PublishError, Queue};
use tokio::{io::AsyncReadExt as _, net::TcpListener, time::timeout};

/// Longer than a connection may take to be made (10 s), on a busy machine.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_silent_server_is_given_up_and_keeps_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let broker =
        Broker::open(&format!("amqp://guest:guest@{address}/%2f"), Queue::Mp3).expect("a server need not answer");

    assert!(broker.ping().await.is_err(), "its first use starts to connect");
    let (mut connection, _) = listener.accept().await.expect("it connects");
    let refused = broker.publish(super::event()).await;
    assert!(matches!(refused, Err(PublishError::Unconfirmed(_))), "{refused:?}");

    // The end of this one must come from the other side, and a new one must follow.
    let mut heard = Vec::new();
    timeout(GIVEN_UP_WITHIN, connection.read_to_end(&mut heard)).await.expect("it is given up").expect("it ends");
    assert_eq!(heard, b"AMQP\0\0\x09\x01");
    timeout(GIVEN_UP_WITHIN, listener.accept()).await.expect("it tries again").expect("the listener works");
}
