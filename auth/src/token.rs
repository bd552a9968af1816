//! Tokens: JWTs (RFC 7519) signed by HS256 under the ring's current key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::hex;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::{Error, keys::KeyRing, users::Account};

const ISSUER: &str = "tapedeck-auth";
const AUDIENCE: &str = "tapedeck";
/// How far the clocks of two replicas may differ, in seconds.
const LEEWAY_S: u64 = 5;

/// What a token says; every claim is required.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// `users.id`.
    pub(crate) sub: String,
    pub(crate) username: String,
    /// As it was at the login, for readers of a log; what counts is the user's row.
    pub(crate) isadmin: bool,
    /// `users.token_generation` at the login; a token of an earlier one has ended.
    #[serde(rename = "gen")]
    pub(crate) generation: i64,
    iss: String,
    aud: String,
    iat: u64,
    /// In seconds since 1970.
    pub(crate) exp: u64,
    jti: String,
}

/// Signs a token for the user of `account`, of the generation that was read together with the password's hash: where
/// the password has changed since, the token is born invalid.
pub(crate) fn issue(keys: &KeyRing, account: &Account, lifetime: Duration) -> Result<String, Error> {
    let iat = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::internal)?.as_secs();
    let Account { user, token_generation, .. } = account;
    let claims = Claims {
        sub: user.id.clone(),
        username: user.username.clone(),
        isadmin: user.isadmin,
        generation: *token_generation,
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        iat,
        exp: iat.saturating_add(lifetime.as_secs()),
        jti: hex::encode(&hex::random::<16>()),
    };
    let key = keys.current();
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
    encode(&header, &claims, &key.signing).map_err(Error::internal)
}

/// The claims of a token that one of the ring's keys signed and that has not expired.
pub(crate) fn verify(keys: &KeyRing, token: &str) -> Result<Claims, Error> {
    let kid = decode_header(token).ok().and_then(|header| header.kid).ok_or(Error::BadToken)?;
    let key = keys.find(&kid).ok_or(Error::BadToken)?;
    // One algorithm only: what the token's header says about it decides nothing (RFC 8725 §3.1).
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = LEEWAY_S;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    decode(token, &key.checking, &validation).map(|token| token.claims).map_err(|_| Error::BadToken)
}
