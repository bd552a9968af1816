//! `tapedeck user`: the admin's commands.

use std::path::PathBuf;

use auth::client::{NewUser, User, UserPage};
use chassis::hex;
use reqwest::{Method, Url};

use super::{Server, api::Api};
use crate::{console, error::Error};

/// Manage users (admins only).
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add a user. The password comes from a file, or is made up and printed once.
    Add {
        #[command(flatten)]
        server: Server,
        /// User name.
        name: String,
        /// Where mails go.
        #[arg(long)]
        email: String,
        /// The user may manage users.
        #[arg(long)]
        admin: bool,
        /// File with the password.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// List the users.
    List {
        #[command(flatten)]
        server: Server,
        /// As a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Remove a user; its tokens end at once.
    Remove {
        #[command(flatten)]
        server: Server,
        /// User name.
        name: String,
    },
}

pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Add { server, name, email, admin, password_file } => {
            add(&server.connect().await?, name, email, admin, password_file).await
        }
        Command::List { server, json } => list(&server.connect().await?, json).await,
        Command::Remove { server, name } => {
            let api = server.connect().await?;
            api.send(api.call(Method::DELETE, &address(&name)?)).await?;
            console::note(format!("removed {name}"));
            Ok(())
        }
    }
}

async fn add(
    api: &Api,
    username: String,
    email: String,
    isadmin: bool,
    password_file: Option<PathBuf>,
) -> Result<(), Error> {
    let (password, made_up) = match &password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|cause| Error::file(path, cause))?;
            (text.trim_end_matches(['\r', '\n']).to_owned(), false)
        }
        None => (hex::encode(&hex::random::<12>()), true),
    };
    let new = NewUser { username, email, password: password.clone().into(), isadmin };
    let user: User = api.read(api.call(Method::POST, "/users").json(&new)).await?;
    console::note(format!("added {} with id {}", user.username, user.id));
    if made_up {
        console::note("the password, shown only here:");
        console::result(password);
    }
    Ok(())
}

async fn list(api: &Api, json: bool) -> Result<(), Error> {
    let (mut users, mut after) = (Vec::new(), None::<String>);
    loop {
        let call = api.call(Method::GET, "/users").query(&after.as_ref().map(|after| [("after", after)]));
        let page: UserPage = api.read(call).await?;
        users.extend(page.users);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if json {
        console::result(serde_json::to_string(&users).unwrap_or_default());
        return Ok(());
    }
    for user in users {
        let role = if user.isadmin { "admin" } else { "user" };
        console::result(format!("{}  {role:5}  {}  <{}>", user.id, user.username, user.email));
    }
    Ok(())
}

/// The address of a user, with whatever characters the name has.
fn address(name: &str) -> Result<String, Error> {
    let refused = || Error::Usage(format!("{name:?} is no user name"));
    if matches!(name, "" | "." | "..") {
        return Err(refused());
    }
    let mut url = Url::parse("http://server/users").map_err(|_| refused())?;
    url.path_segments_mut().map_err(|()| refused())?.push(name);
    Ok(url.path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_segment_of_the_address() {
        for (name, path) in
            [("alice", "/users/alice"), ("a/../b", "/users/a%2F..%2Fb"), ("Zoë ?", "/users/Zo%C3%AB%20%3F")]
        {
            assert_eq!(address(name).expect("an address"), path);
        }
        assert!(address("..").is_err());
    }
}
