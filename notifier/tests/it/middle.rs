//! Somebody in the middle, who adds replies of their own where STARTTLS begins.

use converter::conversion::NotifyState;
use testbed::MailSecurity::Starttls;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream, tcp},
};

use crate::{carriers::Target, post::Post};

/// Longest piece that is passed on at once; a reply in plain text comes in one.
const PIECE_BYTES: usize = 4096;
/// Passes for the answer to the `EHLO` that follows TLS. Every later command is then answered by the reply before its own.
const INJECTED: &[u8] = b"250-injected\r\n250 AUTH PLAIN LOGIN\r\n";

#[tokio::test]
async fn replies_from_before_tls_are_never_taken_for_encrypted_ones() {
    let Some(target) = Target::secure(Starttls) else { return };
    let url = target.url();
    let (login, host) = url.rsplit_once('@').expect("a login");
    let host = host.strip_suffix("?tls=required").expect("it wants TLS");
    for tls in ["required", "opportunistic"] {
        for (injected, is_taken) in [(&b""[..], true), (INJECTED, false)] {
            let middle = middle(host.to_owned(), injected).await;
            let url = format!("--mail-url={login}@localhost:{middle}?tls={tls}");
            let post = Post::open_with(&[url, target.ca_flag(), "--delivery-attempts-max=100".to_owned()]).await;
            let id = post.conversion("alice@example.org", "talk.mp4").await;

            post.announce(id).await;

            if is_taken {
                post.wait_for(id, NotifyState::Delivered).await;
            } else {
                post.wait_for_attempts(id, 2).await;
                assert_eq!(post.mail_state(id).await, NotifyState::Pending);
            }
        }
    }
    assert_eq!(target.mails().await.len(), 2, "those without somebody who adds anything");
}

/// The port of somebody who passes everything on to a server, and adds something to its consent to TLS.
async fn middle(server: String, injected: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("localhost:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.expect("the server listens");
            let ((mut from_client, to_client), (from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
            tokio::spawn(answers(from_server, to_client, injected));
        }
    });
    port
}

/// Passes on what the server says: a greeting, an answer to `EHLO`, and the consent, which is the third.
async fn answers(mut server: tcp::OwnedReadHalf, mut client: tcp::OwnedWriteHalf, injected: &[u8]) {
    let mut bytes = [0; PIECE_BYTES];
    for said in 1.. {
        let read = server.read(&mut bytes).await.unwrap_or_default();
        let mut piece = bytes[..read].to_vec();
        if said == 3 {
            assert!(piece.starts_with(b"220 "), "{}", String::from_utf8_lossy(&piece));
            piece.extend_from_slice(injected);
        }
        if read == 0 || client.write_all(&piece).await.is_err() {
            return;
        }
    }
}
