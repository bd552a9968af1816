//! The mail itself: who, what, where to download.

use converter::conversion::Conversion;
use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart},
};

use crate::html::escape;

/// Longest part of a file name that a mail shows, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The line before the download link, by which a reader finds it.
pub(crate) const LINK_FOLLOWS: &str = "Download it with your account:";

/// Why there is no letter; none of these goes away by trying again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LetterError {
    #[error("the address of the user is no mail address")]
    Address(#[source] lettre::address::AddressError),
    #[error("the letter cannot be written")]
    Message(#[source] lettre::error::Error),
}

/// Writes the letter about a finished conversion.
pub(crate) fn write(conversion: &Conversion, from: &Mailbox, link_base: &str) -> Result<Message, LetterError> {
    let to: Address = conversion.email.parse().map_err(LetterError::Address)?;
    let (id, name) = (conversion.id, shown(&conversion.filename));
    let link = format!("{link_base}/download?fid={id}");
    let length = conversion.mp3.as_ref().map(|mp3| length(mp3.duration_ms, mp3.bytes)).unwrap_or_default();
    let text = format!("Your video {name} is an mp3 now{length}.\n\n{LINK_FOLLOWS}\n{link}\n\nIts id is {id}\n");
    let html = format!(
        "<!doctype html><html><body><p>Your video <b>{}</b> is an mp3 now{length}.</p>\
         <p><a href=\"{link}\">Download it</a> with your account.</p><p>Its id is <code>{id}</code></p></body></html>",
        escape(&name),
        link = escape(&link),
    );
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(format!("Your mp3 is ready: {name}"))
        // The same for every copy, so that a reader's program can tell a second one.
        .message_id(Some(format!("<{id}@tapedeck>")))
        .multipart(MultiPart::alternative_plain_html(text, html))
        .map_err(LetterError::Message)
}

/// A file name as one line of text: it comes from a stranger, and must not end lines or turn the reading direction.
fn shown(filename: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut name: String =
        filename.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c }).take(NAME_CHARS_MAX).collect();
    if filename.chars().nth(NAME_CHARS_MAX).is_some() {
        name.push('…');
    }
    name
}

fn length(duration_ms: u64, bytes: u64) -> String {
    let seconds = duration_ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let size = match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    };
    format!(" ({hours}:{minutes:02}:{seconds:02}, {size})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_line_in_one_direction() {
        assert_eq!(shown("a\r\nBcc: x@y\u{202e}z\0"), "a  Bcc: x@yz ");
        assert_eq!(shown(&"é".repeat(201)), "é".repeat(200) + "…");
    }

    #[test]
    fn a_length_is_short() {
        assert_eq!(length(3_725_999, 4_960_000), " (1:02:05, 4.9 MB)");
        assert_eq!(length(900, 4_001), " (0:00:00, 5 kB)");
    }
}
