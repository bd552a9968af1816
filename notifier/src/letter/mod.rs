//! The mail itself: who, what, where to download.

#[cfg(test)]
mod tests;

use converter::conversion::Conversion;
use email_encoding::headers::{rfc2047, writer::EmailWriter};
use lettre::{
    Address, Message,
    address::{AddressError, Envelope},
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use url::Host;

use crate::html::escape;

/// Longest part of a file name that a mail shows, in characters.
const NAME_CHARS_MAX: usize = 200;

/// The line before the download link, by which a reader finds it.
pub(crate) const LINK_FOLLOWS: &str = "Download it with your account:";

/// Why there is no letter; none of these goes away by trying again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LetterError {
    #[error("the address of the user is no mail address")]
    Address(#[source] AddressError),
    #[error("the letter cannot be written")]
    Message(#[source] lettre::error::Error),
}

/// The sender of all letters.
pub(crate) fn sender(text: &str) -> Result<Mailbox, AddressError> {
    let Mailbox { name, email } = text.parse()?;
    Ok(Mailbox { name, email: for_any_server(email)? })
}

/// Writes the letter about a finished conversion.
pub(crate) fn write(conversion: &Conversion, from: &Mailbox, link_base: &str) -> Result<Message, LetterError> {
    let to = conversion.email.parse().and_then(for_any_server).map_err(LetterError::Address)?;
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
    let envelope = Envelope::new(Some(from.email.clone()), vec![to.clone()]).map_err(LetterError::Message)?;
    Message::builder()
        // Without it lettre reads the header again, and takes the quotes of `"a b"@example.org` off.
        .envelope(envelope)
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .raw_header(subject(format!("Your mp3 is ready: {name}")))
        // The same for every copy, so that a reader's program can tell a second one.
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .multipart(MultiPart::alternative_plain_html(text, html))
        .map_err(LetterError::Message)
}

/// The address with its domain in ASCII, as every server takes it (RFC 5890 §2.3.2.1). A local part that is not ASCII stays:
/// only servers that offer SMTPUTF8 take it (RFC 6531).
fn for_any_server(address: Address) -> Result<Address, AddressError> {
    let (user, domain) = (address.user(), address.domain());
    // lettre takes any character beyond ASCII, also those that end a line.
    if user.contains(breaks) {
        return Err(AddressError::InvalidUser);
    }
    if domain.is_ascii() {
        return Ok(address);
    }
    match Host::parse(domain) {
        Ok(Host::Domain(domain)) => Address::new(user, domain),
        _ => Err(AddressError::InvalidDomain),
    }
}

/// The subject line. lettre leaves ASCII as it is, also what a reader takes for an encoded word (RFC 2047): a file name could
/// say anything by that, past [`shown`].
fn subject(text: String) -> HeaderValue {
    let name = HeaderName::new_from_ascii_str("Subject");
    if !text.contains("=?") {
        return HeaderValue::new(name, text);
    }
    let mut encoded = String::new();
    // A `String` takes all text.
    let _ = rfc2047::encode(&text, &mut EmailWriter::new(&mut encoded, "Subject: ".len(), 0, false));
    HeaderValue::dangerous_new_pre_encoded(name, text, encoded)
}

/// A file name as one line of text: it comes from a stranger, and must not end lines or turn the reading direction. Spaces in a
/// row become one, as in the subject line of a mail, where lines are folded between them (RFC 5322 §2.2.3).
fn shown(filename: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let readable: String = filename.chars().filter(|c| !turns(*c)).map(|c| if breaks(c) { ' ' } else { c }).collect();
    let line = readable.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether it ends a line somewhere, or is no text.
fn breaks(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
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
