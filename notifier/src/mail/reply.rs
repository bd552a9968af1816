//! What a mail server says, and what of it may be told.

use std::fmt;

use lettre::transport::smtp::Error;

/// Longest part of a server's text that is told, in characters.
const TEXT_CHARS_MAX: usize = 300;

/// Replies that speak of the login, the encryption or the order of commands: they end when somebody corrects the settings.
/// 530, 534, 535, 538: RFC 4954 §6 and RFC 3207 §4; 503: RFC 5321 §4.2.3.
const ABOUT_SETTINGS: [u16; 5] = [503, 530, 534, 535, 538];

/// A negative reply to a mail.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: u16,
    text: String,
}

impl Refusal {
    /// `None` where the error is not a reply.
    pub(super) fn of(error: &Error) -> Option<Self> {
        Some(Self { code: error.status()?.into(), text: told(error) })
    }

    /// Whether the server would say the same to this mail again (RFC 5321 §4.2.1).
    pub(super) fn is_permanent(&self) -> bool {
        self.code >= 500 && !ABOUT_SETTINGS.contains(&self.code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text of an error on one line, without mail addresses: servers like to repeat the one that they refuse.
pub(super) fn told(error: &Error) -> String {
    without_addresses(&error.to_string())
}

fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains('@') { "…" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(TEXT_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_told_without_the_address_in_it() {
        let told = without_addresses("permanent error (550): 5.1.1 <alice@example.org>:\r\n\tno such user");
        assert_eq!(told, "permanent error (550): 5.1.1 … no such user");
        assert_eq!(without_addresses(&"é".repeat(1000)).chars().count(), TEXT_CHARS_MAX);
    }

    #[test]
    fn what_the_settings_cause_is_not_the_mails_fault() {
        let refused = |code| Refusal { code, text: String::new() }.is_permanent();
        for code in [550, 551, 552, 553, 554, 500, 501] {
            assert!(refused(code), "{code}");
        }
        for code in [421, 450, 451, 452, 454, 503, 530, 534, 535, 538] {
            assert!(!refused(code), "{code}");
        }
    }
}
