//! The only place that writes to the terminal: results to standard output, everything else to standard error.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

/// Text without what would move the cursor or colour the terminal: much of what is shown comes from a server.
fn plain(text: impl Display) -> String {
    text.to_string().chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// One line of a result. A reader that has gone (`tapedeck list | head`) is no error.
pub fn result(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{}", plain(line));
}

/// One line for the person who watches.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", plain(line));
}

/// Whether a person watches, so that bars may move.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Asks for a secret: without echo on a terminal, else the first line of standard input.
pub fn ask_secret(question: &str) -> io::Result<String> {
    let terminal = console::Term::stderr();
    if io::stdin().is_terminal() && terminal.is_term() {
        terminal.write_str(question)?;
        return terminal.read_secure_line();
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
