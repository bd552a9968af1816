//! `tapedeck login`.

use std::{path::PathBuf, time::Duration};

use converter::conversion::Timestamp;

use super::{
    Server,
    session::{self, Login},
};
use crate::{console, error::Error};

/// Log in and keep the token for later commands.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: Server,
    /// User name.
    #[arg(default_value = "admin")]
    username: String,
    /// File with the password; asked for where absent.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub async fn run(args: Args) -> Result<(), Error> {
    let api = args.server.api()?;
    let password = match &args.password_file {
        Some(path) => std::fs::read_to_string(path)
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|cause| Error::file(path, cause))?,
        None => console::ask_secret(&format!("Password of {}: ", args.username))
            .map_err(|cause| Error::Failed(format!("cannot read the password: {cause}")))?,
    };
    let token = api.login(&args.username, &password).await?;
    let valid = Duration::from_secs(token.expires_in);
    let login = Login { username: args.username.clone(), token: token.token, expires_at: Timestamp::now().plus(valid) };
    let path = session::save(api.server(), login)?;
    let (server, valid) = (api.server(), humantime::format_duration(valid));
    console::note(format!("logged in at {server} as {} for {valid}; kept in {}", args.username, path.display()));
    Ok(())
}
