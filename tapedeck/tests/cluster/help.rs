//! What the programs say about their settings where these are set.

use std::process::Command;

use crate::process::program;

/// Settings whose value may hold a password.
const WITH_PASSWORDS: [&str; 4] = ["BROKER_URL", "MAIL_URL", "STORE_URL", "USERS_URL"];
/// Each program's commands that have settings.
const HELPS: [(&str, &[&str]); 9] = [
    ("auth", &["--help"]),
    ("auth", &["migrate", "--help"]),
    ("auth", &["user", "add", "--help"]),
    ("converter", &["--help"]),
    ("converter", &["transcode", "--help"]),
    ("gateway", &["--help"]),
    ("notifier", &["--help"]),
    ("tapedeck", &["--help"]),
    ("tapedeck", &["up", "--help"]),
];

#[test]
fn help_tells_no_password_of_the_environment() {
    let mut all = String::new();
    for (name, arguments) in HELPS {
        let secrets = WITH_PASSWORDS.map(|setting| (setting, "scheme://me:s3cret@host"));
        let more = [("TAPEDECK_ADMIN_PASSWORD", "s3cret"), ("TAPEDECK_PASSWORD", "s3cret")];
        let mut command = Command::new(program(name));
        command.args(arguments).env_clear().envs(secrets).envs(more);
        let output = command.output().expect("the program starts");

        let help = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && !help.is_empty(), "{name} {arguments:?}: {output:?}");
        assert!(!help.contains("s3cret"), "{name} {arguments:?}: {help}");
        all += &help;
    }
    for setting in WITH_PASSWORDS {
        assert!(all.contains(&format!("[env: {setting}]")), "no program has the setting {setting}");
    }
}
