//! The ids of a conversion, of a try at it, and of what that try stores.

use std::{fmt, str::FromStr};

use chassis::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A 128-bit id, written as 32 lower-case hexadecimal digits.
macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// A fresh, random one.
            pub fn random() -> Self {
                Self(hex::random())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = &'static str;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                hex::decode(text).map(Self).ok_or("an id has 32 lower-case hexadecimal digits")
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

hex_id!(
    /// Names one conversion; the primary key, and what a 201 hands out.
    ConversionId
);
hex_id!(
    /// The fencing token: fresh for every try, and matched by every update.
    Attempt
);

/// The kinds of stored files; each has a place of its own in every store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    Mp3s,
    /// Videos that wait for their conversion.
    Videos,
}

/// Names one stored file; an attempt writes the blobs of its own id and no others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BlobId {
    bucket: Bucket,
    attempt: Attempt,
}

/// Stands before the id of a video as text; an mp3's has nothing before it.
const VIDEO_PREFIX: &str = "videos/";

impl ConversionId {
    /// The id of the conversion that `key` names for `owner`: so the primary key alone makes a key unique.
    pub fn of_key(owner: &Owner, key: &str) -> Self {
        let digest = Sha256::new_with_prefix(b"tapedeck/conversion\0")
            // The length first, so that no owner and key run into another owner and key.
            .chain_update((owner.0.len() as u64).to_le_bytes())
            .chain_update(owner.0.as_bytes())
            .chain_update(key.as_bytes())
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        Self(id)
    }
}

impl Attempt {
    /// The mp3 that this attempt writes.
    pub fn mp3(self) -> BlobId {
        BlobId { bucket: Bucket::Mp3s, attempt: self }
    }

    /// The video that this attempt stores.
    pub fn video(self) -> BlobId {
        BlobId { bucket: Bucket::Videos, attempt: self }
    }
}

impl BlobId {
    pub fn bucket(self) -> Bucket {
        self.bucket
    }

    /// The attempt that writes it: its name within its bucket.
    pub fn attempt(self) -> Attempt {
        self.attempt
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.bucket {
            Bucket::Mp3s => "",
            Bucket::Videos => VIDEO_PREFIX,
        };
        write!(f, "{prefix}{}", self.attempt)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for BlobId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_prefix(VIDEO_PREFIX) {
            Some(attempt) => attempt.parse().map(Attempt::video),
            None => text.parse().map(Attempt::mp3),
        }
    }
}

/// The id (not the name) of the user who owns a conversion.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_one_conversion_of_one_owner() {
        let (alice, bob) = (Owner("alice".into()), Owner("bob".into()));
        assert_eq!(ConversionId::of_key(&alice, "k"), ConversionId::of_key(&alice, "k"));
        assert_ne!(ConversionId::of_key(&alice, "k"), ConversionId::of_key(&bob, "k"));
        assert_ne!(ConversionId::of_key(&Owner("a".into()), "b\0c"), ConversionId::of_key(&Owner("a\0b".into()), "c"));
    }

    #[test]
    fn ids_survive_their_text() {
        let id = ConversionId::random();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("0123".parse::<ConversionId>().is_err());
        for blob in [Attempt::random().mp3(), Attempt::random().video()] {
            assert_eq!(BlobId::try_from(String::from(blob)), Ok(blob));
        }
    }
}
