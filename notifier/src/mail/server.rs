//! Which mail server, and how it is spoken to: `MAIL_URL` with its two files.
//!
//! Schemes, ports and options are those of lettre's own `AsyncSmtpTransport::from_url`, which neither reads files nor hands
//! out what it read.

use std::{borrow::Cow, path::Path};

use anyhow::{Context as _, bail, ensure};
use lettre::transport::smtp::{
    Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, Tls, TlsParameters},
    extension::ClientId,
};
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{SendError, linewise::Linewise, reply::told, smtp::OPEN_MAX};
use crate::Config;

/// A mail server and how to log in there.
#[derive(Debug)]
pub(crate) struct MailServer {
    host: String,
    port: u16,
    tls: Tls,
    /// What this client calls itself.
    hello: ClientId,
    credentials: Option<Credentials>,
}

impl MailServer {
    /// Reads `smtp://…` or `smtps://…`. No error repeats the URL, which may hold a password.
    pub(super) fn read(url: &str, config: &Config) -> anyhow::Result<Self> {
        let url = Url::parse(url).context("MAIL_URL is no URL")?;
        let host = match Host::parse(url.host_str().unwrap_or_default()).context("MAIL_URL names no host")? {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let (tls, port) = tls(&url, &host, config.mail_ca_file.as_deref())?;
        let name = url.path().trim_matches('/');
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            tls,
            hello: if name.is_empty() { ClientId::default() } else { ClientId::Domain(name.to_owned()) },
            credentials: credentials(&url, config.mail_password_file.as_deref())?,
        })
    }

    /// A connection on which mail may be sent.
    pub(super) async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let mut connection = match &self.tls {
            Tls::Wrapper(parameters) => self.greeted_in_tls(parameters.clone()).await?,
            _ => self.greeted().await?,
        };
        let ready = self.prepare(&mut connection).await;
        ready.map(|()| connection).map_err(|cause| not_ready(&cause))
    }

    async fn greeted_in_tls(&self, parameters: TlsParameters) -> Result<AsyncSmtpConnection, SendError> {
        let address = (self.host.as_str(), self.port);
        let greeted =
            AsyncSmtpConnection::connect_tokio1(address, Some(OPEN_MAX), &self.hello, Some(parameters), None).await;
        greeted.map_err(|cause| not_ready(&cause))
    }

    async fn greeted(&self) -> Result<AsyncSmtpConnection, SendError> {
        let stream = Linewise::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|cause| SendError::NotReady(cause.to_string()))?;
        let greeted = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await;
        greeted.map_err(|cause| not_ready(&cause))
    }

    /// STARTTLS and the login.
    async fn prepare(&self, connection: &mut AsyncSmtpConnection) -> Result<(), Error> {
        match &self.tls {
            Tls::Opportunistic(parameters) if connection.can_starttls() => {
                connection.starttls(parameters.clone(), &self.hello).await?;
            }
            Tls::Required(parameters) => connection.starttls(parameters.clone(), &self.hello).await?,
            _ => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(())
    }
}

fn not_ready(cause: &Error) -> SendError {
    SendError::NotReady(told(cause))
}

/// How TLS begins, and the port where the URL names none.
fn tls(url: &Url, host: &str, ca_file: Option<&Path>) -> anyhow::Result<(Tls, u16)> {
    let mut wanted = None;
    for (name, value) in url.query_pairs() {
        // Not named: it may be the end of a password.
        ensure!(name == "tls", "MAIL_URL has an option other than tls; a ? in a password is written %3F");
        wanted = Some(value);
    }
    Ok(match (url.scheme(), wanted.as_deref()) {
        ("smtp", None) => {
            ensure!(ca_file.is_none(), "MAIL_CA_FILE is of no use without TLS: take smtps:// or ?tls=required");
            (Tls::None, SMTP_PORT)
        }
        ("smtp", Some("opportunistic")) => (Tls::Opportunistic(parameters(host, ca_file)?), SUBMISSION_PORT),
        ("smtp", Some("required")) => (Tls::Required(parameters(host, ca_file)?), SUBMISSION_PORT),
        ("smtps", None) => (Tls::Wrapper(parameters(host, ca_file)?), SUBMISSIONS_PORT),
        ("smtp", Some(other)) => bail!("MAIL_URL has tls={other}; it may be required or opportunistic"),
        _ => bail!("MAIL_URL begins with smtp:// (option tls=required or tls=opportunistic) or smtps:// (no option)"),
    })
}

