//! What a letter says, for any file name and address.

use converter::conversion::{Attempt, ConversionId, Owner, State, Timestamp};
use mail_parser::MessageParser;
use proptest::prelude::*;

use super::*;

const BASE: &str = "https://tapedeck.example/a";

fn conversion(email: &str, filename: &str) -> Conversion {
    Conversion {
        email: email.to_owned(),
        filename: filename.to_owned(),
        state: State::Done,
        ..Conversion::new(ConversionId::random(), Owner("1".to_owned()), Attempt::random(), Timestamp::now())
    }
}

fn from() -> Mailbox {
    sender("Tape Deck <deck@tapedeck.example>").expect("an address")
}

/// Names of the header fields, after a check of each line.
fn fields(mail: &str) -> Vec<&str> {
    let (head, _) = mail.split_once("\r\n\r\n").expect("a head and a body");
    let mut names = Vec::new();
    for line in head.split("\r\n") {
        assert!(!line.contains(breaks), "{line:?}");
        assert!(line.len() <= 998, "RFC 5322 §2.1.1: {}", line.len());
        if !line.starts_with([' ', '\t']) {
            names.push(line.split(':').next().unwrap_or_default());
        }
    }
    names.sort_unstable();
    names
}

/// Text of all kinds, with what ends lines or means something in mail more often than by chance.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => any::<String>(),
        2 => "[ -~]{0,40}",
        1 => "(\r\n|\r|\n|\u{85}|\u{2028}|\0)(Bcc|To|Subject): ?[a-z]{1,5}@b",
        1 => "=\\?utf-8\\?[bq]\\?[A-Za-z0-9=_]{0,20}\\?=",
        1 => " {1,90}",
        1 => "[\u{1F300}-\u{1F64F}é長]{1,80}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn any_address() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        3 => "[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}",
        2 => "\"[ -~\t]{1,60}\"",
        1 => "[a-zé長\u{80}-\u{9f}\u{2028}\u{1F3B5}]{1,15}",
        1 => any_text(),
    ];
    let domain = prop_oneof![
        2 => "[a-z0-9-]{1,60}(\\.[a-z0-9-]{1,60}){0,3}",
        1 => "[a-zü音\u{2028}\u{85}１.]{1,20}",
        1 => "\\[[0-9.:]{1,15}\\]",
        1 => any_text(),
    ];
    (name, domain, "[\r\n<>, ]{0,2}").prop_map(|(name, domain, end)| format!("{name}@{domain}{end}"))
}

proptest! {
    #[test]
    fn any_file_name_is_the_subject_and_nothing_else(name in any_text()) {
        let conversion = conversion("alice@example.org", &name);
        let letter = write(&conversion, &from(), BASE).expect("a name is no reason against a letter").formatted();

        let mail = std::str::from_utf8(&letter).expect("text");
        prop_assert!(mail.is_ascii());
        prop_assert_eq!(
            fields(mail),
            ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"]
        );
        let read = MessageParser::default().parse(&letter).expect("a mail");
        let meant = format!("Your mp3 is ready: {}", shown(&name));
        prop_assert_eq!(read.subject().unwrap_or_default(), meant.trim_end_matches(' '));
        let link = format!("{BASE}/download?fid={}", conversion.id);
        let text = read.body_text(0).expect("a part in plain text");
        prop_assert_eq!(text.lines().skip_while(|line| *line != LINK_FOLLOWS).nth(1), Some(link.as_str()));
        let html = read.body_html(0).expect("a part in HTML");
        let href = format!("<a href=\"{link}\">");
        prop_assert_eq!(html.matches("<a ").count(), 1);
        prop_assert!(html.contains(&href), "{}", html);
        prop_assert!(html.contains(&format!("<b>{}</b>", escape(&shown(&name)))), "{}", html);
    }

    #[test]
    fn any_address_is_the_only_recipient_or_refused(address in any_address()) {
        let Ok(letter) = write(&conversion(&address, "talk.mp4"), &from(), BASE) else { return Ok(()) };

        let recipients = letter.envelope().to();
        prop_assert_eq!(recipients.len(), 1);
        let recipient = recipients[0].to_string();
        prop_assert!(!recipient.contains(breaks), "{:?}", recipient);
        prop_assert_eq!(recipient.split_once('@').is_some(), true);
        let mail = String::from_utf8(letter.formatted()).expect("text");
        prop_assert_eq!(
            fields(&mail),
            ["Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"]
        );
        let expected = format!("\r\nTo: {recipient}\r\n");
        prop_assert!(mail.contains(&expected), "{}", mail);
    }
}

#[test]
fn a_name_stays_one_line_in_one_direction() {
    assert_eq!(shown("a\r\nBcc: x@y\u{202e}z\0"), "a Bcc: x@yz");
    assert_eq!(shown(&"é".repeat(201)), "é".repeat(200) + "…");
}

#[test]
fn a_length_is_short() {
    assert_eq!(length(3_725_999, 4_960_000), " (1:02:05, 4.9 MB)");
    assert_eq!(length(900, 4_001), " (0:00:00, 5 kB)");
}

#[test]
fn a_domain_is_written_in_ascii_and_a_name_stays() {
    let letter = write(&conversion("zoë@bücher.example", "talk.mp4"), &from(), BASE).expect("a letter");
    assert_eq!(letter.envelope().to()[0].to_string(), "zoë@xn--bcher-kva.example");
    for bad in ["zoe@ex\u{2028}ample.org", "zo\u{85}e@example.org", "zoe@１２７.0.0.１", "zoe@"] {
        assert!(write(&conversion(bad, "talk.mp4"), &from(), BASE).is_err(), "{bad:?}");
    }
}

#[test]
fn every_copy_has_the_same_id_below_the_senders_domain() {
    let conversion = conversion("alice@example.org", "talk.mp4");
    let sender = sender("Döck <deck@bücher.example>").expect("an address");
    let id = || {
        let letter = write(&conversion, &sender, BASE).expect("a letter").formatted();
        MessageParser::default().parse(&letter).and_then(|mail| Some(mail.message_id()?.to_owned()))
    };
    assert_eq!(id(), Some(format!("{}@xn--bcher-kva.example", conversion.id)));
    assert_eq!(id(), id());
}
