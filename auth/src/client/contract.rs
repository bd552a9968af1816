//! The shapes that auth takes and answers with, as JSON.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// The header by which the gateway tells a login's client address, for the throttle.
pub const CLIENT_ADDRESS: &str = "x-client-address";

/// The answer to a login.
#[derive(Clone, Serialize, Deserialize)]
pub struct Login {
    /// The bearer token: a JWT, opaque to everybody but auth.
    pub token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Lifetime of the token in seconds.
    pub expires_in: u64,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Who shows a token, as the user's row says now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// `users.id`: 128 random bits in hexadecimal text. A new user of an old name has another one.
    pub id: String,
    pub username: String,
    pub email: String,
    pub isadmin: bool,
    /// When the token ends, in seconds since 1970.
    pub expires_at: u64,
}

/// The body of `POST /validate`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    pub token: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The body of `POST /users`; the rules are checked by auth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewUser {
    pub username: String,
    pub email: String,
    #[serde(serialize_with = "exposed")]
    pub password: SecretString,
    #[serde(default)]
    pub isadmin: bool,
}

/// A user without the secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub id: String,
    pub username: String,
    pub email: String,
    pub isadmin: bool,
    /// In milliseconds since 1970.
    pub created_at: i64,
}

/// One page of users, ordered by the bytes of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPage {
    pub users: Vec<User>,
    /// The name to pass as `after` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The answer to `DELETE /users/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Every id that was ever removed under this name, so that a caller which could not finish its own
    /// cleaning can repeat the call.
    pub ids: Vec<String>,
}

/// The body of `PUT /users/me/password`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PasswordChange {
    #[serde(serialize_with = "exposed")]
    pub old_password: SecretString,
    #[serde(serialize_with = "exposed")]
    pub new_password: SecretString,
}

fn exposed<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
