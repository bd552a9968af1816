//! The program where its settings are wrong.

use std::{io::ErrorKind, net::TcpListener, process::Command};

#[test]
fn a_notifier_that_cannot_run_says_why_and_never_connects() {
    let broker = TcpListener::bind("127.0.0.1:0").expect("a free port");
    broker.set_nonblocking(true).expect("a socket");
    let address = broker.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = format!("file:{}", folder.path().join("store").display());
    let mail = format!("file:{}", folder.path().join("mail").display());
    let taken = address.to_string();
    for (wrong, value, said) in [
        ("MAIL_URL", "mail.example:587", "MAIL_URL"),
        ("PUBLIC_URL", "tapedeck.example", "PUBLIC_URL"),
        ("NOTIFIER_LISTEN", &taken, &taken),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_notifier"));
        command
            .env_clear()
            .env("STORE_URL", &store)
            .env("BROKER_URL", format!("amqp://{address}"))
            .env("MAIL_URL", &mail)
            .env("PUBLIC_URL", "http://tapedeck.example")
            .env("NOTIFIER_LISTEN", "127.0.0.1:0")
            .env(wrong, value);
        let output = command.output().expect("the program starts");

        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{log}");
        assert!(log.contains(said) && !log.contains("panicked"), "{log}");
        let connected = broker.accept().map(drop).map_err(|cause| cause.kind());
        assert_eq!(connected, Err(ErrorKind::WouldBlock), "{wrong}");
    }
}
