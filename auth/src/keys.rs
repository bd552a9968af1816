//! The ring of signing keys, read from files and read again when they change.

use std::{
    fmt,
    fs::{self, Metadata, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use chassis::hex;
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::{Digest as _, Sha256};

/// RFC 7518 §3.2: a key of HS256 is at least as long as the hash.
const KEY_BYTES_MIN: usize = 32;
/// How often the files are looked at, at most: a rotation shows within this time.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// One key and its name, `kid`: the first 8 bytes of its SHA-256, in hexadecimal text.
pub(crate) struct Key {
    pub(crate) kid: String,
    pub(crate) signing: EncodingKey,
    pub(crate) checking: DecodingKey,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.kid).finish()
    }
}

/// The key that signs and a second one that is accepted. Clones share one ring.
#[derive(Debug, Clone)]
pub struct KeyRing(Arc<Mutex<Ring>>);

#[derive(Debug)]
struct Ring {
    current_file: PathBuf,
    previous_file: Option<PathBuf>,
    stamps: [Option<Stamp>; 2],
    checked: Instant,
    current: Arc<Key>,
    previous: Option<Arc<Key>>,
}

/// What changes when a file does, also by a rename or a moved symbolic link as in a mounted Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl KeyRing {
    /// Reads the keys; the previous one may be missing.
    pub fn open(current: &Path, previous: Option<&Path>) -> anyhow::Result<Self> {
        let stamps = [stamp(Some(current)), stamp(previous)];
        let ring = Ring {
            current: read(current)?,
            previous: read_optional(previous)?,
            current_file: current.to_owned(),
            previous_file: previous.map(Path::to_owned),
            stamps,
            checked: Instant::now(),
        };
        Ok(Self(Arc::new(Mutex::new(ring))))
    }

    /// Reads the key at `path`, and makes a random one there first (mode 0600) where there is none.
    pub fn load_or_create(path: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            create(path).with_context(|| format!("cannot create the signing key {}", path.display()))?;
        }
        Self::open(path, None)
    }

    /// The key that signs now.
    pub(crate) fn current(&self) -> Arc<Key> {
        self.with(|ring| Arc::clone(&ring.current))
    }

    /// The accepted key of this name.
    pub(crate) fn find(&self, kid: &str) -> Option<Arc<Key>> {
        self.with(|ring| {
            let keys = [Some(&ring.current), ring.previous.as_ref()];
            keys.into_iter().flatten().find(|key| key.kid == kid).cloned()
        })
    }

    fn with<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        // A ring is replaced as a whole, so one that a panic left behind is still good.
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.checked.elapsed() >= CHECK_INTERVAL {
            ring.checked = Instant::now();
            ring.refresh();
        }
        look(&ring)
    }
}

impl Ring {
    /// Reads changed files. Where a new one is bad, both keys stay as they are: a service that goes on with the
    /// old keys is better than one that refuses everybody.
    fn refresh(&mut self) {
        let stamps = [stamp(Some(&self.current_file)), stamp(self.previous_file.as_deref())];
        if stamps == self.stamps {
            return;
        }
        // Remembered also for a bad file, so that it is reported once.
        self.stamps = stamps;
        let keys =
            read(&self.current_file).and_then(|current| Ok((current, read_optional(self.previous_file.as_deref())?)));
        match keys {
            Ok((current, previous)) => {
                tracing::info!(
                    kid = current.kid,
                    previous = previous.as_ref().map(|key| &key.kid),
                    "signing_keys_read"
                );
                (self.current, self.previous) = (current, previous);
            }
            Err(cause) => tracing::error!(cause = format!("{cause:#}"), "signing_keys_kept"),
        }
    }
}

fn stamp(file: Option<&Path>) -> Option<Stamp> {
    let of = |metadata: Metadata| Stamp {
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    };
    fs::metadata(file?).ok().map(of)
}

fn read_optional(file: Option<&Path>) -> anyhow::Result<Option<Arc<Key>>> {
    match file {
        Some(file) if file.exists() => read(file).map(Some),
        _ => Ok(None),
    }
}

fn read(file: &Path) -> anyhow::Result<Arc<Key>> {
    let bytes = fs::read(file).with_context(|| format!("cannot read the signing key {}", file.display()))?;
    // An editor's or `echo`'s line ending is not part of the key.
    let key = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    ensure!(
        key.len() >= KEY_BYTES_MIN,
        "{} holds {} bytes; a signing key has at least {KEY_BYTES_MIN} (SIGNING_KEY_FILE)",
        file.display(),
        key.len()
    );
    let kid = hex::encode(&Sha256::digest(key)[..8]);
    Ok(Arc::new(Key { kid, signing: EncodingKey::from_secret(key), checking: DecodingKey::from_secret(key) }))
}

/// Writes the key under another name first: a crash leaves no short key behind, and of two processes that create
/// at once both use the key of the first.
fn create(path: &Path) -> std::io::Result<()> {
    let unfinished = path.with_added_extension(hex::encode(&hex::random::<8>()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let linked = writeln!(file, "{}", hex::encode(&hex::random::<32>()))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&unfinished, path));
    fs::remove_file(&unfinished)?;
    match linked {
        Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refreshed(ring: &KeyRing) -> [Option<String>; 2] {
        let mut ring = ring.0.lock().expect("nobody panicked");
        ring.refresh();
        [Some(ring.current.kid.clone()), ring.previous.as_ref().map(|key| key.kid.clone())]
    }

    #[test]
    fn a_bad_new_key_keeps_both_old_ones_until_it_is_mended() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let [current, previous] = ["current", "previous"].map(|name| folder.path().join(name));
        fs::write(&current, "a".repeat(32)).expect("the folder is ours");
        fs::write(&previous, "b".repeat(32)).expect("the folder is ours");
        let ring = KeyRing::open(&current, Some(&previous)).expect("good keys");
        let old = refreshed(&ring);

        for (file, bad) in [(&current, "short".to_owned()), (&previous, "b".repeat(31))] {
            fs::write(file, bad).expect("the folder is ours");
            assert_eq!(refreshed(&ring), old);
        }
        fs::remove_file(&current).expect("it is there");
        assert_eq!(refreshed(&ring), old);

        fs::write(&current, "c".repeat(32)).expect("the folder is ours");
        fs::remove_file(&previous).expect("it is there");
        let new = refreshed(&ring);
        assert!(new[0] != old[0] && new[1].is_none(), "{new:?}");
    }
}
