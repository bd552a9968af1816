//! What the workers of the queued flow need of a server.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use converter::event::{Broker, Queue, UNSETTLED_MAX};
use lapin::{Connection, ConnectionProperties, options::QueueDeclareOptions, types::FieldTable};
use testbed::{Kind, Server, or_skip};
use tokio::time::{Instant, sleep, timeout};

use super::{DELAYS_MS, LOOK, PATIENCE, Rabbit, event, next, publish, published, take_all};

#[tokio::test]
async fn what_a_paused_consumer_was_sent_goes_to_another_one_at_once() {
    let Some(rabbit) = Rabbit::open().await else { return };
    let (paused, other) = (rabbit.side.another(), rabbit.side.another());
    let sent = published(&rabbit.side.broker, usize::from(UNSETTLED_MAX)).await;
    // It asked for messages first, so all of them are on their way to it.
    let held = next(&paused).await;
    assert_eq!(held.event, sent[0]);

    paused.pause().await;
    take_all(&other, &sent[1..]).await;

    // What it took before is settled as ever, and its end brings nothing back.
    held.ack().await;
    drop(paused);
    let last = event();
    publish(&rabbit.side.broker, last).await;
    let delivery = next(&other).await;
    assert_eq!(delivery.event, last);
    delivery.ack().await;
    let more = timeout(Duration::from_millis(300), other.next()).await;
    assert!(more.is_err(), "a message came twice: {more:?}");
}

#[tokio::test]
async fn a_paused_consumer_goes_on_with_its_next_wait() {
    let Some(rabbit) = Rabbit::open_queue(Queue::Video).await else { return };
    let worker = rabbit.side.another();
    for _ in 0..5 {
        let sent = published(&rabbit.side.broker, 2).await;
        next(&worker).await.ack().await;
        // The second one is on its way to it, or not yet.
        worker.pause().await;
        worker.pause().await;
        let delivery = next(&worker).await;
        assert_eq!(delivery.event, sent[1]);
        delivery.ack().await;
    }
}

/// As where a permit that was free a moment ago is gone: the wait for a job ends at any point of asking the server.
#[tokio::test]
async fn a_wait_that_is_given_up_halfway_keeps_no_job_from_others() {
    let Some(rabbit) = Rabbit::open_queue(Queue::Video).await else { return };
    let worker = rabbit.side.another();
    let sent = published(&rabbit.side.broker, 20).await;
    for wait in 0..60 {
        let waited = timeout(Duration::from_micros(50 * wait), worker.next()).await;
        if let Ok(delivery) = waited {
            delivery.give_back().await;
        }
        worker.pause().await;
    }

    take_all(&rabbit.side.another(), &sent).await;
}

#[tokio::test]
async fn a_pause_of_a_consumer_that_was_never_asked_is_nothing() {
    let Some(rabbit) = Rabbit::open_queue(Queue::Video).await else { return };
    let worker = rabbit.side.another();
    worker.pause().await;
    let sent = published(&rabbit.side.broker, 1).await;
    take_all(&worker, &sent).await;
}

#[tokio::test]
async fn a_worker_is_sent_one_job_and_no_further_one_before_that_is_settled() {
    let Some(rabbit) = Rabbit::open_queue(Queue::Video).await else { return };
    let (first, second) = (rabbit.side.another(), rabbit.side.another());
    let sent = published(&rabbit.side.broker, 3).await;
    let held = next(&first).await;
    assert_eq!(held.event, sent[0]);

    // All that is left: nothing of it waits for the first one.
    take_all(&second, &sent[1..]).await;

    held.ack().await;
}

#[tokio::test]
async fn jobs_and_announcements_have_queues_of_their_own() {
    let Some(rabbit) = Rabbit::open_queue(Queue::Video).await else { return };
    let url = rabbit.side.url.clone().expect("it is a server");
    let announcements = Broker::open(&url, Queue::Mp3).expect("the address is right");
    let (job, announcement) = (published(&rabbit.side.broker, 1).await[0], event());
    publish(&announcements, announcement).await;

    let delivery = next(&announcements).await;
    assert_eq!(delivery.event, announcement);
    delivery.ack().await;
    let delivery = next(&rabbit.side.broker).await;
    assert_eq!(delivery.event, job);
    let since = Instant::now();
    let delay = Duration::from_millis(DELAYS_MS[0]);
    delivery.retry_later(delay).await;
    let again = next(&rabbit.side.broker).await;
    assert_eq!(again.event, job);
    assert!(since.elapsed() >= delay, "it came after {:?}", since.elapsed());
    again.reject().await;
    rabbit.dead_letter(job.id.to_string().as_bytes()).await;
}

/// On a server of its own, which no other test gave a queue.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_converter_of_the_queued_flow_declares_its_queue() {
    let Some(server) = or_skip(tokio::task::block_in_place(|| Server::start(Kind::Rabbit))) else { return };
    let _blocking = Converter::start(server.url(), false);
    // Its first look at the broker comes after whatever else connects at a start.
    until_declared(server.url(), "mp3").await;
    assert!(!is_declared(server.url(), "video").await);

    let _queued = Converter::start(server.url(), true);
    until_declared(server.url(), "video").await;
}

/// The binary, ready, with a store of its own.
struct Converter {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Converter {
    fn start(broker_url: &str, is_queued: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let token = folder.path().join("token");
        std::fs::write(&token, "a token of this test, which has 32 bytes at least").expect("the folder takes files");
        let mut command = Command::new(env!("CARGO_BIN_EXE_converter"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("STORE_URL", format!("file:{}", folder.path().display()))
            .env("BROKER_URL", broker_url)
            .env("SERVICE_TOKEN_FILE", token)
            .env("CONVERTER_LISTEN", "127.0.0.1:0")
            .stderr(Stdio::piped());
        if is_queued {
            command.env("QUEUED_FLOW", "true");
        }
        let mut child = command.spawn().expect("the binary is built");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines().map_while(Result::ok);
        let listening = lines.find(|line| line.contains(r#""message":"listening""#)).expect("it listens");
        std::thread::spawn(move || lines.for_each(drop));
        let (_, address) = listening.split_once("127.0.0.1:").expect("it says where");
        let port: String = address.chars().take_while(char::is_ascii_digit).collect();
        // Being asked whether it is ready, it asks its broker.
        std::thread::spawn(move || {
            let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).ok()?;
            std::io::Write::write_all(&mut stream, b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").ok()?;
            BufReader::new(stream).lines().next()?.ok()
        });
        Self { child, _folder: folder }
    }
}

impl Drop for Converter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn until_declared(url: &str, queue: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !is_declared(url, queue).await {
        assert!(Instant::now() < deadline, "nobody declared {queue}");
        sleep(LOOK).await;
    }
}

async fn is_declared(url: &str, queue: &str) -> bool {
    // The server ends a channel that names an unknown queue.
    let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("it takes connections");
    let channel = connection.create_channel().await.expect("a channel");
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), passive, FieldTable::default()).await.is_ok()
}
