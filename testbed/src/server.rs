//! One running server and its folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::TempDir;

use crate::{Kind, script};

/// How a mail server wants to be spoken to; both ask for the user and password in the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// Plain until `STARTTLS`, which it insists on (RFC 3207).
    Starttls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// A server that was started for whoever holds this. Dropping it ends the server at once and removes its folder; where this
/// process is killed, a watchdog does that within some seconds.
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    folder: TempDir,
    /// What `start` gets after the folder, at every start.
    options: Vec<String>,
    url: String,
    api_url: Option<String>,
}

impl Server {
    /// Starts a server with nothing in it; returns when it answers. [`Missing`](crate::Missing) is the error where a program is
    /// not installed, else the text ends with the last lines of the server's log.
    pub fn start(kind: Kind) -> anyhow::Result<Self> {
        Self::start_with(kind, &[])
    }

    /// Starts a mail server that wants TLS and a login; its certificate is signed by [`ca_pem`](Self::ca_pem).
    pub fn start_mail(security: MailSecurity) -> anyhow::Result<Self> {
        let option = match security {
            MailSecurity::Starttls => "--starttls",
            MailSecurity::Tls => "--tls",
        };
        Self::start_with(Kind::Mail, &[option])
    }

    fn start_with(kind: Kind, more: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix(&format!("testbed-{}-", kind.name())).tempdir()?;
        let parent = std::process::id().to_string();
        let options = ["--for", &parent].into_iter().chain(more.iter().copied()).map(str::to_owned).collect();
        let mut server = Self { kind, folder, options, url: String::new(), api_url: None };
        server.run_start()?; // where it fails, what is left of the server goes with `server`
        server.url = server.read("url")?;
        if kind == Kind::Mail {
            server.api_url = Some(server.read("api-url")?);
        }
        Ok(server)
    }

    /// Its address with everything that a client needs, e.g. `mysql://user:password@127.0.0.1:port/database`. Stays the same
    /// over a restart. `smtp://…?tls=required` asks for STARTTLS, `smtps://…` for TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The HTTP API of a mail server (`GET {api_url}/api/v1/messages`); `None` for the other kinds.
    pub fn api_url(&self) -> Option<&str> {
        self.api_url.as_deref()
    }

    /// The certificate, in PEM, that a client of [`start_mail`](Self::start_mail) has to trust.
    pub fn ca_pem(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Where it keeps its data and logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it by `kill -9`; its folder stays.
    ///
    /// # Panics
    /// Where it still runs afterwards.
    pub fn kill(&self) {
        self.run("kill");
    }

    /// Ends it in order; its folder stays.
    ///
    /// # Panics
    /// Where it still runs afterwards.
    pub fn stop(&self) {
        self.run("stop");
    }

    /// Starts it again after [`kill`](Self::kill) or [`stop`](Self::stop), or ends it in order before: the same data, the same
    /// address. Returns when it answers.
    ///
    /// # Panics
    /// Where it does not answer in time.
    pub fn restart(&self) {
        self.stop();
        self.run_start().expect("a server starts again");
    }

    fn run_start(&self) -> anyhow::Result<()> {
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        script::run(self.kind, "start", self.folder.path(), &options)
    }

    fn run(&self, command: &str) {
        script::run(self.kind, command, self.folder.path(), &[]).expect("a server obeys its script");
    }

    fn read(&self, name: &str) -> anyhow::Result<String> {
        let text =
            fs::read_to_string(self.folder.path().join(name)).with_context(|| format!("the script left no {name}"))?;
        Ok(text.trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Where this fails, the watchdog does it after the process.
        let _ = script::run(self.kind, "remove", self.folder.path(), &[]);
    }
}
