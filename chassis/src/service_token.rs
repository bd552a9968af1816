//! The secret that one service shows another; network policies are the second fence.

use std::path::PathBuf;

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header, web};
use anyhow::{Context as _, ensure};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Problem, hex};

/// Shortest accepted token in bytes.
const TOKEN_BYTES_MIN: usize = 32;

/// Where the token comes from.
#[derive(Debug, Clone, clap::Args)]
pub struct ServiceTokenConfig {
    /// File with the secret that the gateway shows the converter; at least 32 bytes.
    #[arg(long, env = "SERVICE_TOKEN_FILE", value_name = "FILE")]
    pub service_token_file: PathBuf,
}

/// A shared secret; its `Debug` shows nothing of it.
#[derive(Debug, Clone)]
pub struct ServiceToken(SecretString);

impl ServiceToken {
    /// A fresh one, for services that start together in one process.
    pub fn random() -> Self {
        Self(hex::encode(&hex::random::<32>()).into())
    }

    /// Reads the file that the configuration names; white space around the token does not count.
    pub fn read(config: &ServiceTokenConfig) -> anyhow::Result<Self> {
        let path = &config.service_token_file;
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {} (SERVICE_TOKEN_FILE)", path.display()))?;
        let token = text.trim();
        ensure!(
            token.len() >= TOKEN_BYTES_MIN,
            "{} holds {} bytes; a service token has at least {TOKEN_BYTES_MIN} (SERVICE_TOKEN_FILE)",
            path.display(),
            token.len()
        );
        Ok(Self(token.to_owned().into()))
    }

    /// The token itself, for an `Authorization: Bearer` header.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    fn matches(&self, offered: &str) -> bool {
        let own = self.expose().as_bytes();
        // Compares in constant time, so that the answer's delay tells nothing about the token.
        own.len() == offered.len() && own.iter().zip(offered.bytes()).fold(0, |diff, (a, b)| diff | (a ^ b)) == 0
    }
}

/// Extractor: the caller is one of our services.
#[derive(Debug, Clone, Copy)]
pub struct FromService;

impl FromRequest for FromService {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let offered = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let offered = offered.and_then(|value| value.strip_prefix("Bearer "));
        let own = request.app_data::<web::Data<ServiceToken>>();
        std::future::ready(match (own, offered) {
            (Some(own), Some(offered)) if own.matches(offered) => Ok(Self),
            _ => Err(Problem::new(
                401,
                "/problems/unauthorized",
                "Not authorized",
                "this address is for tapedeck's own services: send the service token (SERVICE_TOKEN_FILE)",
            )
            .header(header::WWW_AUTHENTICATE, "Bearer realm=\"tapedeck-internal\"")),
        })
    }
}
