//! One connection to the server, which ends for certain.

use std::{
    io,
    net::{Shutdown, TcpStream},
    os::fd::AsFd as _,
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use lapin::{AsyncTcpStream, Connection, ConnectionProperties, runtime, tcp::OwnedTLSConfig, uri::AMQPScheme};
use tokio::time::timeout;

use super::address::Address;

/// Longest wait for TCP, TLS, the login and the topology together; a busy server takes its time for the last.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Longest wait for a good-bye.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A second handle on a connection's socket, which ends the connection when it is dropped.
///
/// lapin runs each connection on a thread of its own, and waits there without limit for a server that is silent before
/// the first heartbeat. So whoever gives a connection up must end its socket, or the thread stays.
#[derive(Debug)]
pub(super) struct Socket(Arc<OnceLock<TcpStream>>);

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            let _ = socket.shutdown(Shutdown::Both); // what is closed already is what is wanted
        }
    }
}

/// Connects; whoever calls sets the limit. `role` is what the server's operator reads beside the connection.
pub(super) async fn connect(address: &Address, role: &str) -> lapin::Result<(Connection, Socket)> {
    let socket = Socket(Arc::default());
    let handle = Arc::downgrade(&socket.0);
    let properties = ConnectionProperties::default().with_connection_name(format!("tapedeck {role}").into());
    // Without retries of lapin's own: the link makes them.
    let connection = Connection::connector(
        address.uri(),
        runtime::default_runtime()?,
        async move |uri, runtime| {
            let opening = async {
                let target = runtime.to_socket_addrs((uri.authority.host.clone(), uri.authority.port));
                let stream = AsyncTcpStream::connect(&runtime, target).await?;
                if let AsyncTcpStream::Plain(plain) = &stream {
                    keep(&handle, plain.get_ref().as_fd().try_clone_to_owned()?.into())?;
                }
                match uri.scheme {
                    AMQPScheme::AMQP => Ok(stream),
                    AMQPScheme::AMQPS => stream.into_tls(&uri.authority.host, OwnedTLSConfig::default().as_ref()).await,
                }
            };
            // This runs on the connection's thread, which outlives a caller that stopped to wait.
            let opened = timeout(CONNECT_MAX, opening).await;
            Ok(opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut)).flatten()?)
        },
        properties,
    );
    Ok((connection.await?, socket))
}

/// Leaves the socket to the caller of [`connect`]; fails where nobody waits any more.
fn keep(handle: &Weak<OnceLock<TcpStream>>, socket: TcpStream) -> io::Result<()> {
    let handle = handle.upgrade().ok_or(io::ErrorKind::ConnectionAborted)?;
    // There is one try in the life of a handle, so it is empty.
    let _ = handle.set(socket);
    Ok(())
}

/// Says good-bye, so that the server's log shows no broken connection, and ends the socket.
pub(super) async fn close(connection: &Connection, socket: Socket) {
    let _ = timeout(CLOSE_MAX, connection.close(200, "bye".into())).await;
    drop(socket);
}
