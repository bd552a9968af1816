//! The settings of all services as flags and environment of one command.
//!
//! Some settings belong to two services, e.g. `UPLOAD_BYTES_MAX`. They appear once and reach both.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::Resettable};

/// Settings that follow from others here: where the services listen and how they find each other.
const DECIDED_HERE: [&str; 6] =
    ["gateway_listen", "auth_url", "converters", "listen", "converter_listen", "notifier_listen"];

/// What each service reads at its start.
#[derive(Debug, Clone)]
pub struct Services {
    pub gateway: gateway::Config,
    pub auth: auth::ServiceConfig,
    pub converter: converter::Config,
    pub notifier: notifier::Config,
}

impl FromArgMatches for Services {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self {
            gateway: gateway::Config::from_arg_matches(matches)?,
            auth: auth::ServiceConfig::from_arg_matches(matches)?,
            converter: converter::Config::from_arg_matches(matches)?,
            notifier: notifier::Config::from_arg_matches(matches)?,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Services {
    fn augment_args(mut command: Command) -> Command {
        for (heading, service) in [
            ("Gateway", gateway::Config::augment_args(Command::new("gateway"))),
            ("Auth", auth::ServiceConfig::augment_args(Command::new("auth"))),
            ("Converter", converter::Config::augment_args(Command::new("converter"))),
            ("Notifier", notifier::Config::augment_args(Command::new("notifier"))),
        ] {
            for arg in service.get_arguments() {
                if command.get_arguments().any(|known| known.get_id() == arg.get_id()) {
                    continue;
                }
                let arg = arg.clone().help_heading(heading);
                command = command.arg(match arg.get_id().as_str() {
                    // Auth's flag has the name of the one that `up` itself has.
                    "listen" => out_of_sight(arg.long("auth-listen")),
                    id if DECIDED_HERE.contains(&id) => out_of_sight(arg),
                    _ => arg,
                });
            }
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Keeps the setting, since its service reads it, but takes no value from the environment.
fn out_of_sight(arg: Arg) -> Arg {
    arg.env(Resettable::Reset).hide(true)
}
