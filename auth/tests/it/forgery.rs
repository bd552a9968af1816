//! Tokens that auth did not make, or not so.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The name of a key as the specification has it.
pub(crate) fn kid(key: &str) -> String {
    chassis::hex::encode(&Sha256::digest(key)[..8])
}

/// Claims that auth itself could have written an hour before they end.
pub(crate) fn claims(user_id: &str) -> Value {
    let now = get_current_timestamp();
    json!({
        "sub": user_id, "username": "alice", "isadmin": false, "gen": 0, "iss": "tapedeck-auth", "aud": "tapedeck",
        "iat": now, "exp": now + 3600, "jti": "00",
    })
}

pub(crate) fn signed(key: &str, algorithm: Algorithm, kid: Option<String>, claims: &Value) -> String {
    let header = Header { kid, ..Header::new(algorithm) };
    encode(&header, claims, &EncodingKey::from_secret(key.as_bytes())).expect("a token")
}

/// The same claims with the header's `alg` set to `none` and no signature.
pub(crate) fn unsigned(key: &str, claims: &Value) -> String {
    let header = json!({"typ": "JWT", "alg": "none", "kid": kid(key)});
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&header), part(claims))
}

/// The decoded header or claims of a token.
pub(crate) fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).expect("three parts");
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}