fn parameters(host: &str, ca_file: Option<&Path>) -> anyhow::Result<TlsParameters> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(path) = ca_file {
        let pem = read("MAIL_CA_FILE", path)?;
        ensure!(pem.contains("-----BEGIN CERTIFICATE-----"), "{} holds no certificate in PEM", path.display());
        let certificates = Certificate::from_pem(pem.as_bytes());
        parameters = parameters.add_root_certificate(certificates.with_context(|| path.display().to_string())?);
    }
    parameters.build().context("MAIL_CA_FILE cannot be used")
}

fn credentials(url: &Url, password_file: Option<&Path>) -> anyhow::Result<Option<Credentials>> {
    let user = decoded(url.username())?;
    let password = match (url.password(), password_file) {
        (Some(_), Some(_)) => bail!("MAIL_URL has a password and MAIL_PASSWORD_FILE is set: leave one of them out"),
        (Some(password), None) => Some(decoded(password)?),
        (None, Some(path)) => Some(Cow::Owned(read("MAIL_PASSWORD_FILE", path)?.trim_end_matches(['\r', '\n']).into())),
        (None, None) => None,
    };
    match password {
        Some(password) => {
            ensure!(!user.is_empty(), "MAIL_URL must name the user of the password: smtps://USER@HOST");
            Ok(Some(Credentials::new(user.into_owned(), password.into_owned())))
        }
        None if user.is_empty() => Ok(None),
        None => bail!("MAIL_URL names a user and no password: set MAIL_PASSWORD_FILE"),
    }
}

fn decoded(text: &str) -> anyhow::Result<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().context("the user and password in MAIL_URL must be UTF-8")
}

fn read(setting: &str, path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {} ({setting})", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str, more: &[&str]) -> anyhow::Result<MailServer> {
        MailServer::read(url, &Config::from_flags(more))
    }

    #[test]
    fn each_form_of_the_url_has_its_port_and_encryption() {
        for (url, host, port, tls) in [
            ("smtp://mail.example", "mail.example", 25, "None"),
            ("smtp://mail.example:2525/me.example", "mail.example", 2525, "None"),
            ("smtp://[::1]?tls=opportunistic", "::1", 587, "Opportunistic"),
            ("smtp://127.0.0.1?tls=required", "127.0.0.1", 587, "Required"),
            ("smtps://b%C3%BCcher.example", "xn--bcher-kva.example", 465, "Wrapper"),
        ] {
            let server = server(url, &[]).expect(url);
            assert_eq!((server.host.as_str(), server.port, format!("{:?}", server.tls).as_str()), (host, port, tls));
        }
        assert_eq!(server("smtp://a/me.example", &[]).expect("a server").hello.to_string(), "me.example");
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_the_password() {
        for url in [
            "smtp://",
            "smtps://me:secret@a?tls=required",
            "smtp://me:secret@a?tls=maybe",
            "smtp://me:secret@a?TLS=required",
            "smtp://me:25?secret@a",
            "smtp://:secret@a",
            "smtp://me@a",
            "smtp://me:%ff@a",
        ] {
            let error = server(url, &[]).expect_err(url);
            assert!(!format!("{error:#}").contains("secret"), "{error:#}");
        }
    }

    #[test]
    fn a_password_comes_from_the_url_or_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "p ss:w/rd \n").expect("a file");
        let file = ["--mail-password-file", path.to_str().expect("text")];
        let expected = Some(Credentials::new("me@a".into(), "p ss:w/rd ".into()));
        assert_eq!(server("smtps://me%40a@b", &file).expect("a server").credentials, expected);
        assert_eq!(server("smtps://me%40a:p%20ss:w%2Frd%20@b", &[]).expect("a server").credentials, expected);
        assert!(server("smtps://b", &file).is_err() && server("smtps://me:other@b", &file).is_err());
    }

    #[test]
    fn a_file_of_certificates_must_hold_one_and_be_used() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ca.pem");
        let file = ["--mail-ca-file", path.to_str().expect("text")];
        assert!(server("smtps://a", &file).is_err(), "there is no such file");
        std::fs::write(&path, "no certificate\n").expect("a file");
        assert!(server("smtps://a", &file).is_err() && server("smtp://a", &file).is_err());
    }
}
