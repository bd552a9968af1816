//! The command line of `auth`: the service, and what an operator does with the user store.

use std::{
    io::{self, BufRead as _, Read, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use chassis::{healthcheck, telemetry::LogConfig};
use clap::{Parser, Subcommand};
use secrecy::SecretString;

use crate::{
    Config, Email, KeyConfig, NewAccount, Password, PasswordHash, ServiceConfig, StoreConfig, Username, Users,
};

/// The name of the admin that `auth migrate` creates.
const FIRST_ADMIN: &str = "admin";
/// Longest line or file that a password is looked for in, in bytes; more than any password may have.
const PASSWORD_SOURCE_BYTES_MAX: u64 = 4096;
/// Users that are read at once for a list.
const PAGE_USERS_MAX: usize = 1000;

/// Users, passwords and tokens. Without a command it runs the service.
#[derive(Debug, Parser)]
#[command(name = "auth", version, after_help = healthcheck::HELP, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogConfig,
    #[command(flatten)]
    service: ServiceConfig,
    #[command(flatten)]
    store: Option<StoreConfig>,
    #[command(flatten)]
    keys: Option<KeyConfig>,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to run.
#[derive(Debug)]
pub enum Task {
    Serve(Box<Config>),
    Command(Command),
}

/// Work on the user store, e.g. while the service is stopped.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Adds, lists and removes users.
    #[command(subcommand)]
    User(UserCommand),
    /// Creates the schema or brings it up to date and, where there are no users, creates the admin `admin`. May be
    /// repeated, also by several at once.
    Migrate {
        #[command(flatten)]
        store: StoreConfig,
        /// File with the password of the first admin. It may be missing where there are users.
        #[arg(long, env = "BOOTSTRAP_ADMIN_PASSWORD_FILE", value_name = "FILE")]
        bootstrap_admin_password_file: Option<PathBuf>,
        /// E-mail address of the first admin.
        #[arg(long, env = "BOOTSTRAP_ADMIN_EMAIL", value_name = "EMAIL", default_value = "admin@localhost")]
        bootstrap_admin_email: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Adds a user; the password is the first line of the file or of standard input.
    Add {
        #[command(flatten)]
        store: StoreConfig,
        name: String,
        #[arg(long)]
        email: String,
        /// The user may manage users.
        #[arg(long)]
        admin: bool,
        /// File with the password, instead of standard input.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Lists the users.
    List {
        #[command(flatten)]
        store: StoreConfig,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Removes a user; its tokens end at once. Prints the ids that were ever removed under the name.
    Remove {
        #[command(flatten)]
        store: StoreConfig,
        name: String,
    },
}

impl Cli {
    /// What the command line asks for.
    pub fn task(self) -> anyhow::Result<Task> {
        match (self.command, self.store, self.keys) {
            (Some(command), _, _) => Ok(Task::Command(command)),
            (None, Some(store), Some(keys)) => Ok(Task::Serve(Box::new(Config { service: self.service, store, keys }))),
            _ => bail!("the service needs USERS_URL and SIGNING_KEY_FILE; see auth --help"),
        }
    }
}

impl Command {
    /// Does the work and prints its result.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::User(UserCommand::Add { store, name, email, admin, password_file }) => {
                let (username, email) = (Username::parse(&name)?, Email::parse(&email)?);
                let password_hash = PasswordHash::of(password(password_file.as_deref())?).await?;
                let account = NewAccount { username, email, password_hash, isadmin: admin };
                let user = open(&store)?.create(account).await?;
                print(&format!("{} {}", user.id, user.username))
            }
            Self::User(UserCommand::List { store, json }) => list(&open(&store)?, json).await,
            Self::User(UserCommand::Remove { store, name }) => {
                print(&open(&store)?.remove(&name).await?.ids.join("\n"))
            }
            Self::Migrate { store, bootstrap_admin_password_file, bootstrap_admin_email } => {
                let password = bootstrap_admin_password_file.as_deref().map(first_password).transpose()?;
                let users = open(&store)?;
                users.migrate().await?;
                let created = match password {
                    None => return print("the schema is up to date"),
                    Some(Ok(password)) => users.ensure_admin(FIRST_ADMIN, &bootstrap_admin_email, password).await?,
                    Some(Err(missing)) if users.list(None, 1).await?.users.is_empty() => return Err(missing),
                    Some(Err(_)) => false,
                };
                print(if created { "created the user admin" } else { "there are users already" })
            }
        }
    }
}

/// The password of the first admin. That the file is missing matters only where there are no users: it is the inner error,
/// since whoever deploys again may have removed the file after the first time.
fn first_password(file: &Path) -> anyhow::Result<anyhow::Result<Password>> {
    match password(Some(file)).context("there is no password for the first admin (BOOTSTRAP_ADMIN_PASSWORD_FILE)") {
        Err(cause) if !is_missing(&cause) => Err(cause),
        read => Ok(read),
    }
}

fn is_missing(cause: &anyhow::Error) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|cause| cause.kind() == io::ErrorKind::NotFound)
}

fn open(store: &StoreConfig) -> anyhow::Result<Users> {
    Users::open(&store.users_url, "an auth command")
}

async fn list(users: &Users, json: bool) -> anyhow::Result<()> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = users.list(after, PAGE_USERS_MAX).await?;
        all.extend(page.users);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if json {
        return print(&serde_json::to_string_pretty(&all)?);
    }
    for user in all {
        let role = if user.isadmin { "admin" } else { "user" };
        print(&format!("{}  {role:5}  {}  <{}>", user.id, user.username, user.email))?;
    }
    Ok(())
}

/// The first line of the file, or of standard input.
fn password(file: Option<&Path>) -> anyhow::Result<Password> {
    let (source, name): (Box<dyn Read>, _) = match file {
        Some(file) => {
            let opened = std::fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            (Box::new(opened), file.display().to_string())
        }
        None => (Box::new(io::stdin()), "standard input".to_owned()),
    };
    let mut line = String::new();
    let read = io::BufReader::new(source.take(PASSWORD_SOURCE_BYTES_MAX)).read_line(&mut line);
    read.with_context(|| format!("cannot read {name}"))?;
    let text = line.trim_end_matches(['\r', '\n']);
    ensure!(!text.is_empty(), "{name} holds no password");
    Ok(Password::parse(SecretString::from(text))?)
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
