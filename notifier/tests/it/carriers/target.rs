//! Where the mails of a test go.

use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use testbed::{Kind, MailSecurity, Server, or_skip};

/// A folder or a mail server of one test.
#[derive(Debug)]
pub(crate) enum Target {
    Folder(TempDir),
    Smtp(Server),
}

impl Target {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Plain, without a login.
    pub(crate) fn smtp() -> Option<Self> {
        or_skip(Server::start(Kind::Mail)).map(Self::Smtp)
    }

    /// With a login, and a certificate of its own authority.
    pub(crate) fn secure(security: MailSecurity) -> Option<Self> {
        or_skip(Server::start_mail(security)).map(Self::Smtp)
    }

    /// Its address with user and password.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Folder(_) => format!("file:{}", self.mail_folder().display()),
            Self::Smtp(server) => server.url().to_owned(),
        }
    }

    pub(crate) fn flags(&self, attempts_max: u32) -> Vec<String> {
        vec![format!("--mail-url={}", self.url()), format!("--delivery-attempts-max={attempts_max}")]
    }

    /// The file with the authority that has to be trusted.
    pub(crate) fn ca_flag(&self) -> String {
        format!("--mail-ca-file={}", self.server().ca_pem().display())
    }

    /// From now on it takes no mail. A folder must be empty.
    pub(crate) fn leave(&self) {
        match self {
            Self::Folder(_) => {
                // No file can be made in what is a file itself, not even by root.
                std::fs::remove_dir(self.mail_folder()).expect("the folder is empty");
                std::fs::write(self.mail_folder(), b"").expect("the name is free");
            }
            Self::Smtp(server) => server.kill(),
        }
    }

    /// It takes mail again.
    pub(crate) fn come_back(&self) {
        match self {
            Self::Folder(_) => {
                std::fs::remove_file(self.mail_folder()).expect("the file is there");
                std::fs::create_dir(self.mail_folder()).expect("the name is free");
            }
            Self::Smtp(server) => server.restart(),
        }
    }

    /// Every mail that it took, as it is.
    pub(crate) async fn mails(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Folder(_) => {
                let entries = std::fs::read_dir(self.mail_folder()).expect("the folder is readable");
                entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a mail")).collect()
            }
            Self::Smtp(_) => {
                let list: Value = self.api("/api/v1/messages?limit=1000").await.json().await.expect("a list");
                let mut mails = Vec::new();
                for message in list["messages"].as_array().expect("messages") {
                    let path = format!("/api/v1/message/{}/raw", message["ID"].as_str().expect("an id"));
                    mails.push(self.api(&path).await.bytes().await.expect("a mail").to_vec());
                }
                mails
            }
        }
    }

    /// What the server answers by itself from now on: `{"Recipient":{"ErrorCode":451,"Probability":100}}`; `{}` ends it.
    pub(crate) async fn misbehave(&self, chaos: &Value) {
        let url = format!("{}/api/v1/chaos", self.server().api_url().expect("a mail server"));
        let answer = reqwest::Client::new().put(url).json(chaos).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{answer:?}");
    }

    async fn api(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.server().api_url().expect("a mail server"));
        reqwest::get(url).await.and_then(reqwest::Response::error_for_status).expect("an answer")
    }

    fn server(&self) -> &Server {
        match self {
            Self::Folder(_) => panic!("a folder is no server"),
            Self::Smtp(server) => server,
        }
    }

    fn mail_folder(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join("mail"),
            Self::Smtp(_) => panic!("a server is no folder"),
        }
    }
}
