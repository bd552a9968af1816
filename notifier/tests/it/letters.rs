//! File names come from strangers: any Unicode has to arrive, and nothing may reach the headers.

use crate::post::Post;
use converter::conversion::NotifyState;

/// Pieces that names are made of; every pair of them is tried.
const PIECES: [&str; 14] = [
    "talk.mp4",
    "\"quoted\" 'name'",
    "a\r\nBcc: eve@example.org",
    "a\nSubject: fake\n\nbody",
    "\u{1F3B5} músíc 音楽 \u{202e}gpj",
    "=?utf-8?b?ZmFrZQ==?=",
    "<script>alert(1)</script>",
    "\0\u{7f}\u{85}\u{2028}",
    "  spaces  ",
    "%0d%0aBcc:%20eve@example.org",
    "\\\\ back \\\" slash",
    ".",
    "e\u{301}\u{0}\u{1F468}\u{200D}\u{1F469}",
    "",
];

#[tokio::test]
async fn any_name_is_one_line_of_the_subject_and_adds_no_header() {
    let mut post = Post::open().await;
    let mut names = vec!["長".repeat(500), "x".repeat(5000)];
    for first in PIECES {
        names.extend(PIECES.map(|second| format!("{first}{second}")));
    }

    let mut last = None;
    for name in &names {
        let id = post.conversion("alice@example.org", name).await;
        post.announce(id).await;
        last = Some(id);
    }
    post.wait_for(last.expect("there are names"), NotifyState::Delivered).await;

    let folder = post.mail_folder();
    post.mails_at_the_end().await;
    let mut mails = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is readable") {
        let mail = std::fs::read(entry.expect("an entry").path()).expect("a mail");
        let mail = String::from_utf8(mail).expect("mails are ASCII");
        assert!(mail.is_ascii());
        check_headers(mail.split("\r\n\r\n").next().unwrap_or_default());
        let html = mail.split("Content-Type: text/html").nth(1).expect("a part for reading");
        assert!(!html.contains("<script>"), "markup must be escaped: {html}");
        mails += 1;
    }
    assert_eq!(mails, names.len() + 1);
}

#[tokio::test]
async fn a_name_does_not_choose_the_download_link() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "https:evil.example Download it with your account: x.mp4").await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    let mails = post.mails_at_the_end().await;
    assert_eq!(mails[0].link, Some(format!("http://tapedeck.example/download?fid={id}")), "{mails:?}");
}

fn check_headers(head: &str) {
    let mut names: Vec<&str> = Vec::new();
    for line in head.split("\r\n") {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.len() <= 998, "RFC 5322 §2.1.1: {}", line.len());
        if !line.starts_with([' ', '\t']) {
            names.push(line.split(':').next().unwrap_or_default());
        }
    }
    names.sort_unstable();
    assert_eq!(names, ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"], "{head}");
}

#[tokio::test]
async fn a_unicode_name_reads_as_it_was_sent() {
    let mut post = Post::open().await;
    let id = post.conversion("alice@example.org", "\u{1F3B5} \"músíc\" 音楽 \u{1F468}.mp4").await;
    post.announce(id).await;
    post.wait_for(id, NotifyState::Delivered).await;

    let mails = post.mails_at_the_end().await;

    assert_eq!(mails[0].subject, "Your mp3 is ready: \u{1F3B5} \"músíc\" 音楽 \u{1F468}.mp4");
    assert!(mails[0].text.starts_with("Your video \u{1F3B5} \"músíc\" 音楽 \u{1F468}.mp4 is"), "{}", mails[0].text);
}
