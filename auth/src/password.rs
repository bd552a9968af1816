//! Password hashes: argon2id, off the event loop, a few at a time.

use std::{fmt, sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc},
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::{Error, rules::Password};

/// Memory in KiB, passes and lanes: the first choice of OWASP's Password Storage Cheat Sheet for argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Callers that wait for a free place; each of them holds a connection.
const WAITING_MAX: usize = 64;
/// Longest wait for a free place.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// A PHC string: algorithm, parameters, salt and hash.
#[derive(Clone)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// As a store keeps it.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes with a fresh salt on the blocking pool; takes one core for some tens of milliseconds.
    pub async fn of(password: Password) -> Result<Self, Error> {
        spawn_blocking(move || hash(password.expose())).await.map_err(Error::internal)?
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// Checks passwords, a bounded number at a time.
#[derive(Debug)]
pub(crate) struct Passwords {
    queue: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// What an unknown user's password is checked against, so that both cases take the same time.
    dummy: PasswordHash,
}

/// The right to hash or check one password; it goes with the work, also where the caller left.
#[derive(Debug)]
pub(crate) struct Place {
    _queued: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

/// The outcome of a check. It keeps its place until it is dropped, so that whoever counts failures has counted this
/// one before the next check begins.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) right: bool,
    _place: Place,
}

impl Passwords {
    /// `at_once` bounds the work; see `PASSWORD_CHECKS_MAX`.
    pub(crate) async fn new(at_once: usize) -> Result<Self, Error> {
        let nobody = chassis::hex::encode(&chassis::hex::random::<16>());
        let dummy = PasswordHash::of(Password::parse(nobody.into())?).await?;
        let (queue, places) = (Semaphore::new(at_once + WAITING_MAX), Semaphore::new(at_once));
        Ok(Self { queue: Arc::new(queue), places: Arc::new(places), dummy })
    }

    /// Waits for a free place, in a bounded line and for a bounded time.
    pub(crate) async fn place(&self) -> Result<Place, Error> {
        let queued = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| Error::Busy)?;
        match timeout(WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(Place { _queued: queued, _place: place }),
            _ => Err(Error::Busy),
        }
    }

    /// Whether `password` is the one behind `known`; without a known hash it does the same work and says no.
    pub(crate) async fn verify(
        &self,
        place: Place,
        password: SecretString,
        known: Option<PasswordHash>,
    ) -> Result<Checked, Error> {
        let exists = known.is_some();
        let hash = known.unwrap_or_else(|| self.dummy.clone());
        let verified = spawn_blocking(move || {
            metrics::counter!("tapedeck_password_checks_total").increment(1);
            let same = verify(password.expose_secret().as_bytes(), &hash)?;
            Ok(Checked { right: same && exists, _place: place })
        });
        verified.await.map_err(Error::internal)?
    }

    /// Hashes a new password at the same bound.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let place = self.place().await?;
        let hashed = spawn_blocking(move || {
            let _place = place;
            hash(password.expose())
        });
        hashed.await.map_err(Error::internal)?
    }
}

fn hash(password: &[u8]) -> Result<PasswordHash, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|cause| Error::internal(cause.to_string()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: phc::PasswordHash = argon2.hash_password(password).map_err(|cause| Error::internal(cause.to_string()))?;
    Ok(PasswordHash(hash.to_string()))
}

/// The parameters are those of the hash, so that older hashes stay valid when the constants change.
fn verify(password: &[u8], hash: &PasswordHash) -> Result<bool, Error> {
    let hash = phc::PasswordHash::new(hash.as_str()).map_err(|cause| Error::internal(cause.to_string()))?;
    match Argon2::default().verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(cause) => Err(Error::internal(cause.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_verifies_its_password_alone() {
        let passwords = Passwords::new(1).await.expect("argon2 works");
        let password = Password::parse("correct horse".to_owned().into()).expect("long enough");

        let hash = passwords.hash(password).await.expect("a free place");

        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        for (password, right) in [("correct horse", true), ("wrong horse", false), ("", false)] {
            let place = passwords.place().await.expect("a free place");
            let verified = passwords.verify(place, password.to_owned().into(), Some(hash.clone())).await;
            assert_eq!(verified.expect("the hash is good").right, right, "{password}");
        }
    }

    #[tokio::test]
    async fn a_full_house_is_refused_after_a_bounded_wait() {
        let passwords = Passwords::new(1).await.expect("argon2 works");
        let _taken = passwords.place().await.expect("a free place");

        assert!(matches!(passwords.place().await, Err(Error::Busy)));
    }
}
