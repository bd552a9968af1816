//! `tapedeck convert --queue`, against a scripted gateway and against the real program.

use std::process::{Child, Output, Stdio};

use futures_util::{StreamExt as _, stream};
use reqwest::Body;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    cli, media,
    scripted_gateway::{Answer, Gateway, ID, Look, Tapedeck},
    stack::Stack,
    wait::until,
};

const MP3: &[u8] = b"ID3 not really music, but its bytes are counted";

fn logged_in(gateway: &Gateway) -> Tapedeck {
    let tapedeck = Tapedeck::logged_in(gateway);
    std::fs::write(tapedeck.home().join("talk.mp4"), "video").expect("a file is written");
    tapedeck
}

fn convert(gateway: &Gateway, arguments: &[&str]) -> (Tapedeck, Output) {
    let tapedeck = logged_in(gateway);
    let output = tapedeck.run(&[&["convert", "--queue", "talk.mp4"], arguments].concat());
    (tapedeck, output)
}

/// What has to be on the terminal of whoever comes back for the mp3.
fn says_how_to_get_it(output: &Output) -> bool {
    cli::stderr(output).contains(&format!("`tapedeck download {ID}`"))
}

#[test]
fn a_queued_video_is_waited_for_through_a_busy_server_and_downloaded() {
    let gateway = Gateway::start_with_looks(MP3, [Answer::Queued], [Look::Queued, Look::Busy, Look::Done]);

    let (tapedeck, output) = convert(&gateway, &[]);

    assert_eq!(output.status.code(), Some(0), "{}", cli::stderr(&output));
    assert_eq!(std::fs::read(tapedeck.home().join("talk.mp3")).expect("the mp3 is there"), MP3);
    assert!(cli::stderr(&output).contains(&format!("in the queue as {ID}")), "{}", cli::stderr(&output));
    assert!(!says_how_to_get_it(&output), "{}", cli::stderr(&output));
    assert_eq!(gateway.uploads()[0].prefer, "respond-async");
    assert_eq!(gateway.looks_left(), 0);
}

#[test]
fn a_server_without_a_queue_converts_at_once() {
    let gateway = Gateway::start(MP3, [Answer::Done]);
    let (tapedeck, output) = convert(&gateway, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", cli::stderr(&output));
    assert_eq!(std::fs::read(tapedeck.home().join("talk.mp3")).expect("the mp3 is there"), MP3);
}

#[test]
fn without_the_option_nothing_goes_to_the_queue() {
    let gateway = Gateway::start(MP3, [Answer::Done]);
    let output = logged_in(&gateway).run(&["convert", "talk.mp4"]);
    assert_eq!(output.status.code(), Some(0), "{}", cli::stderr(&output));
    assert_eq!(gateway.uploads()[0].prefer, "");
}

#[test]
fn a_verdict_from_the_queue_exits_as_one_of_an_upload() {
    let gateway = Gateway::start_with_looks(MP3, [Answer::Queued], [Look::NoAudio]);
    let (_tapedeck, output) = convert(&gateway, &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(cli::stderr(&output).contains("No audio: no audio track"), "{}", cli::stderr(&output));
    assert!(!says_how_to_get_it(&output), "{}", cli::stderr(&output));
    assert_eq!(gateway.uploads().len(), 1, "a verdict of the queue is not tried again");
}

#[test]
fn one_that_somebody_deleted_is_not_promised() {
    let gateway = Gateway::start_with_looks(MP3, [Answer::Queued], [Look::Deleted]);
    let (_tapedeck, output) = convert(&gateway, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", cli::stderr(&output));
    assert!(!says_how_to_get_it(&output), "{}", cli::stderr(&output));
}

#[test]
fn when_the_patience_is_over_it_goes_on_at_the_server() {
    let gateway = Gateway::start_with_looks(MP3, [Answer::Queued], [Look::Queued, Look::Queued, Look::Queued]);
    let (_tapedeck, output) = convert(&gateway, &["--patience", "1s"]);
    assert_eq!(output.status.code(), Some(4), "{}", cli::stderr(&output));
    assert!(says_how_to_get_it(&output), "{}", cli::stderr(&output));
}

#[tokio::test]
async fn ctrl_c_says_how_to_get_the_mp3_later() {
    let gateway = Gateway::start_with_looks(MP3, [Answer::Queued], [Look::Silence]);
    let tapedeck = logged_in(&gateway);
    let mut command = tapedeck.command(&["convert", "--queue", "talk.mp4"]);
    let running = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    until("it waits", async || gateway.looks_left() == 0).await;

    let output = interrupted(running);

    assert_eq!(output.status.code(), Some(130), "{}", cli::stderr(&output));
    assert!(says_how_to_get_it(&output), "{}", cli::stderr(&output));
}

fn interrupted(running: Child) -> Output {
    kill_process(Pid::from_child(&running), Signal::INT).expect("a running process");
    running.wait_with_output().expect("an end")
}

#[tokio::test]
async fn a_full_converter_queues_what_is_then_listed_and_fetched() {
    let stack = Stack::start_with(&[("QUEUED_FLOW", "true"), ("CONVERSIONS_MAX", "1")]).await;
    let alice = stack.user("alice").await;
    let video = std::fs::read(media::video("mp4", 3)).expect("the video is there");
    let held = stream::iter([Ok::<_, std::io::Error>(video[..1000].to_vec())]).chain(stream::pending());
    let holder = tokio::spawn(alice.post("/upload?filename=held.mp4").body(Body::wrap_stream(held)).send());
    stack.wait_permits(1).await;
    let tapedeck = cli::Tapedeck::new();
    std::fs::write(tapedeck.home().join("talk.mp4"), video).expect("a file is written");
    let on_stack = |arguments: &[&str]| {
        let mut command = tapedeck.command(arguments);
        command.env("TAPEDECK_DATA", stack.folder()).env("TAPEDECK_SERVER", stack.url(""));
        command
    };
    let list = || {
        let output = on_stack(&["list"]).output().expect("the program starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    let running = on_stack(&["convert", "--queue", "talk.mp4"]).stderr(Stdio::piped()).spawn().expect("a start");
    until("it is in the queue", async || list().contains("  queued  ")).await;
    let output = interrupted(running);

    let id = list().split_whitespace().next().expect("an id").to_owned();
    assert!(cli::stderr(&output).contains(&id), "{}", cli::stderr(&output));
    holder.abort();
    until("it is converted", async || list().contains("  done  ")).await;
    let output = on_stack(&["download", &id]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", cli::stderr(&output));
    let mp3 = media::look(&std::fs::read(tapedeck.home().join("talk.mp3")).expect("the mp3 is there"));
    assert!((mp3.seconds - 3.0).abs() < 0.05, "{} s", mp3.seconds);
}
