//! What a server has acknowledged is there after `kill -9`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use testbed::{Kind, MailSecurity, Server, or_skip};

use crate::answers::host_and_port;

/// Sends one mail by plain SMTP; every answer must be the expected one.
fn send_mail(url: &str) {
    let mut server = TcpStream::connect(host_and_port(url)).expect("it listens");
    let mut answers = BufReader::new(server.try_clone().expect("a second handle"));
    let mut expect = |code: &str| {
        let mut line = String::new();
        answers.read_line(&mut line).expect("an answer");
        assert!(line.starts_with(code), "{line}");
    };
    expect("220");
    for (command, code) in [
        ("HELO test", "250"),
        ("MAIL FROM:<a@example.org>", "250"),
        ("RCPT TO:<b@example.org>", "250"),
        ("DATA", "354"),
        ("Subject: kept\r\n\r\n.", "250"),
    ] {
        server.write_all(format!("{command}\r\n").as_bytes()).expect("it reads");
        expect(code);
    }
}

fn get(api_url: &str, path: &str) -> String {
    let mut server = TcpStream::connect(host_and_port(api_url)).expect("it listens");
    write!(server, "GET {path} HTTP/1.0\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    server.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_mail_is_kept_over_kill_9() {
    let Some(server) = or_skip(Server::start(Kind::Mail)) else { return };
    send_mail(server.url());

    server.kill();
    server.restart();

    let messages = get(server.api_url().expect("an API"), "/api/v1/messages");
    assert!(messages.contains("\"Subject\":\"kept\""), "{messages}");
}

#[test]
fn a_mail_server_with_tls_names_its_security_and_keeps_its_certificate() {
    for (security, start, end) in
        [(MailSecurity::Starttls, "smtp://tapedeck:", "?tls=required"), (MailSecurity::Tls, "smtps://tapedeck:", "")]
    {
        let Some(server) = or_skip(Server::start_mail(security)) else { return };
        let certificate = std::fs::read_to_string(server.ca_pem()).expect("a certificate");

        server.restart();

        assert!(server.url().starts_with(start) && server.url().ends_with(end), "{}", server.url());
        assert_eq!(std::fs::read_to_string(server.ca_pem()).expect("a certificate"), certificate);
        // The restarted server asks for the same security.
        let mut connection = TcpStream::connect(host_and_port(server.url())).expect("it listens");
        if security == MailSecurity::Starttls {
            connection.write_all(b"HELO test\r\nMAIL FROM:<a@example.org>\r\nQUIT\r\n").expect("it reads");
        } else {
            connection.write_all(b"not TLS\r\n\r\n").expect("it reads");
        }
        let mut said = vec![];
        let _ = connection.read_to_end(&mut said); // a reset also ends it
        let said = String::from_utf8_lossy(&said);
        assert!(security == MailSecurity::Tls || said.contains("530 "), "it takes mail without TLS: {said}");
        assert!(security == MailSecurity::Starttls || !said.contains("220 "), "it greets without TLS: {said}");
    }
}

/// Runs one statement by the command-line client that comes with the server.
fn sql(url: &str, statement: &str) -> String {
    let (login, rest) = url.trim_start_matches("mysql://").split_once('@').expect("a login");
    let (user, password) = login.split_once(':').expect("a password");
    let (address, database) = rest.split_once('/').expect("a database");
    let (host, port) = address.split_once(':').expect("a port");
    let output = Command::new("mysql")
        .args(["--no-defaults", "--protocol=tcp", "--batch", "--skip-column-names", "--host", host, "--port", port])
        .args(["--user", user, "--execute", statement, database])
        .env("MYSQL_PWD", password)
        .output()
        .expect("a client");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

#[test]
fn a_row_is_kept_over_kill_9_and_the_user_may_create_databases() {
    let Some(server) = or_skip(Server::start(Kind::Mysql)) else { return };
    let database = testbed::unique("kept");
    sql(
        server.url(),
        &format!("CREATE DATABASE {database}; CREATE TABLE {database}.t (v INT); INSERT INTO {database}.t VALUES (7)"),
    );

    server.kill();
    server.restart();

    assert_eq!(sql(server.url(), &format!("SELECT v FROM {database}.t")), "7");
}
