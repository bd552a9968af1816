//! The client against a gateway that fails on purpose.

use std::{path::Path, process::Output};

use crate::scripted_gateway::{Answer, Gateway, Tapedeck};

const MP3: &[u8] = b"ID3 not really music, but its bytes are counted";

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Names of the files in a folder, sorted.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is readable");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with(".config")).collect();
    names.sort();
    names
}

fn convert(gateway: &Gateway, arguments: &[&str]) -> (Tapedeck, Output) {
    let tapedeck = Tapedeck::logged_in(gateway);
    std::fs::write(tapedeck.home().join("talk.mp4"), vec![7; 300_000]).expect("a file is written");
    let output = tapedeck.run(&[&["convert", "talk.mp4"], arguments].concat());
    (tapedeck, output)
}

#[test]
fn a_busy_server_and_a_lost_answer_end_in_one_mp3() {
    let gateway = Gateway::start(MP3, [Answer::Busy, Answer::BreaksOff, Answer::Done]);

    let (tapedeck, output) = convert(&gateway, &[]);

    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(std::fs::read(tapedeck.home().join("talk.mp3")).expect("the mp3 is there"), MP3);
    let uploads = gateway.uploads();
    assert_eq!(uploads.len(), 3);
    assert!(uploads.iter().all(|upload| upload.bytes == 300_000 && upload.filename == "talk.mp4"), "{uploads:?}");
    assert!(uploads[0].key.len() >= 32 && uploads.iter().all(|upload| upload.key == uploads[0].key), "{uploads:?}");
}

#[test]
fn a_verdict_about_the_content_is_shown_and_not_tried_again() {
    let gateway = Gateway::start(MP3, [Answer::NoAudio, Answer::Done]);

    let (tapedeck, output) = convert(&gateway, &[]);

    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("No audio: the video has no audio track"), "{}", stderr(&output));
    assert_eq!(gateway.uploads().len(), 1);
    assert_eq!(files(tapedeck.home()), ["talk.mp4"]);
}

#[test]
fn a_server_that_stays_busy_exits_with_4_when_the_patience_is_over() {
    let gateway = Gateway::start(MP3, [Answer::Busy, Answer::Busy, Answer::Busy, Answer::Busy]);
    let (_tapedeck, output) = convert(&gateway, &["--patience", "1500ms"]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}

#[test]
fn an_mp3_that_arrives_damaged_gets_no_name() {
    let gateway = Gateway::start(MP3, [Answer::DoneWithOtherBytes]);

    let (tapedeck, output) = convert(&gateway, &[]);

    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("SHA-256"), "{}", stderr(&output));
    assert_eq!(files(tapedeck.home()), ["talk.mp4"]);
}

#[test]
fn json_is_all_that_standard_output_holds() {
    let gateway = Gateway::start(MP3, [Answer::Done]);
    let (_tapedeck, output) = convert(&gateway, &["--json", "--title", "a b"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((&line["file"], &line["mp3"]), (&"talk.mp4".into(), &"talk.mp3".into()));
    assert_eq!(line["conversion"]["bytes"], MP3.len());
    assert_eq!(stderr(&output), "");
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let gateway = Gateway::start(MP3, [Answer::NoAudio, Answer::Done]);
    let tapedeck = Tapedeck::logged_in(&gateway);
    for name in ["bad.mp4", "good.mp4"] {
        std::fs::write(tapedeck.home().join(name), "video").expect("a file is written");
    }
    let output = tapedeck.run(&["convert", "bad.mp4", "good.mp4"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(files(tapedeck.home()), ["bad.mp4", "good.mp3", "good.mp4"]);
}
