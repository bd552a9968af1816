//! What makes two requests with one `Idempotency-Key` the same request.

use chassis::hex;
use converter::options::Options;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Everything that counts. The content itself does not, unless the client sends its `Content-Digest`.
#[derive(Debug, Serialize)]
pub(super) struct Fingerprint<'a> {
    pub(super) options: &'a Options,
    pub(super) filename: &'a str,
    pub(super) file: &'a FileHeaders,
}

/// The headers that describe the file: the request's own for a raw body, the part's for a form. A form's boundary, and
/// with it the length and digest of the whole body, differ on each try, so of a form only the part's headers count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct FileHeaders {
    /// `Content-Type`.
    pub(super) kind: Option<String>,
    /// `Content-Length`.
    pub(super) length: Option<String>,
    /// `Content-Digest` (RFC 9530).
    pub(super) digest: Option<String>,
}

impl Fingerprint<'_> {
    /// Lower-case hexadecimal SHA-256 over the JSON of all members: JSON keeps them apart.
    pub(super) fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(hex::encode(&Sha256::digest(serde_json::to_vec(self)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(options: &Options, filename: &str, file: &FileHeaders) -> String {
        Fingerprint { options, filename, file }.digest().expect("plain data")
    }

    #[test]
    fn every_member_counts_and_nothing_else() {
        let (options, file) = (Options::default(), FileHeaders::default());
        let base = digest(&options, "a.mp4", &file);
        assert_eq!(base, digest(&options, "a.mp4", &file));
        assert_eq!(base.len(), 64);

        let text = Some("1".to_owned());
        let others = [
            digest(&Options { channels: Some(1), ..Options::default() }, "a.mp4", &file),
            digest(&options, "b.mp4", &file),
            digest(&options, "a.mp4", &FileHeaders { kind: text.clone(), ..file.clone() }),
            digest(&options, "a.mp4", &FileHeaders { length: text.clone(), ..file.clone() }),
            digest(&options, "a.mp4", &FileHeaders { digest: text, ..file }),
            base,
        ];
        let distinct: std::collections::BTreeSet<_> = others.iter().collect();
        assert_eq!(distinct.len(), others.len());
    }
}
