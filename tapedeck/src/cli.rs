//! The command line; `--help` is the reference.

use std::process::ExitCode;

use chassis::{
    healthcheck,
    telemetry::{self, LogConfig},
};
use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;
use converter::transcode::filter_help;
use tokio::runtime::Runtime;

use crate::{
    client::{conversions, convert, download, login, users},
    console, demo, doctor,
    error::{EXIT_CODES, Error},
    interrupt::interrupted,
    transcode, up,
};

/// The name by which this program is called and speaks.
const NAME: &str = "tapedeck";
/// What this program says of itself where nobody asks for more.
const LOG_FILTER: &str = "warn,tapedeck=info";

/// What the long help of `transcode` says besides.
const TRANSCODE: &str = "\
With IN and OUT the mp3 appears under its name when it is whole and on the disk; whatever goes wrong leaves nothing \
behind. A bar shows how far it is. Exit codes are those of `tapedeck --help`.

Examples:
  tapedeck transcode talk.mkv talk.mp3
  tapedeck transcode --start 60 --end 120 --title Minute talk.mkv minute.mp3";

/// Video in, mp3 out.
#[derive(Debug, Parser)]
#[command(name = NAME, version, after_help = format!("{EXIT_CODES}\n{}", healthcheck::HELP))]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    log: LogConfig,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Up(Box<up::Args>),
    Convert(convert::Args),
    List(conversions::ListArgs),
    Download(download::Args),
    Delete(conversions::DeleteArgs),
    Login(login::Args),
    #[command(subcommand)]
    User(users::Command),
    Doctor(doctor::Args),
    Demo(demo::Args),
    /// Print a completion script for a shell.
    Completions {
        shell: Shell,
    },
    /// Convert a file of this machine without any service: `tapedeck transcode IN OUT`.
    #[command(after_help = EXIT_CODES, after_long_help = format!("{TRANSCODE}\n\n{}", filter_help(NAME)))]
    Transcode(transcode::Args),
}

/// The command with this program's own defaults.
pub fn command() -> clap::Command {
    Cli::command().mut_arg("log_filter", |arg| arg.default_value(LOG_FILTER))
}

/// Reads the command line; wrong usage ends the process with code 2.
pub fn parse() -> Cli {
    let matches = command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|refused| refused.exit())
}

/// Runs a command and answers with its exit code.
pub fn run(cli: Cli) -> ExitCode {
    match cli.command {
        // The engine comes first: it limits itself before any thread or runtime exists.
        Command::Transcode(args) if args.is_filter() => converter::transcode::main(args.engine, NAME),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut command(), NAME, &mut std::io::stdout());
            ExitCode::SUCCESS
        }
        command => {
            telemetry::init(&cli.log);
            match with_runtime(command) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    if !matches!(error, Error::Shown(_)) {
                        console::note(format!("{NAME}: {error}"));
                    }
                    error.into()
                }
            }
        }
    }
}

fn with_runtime(command: Command) -> Result<(), Error> {
    let runtime = Runtime::new().map_err(|cause| Error::Failed(format!("cannot start threads: {cause}")))?;
    let done = runtime.block_on(until_signalled(command));
    // Whoever interrupted a stop does not want to wait for what still blocks.
    runtime.shutdown_background();
    done
}

async fn until_signalled(command: Command) -> Result<(), Error> {
    let command = match command {
        Command::Up(args) => return up::run(*args).await,
        command => command,
    };
    let is_local = matches!(command, Command::Transcode(_));
    tokio::select! {
        // A question for a password comes before the first wait, so that Ctrl-C still ends it.
        biased;
        done = client(command) => done,
        // What is dropped here takes its temporary files with it.
        () = interrupted() => Err(if is_local { Error::Stopped } else { Error::Interrupted }),
    }
}

async fn client(command: Command) -> Result<(), Error> {
    match command {
        Command::Convert(args) => convert::run(args).await,
        Command::List(args) => conversions::list(args).await,
        Command::Download(args) => download::run(args).await,
        Command::Delete(args) => conversions::delete(args).await,
        Command::Login(args) => login::run(args).await,
        Command::User(command) => users::run(command).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Transcode(args) => transcode::run(args).await,
        // These run without a runtime or with signals of their own.
        Command::Up(_) | Command::Completions { .. } => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_has_no_clash() {
        command().debug_assert();
    }

    #[test]
    fn settings_of_two_services_reach_both() {
        let arguments = ["tapedeck", "up", "--listen=127.0.0.1:0", "--upload-bytes-max=77", "--token-lifetime=5m"];
        let matches = command().try_get_matches_from(arguments).expect("right usage");
        let Command::Up(up) = Cli::from_arg_matches(&matches).expect("right usage").command else { panic!("up") };
        assert_eq!((up.services.gateway.upload_bytes_max, up.services.converter.upload_bytes_max), (77, 77));
        assert_eq!(up.services.auth.token_lifetime.as_secs(), 300);
    }
}
