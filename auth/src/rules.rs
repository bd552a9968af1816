//! What a user name, an e-mail address and a password may be; parsed at the edge, trusted inside.

use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;

const NAME_CHARS_MAX: usize = 64;
/// RFC 5321 §4.5.3.1.3: a path of 256 bytes with its angle brackets.
const EMAIL_BYTES_MAX: usize = 254;
const PASSWORD_BYTES_MIN: usize = 8;
const PASSWORD_BYTES_MAX: usize = 1024;

const NAME_RULE: &str = "a user name has 1 to 64 printable characters, no colon or slash, no space at its ends, \
     and is not `.` or `..`";
const EMAIL_RULE: &str = "an e-mail address looks like name@domain, has at most 254 bytes and no spaces, control \
     characters, quotes or brackets";
const PASSWORD_RULE: &str = "a password has 8 to 1024 bytes";

/// A name as the rules allow it. A colon would end it in HTTP Basic, a slash in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let sized = (1..=NAME_CHARS_MAX).contains(&text.chars().count());
        let plain = text.chars().all(|c| !c.is_control() && !invisible(c) && !":/\\".contains(c));
        let addressable = text.trim() == text && text != "." && text != "..";
        (sized && plain && addressable).then(|| Self(text.to_owned())).ok_or(Error::Rule(NAME_RULE))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Separators and marks that show nothing or turn the line around: two names must not look the same by them.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// An address that mail can plausibly be sent to; it goes into mail headers, so nothing in it may end a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: &str) -> Result<Self, Error> {
        let parts = text.rsplit_once('@').filter(|(name, domain)| !name.is_empty() && !domain.is_empty());
        let plain = |c: char| !c.is_control() && !c.is_whitespace() && !invisible(c) && !"<>()[]\\,;:\"".contains(c);
        let good = parts.is_some_and(|(name, _)| !name.contains('@'))
            && text.len() <= EMAIL_BYTES_MAX
            && text.chars().all(plain);
        good.then(|| Self(text.to_owned())).ok_or(Error::Rule(EMAIL_RULE))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A password that may be set; a login takes any text and compares it.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    pub fn parse(secret: SecretString) -> Result<Self, Error> {
        let sized = (PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&secret.expose_secret().len());
        if sized { Ok(Self(secret)) } else { Err(Error::Rule(PASSWORD_RULE)) }
    }

    pub(crate) fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_break_a_header_a_path_or_the_eye_are_refused() {
        for good in ["a", "alice", "Zoë Müller", "me", "...", &"x".repeat(64)] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a:b", "a/b", "a\\b", "a\nb", " a", "a ", ".", "..", "a\u{202e}b", &"x".repeat(65)] {
            assert!(Username::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_that_no_mail_reaches_are_refused() {
        for good in ["a@b", "admin@localhost", "o'neill+tag@example.org", "zoë@exämple.org"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        let long = format!("{}@b", "x".repeat(253));
        for bad in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "<a@b>", "a@b,c", &long] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_bounded_in_bytes() {
        for (length, good) in [(7, false), (8, true), (1024, true), (1025, false)] {
            assert_eq!(Password::parse("x".repeat(length).into()).is_ok(), good, "{length}");
        }
    }
}
