//! What a `ClusterIP` does, imitated: one address, and for each new *connection* a replica at random.
//!
//! That is how kube-proxy's rules choose. What stays on a kept connection stays at its replica, and a replica that joins gets
//! nothing until somebody connects again. A real one rewrites packets in the kernel; this one copies bytes, which costs some
//! CPU time of the machine.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use crate::stats::random::Random;

/// Connections at a time; further ones wait to be accepted. A gateway has one for each request in flight.
const CONNECTIONS_MAX: usize = 1024;

/// A running proxy; it and its connections end with this value.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    backends: Arc<Mutex<Vec<SocketAddr>>>,
    running: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn start(seed: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, backends) = (listener.local_addr()?, Arc::default());
        let running = tokio::spawn(serve(listener, Arc::clone(&backends), Random::seeded(seed)));
        Ok(Self { address, backends, running })
    }

    /// Where new connections go; those that are open stay where they are.
    pub(super) fn set(&self, backends: Vec<SocketAddr>) {
        *self.backends.lock().unwrap_or_else(PoisonError::into_inner) = backends;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn serve(listener: TcpListener, backends: Arc<Mutex<Vec<SocketAddr>>>, mut random: Random) {
    let mut connections = JoinSet::new();
    loop {
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
            continue;
        }
        tokio::select! {
            Some(_) = connections.join_next() => {}
            Ok((client, _)) = listener.accept() => {
                let backend = {
                    let backends = backends.lock().unwrap_or_else(PoisonError::into_inner);
                    (!backends.is_empty()).then(|| backends[random.below(backends.len())])
                };
                // Without a backend the connection is closed at once, where kube-proxy refuses it.
                let Some(backend) = backend else { continue };
                connections.spawn(carry(client, backend));
            }
        }
    }
}

async fn carry(mut client: TcpStream, backend: SocketAddr) {
    let Ok(mut server) = TcpStream::connect(backend).await else { return };
    // Small requests and answers must not wait for more bytes (Nagle), as they would not on the way past a real ClusterIP.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers each byte with its own name.
    async fn backend(name: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    while stream.read_u8().await.is_ok() {
                        stream.write_u8(name).await.expect("a client that reads");
                    }
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> u8 {
        stream.write_u8(b'?').await.expect("a backend");
        stream.read_u8().await.expect("an answer")
    }

    #[tokio::test]
    async fn a_connection_stays_at_its_backend_and_new_ones_are_spread() {
        let proxy = Proxy::start(1).await.expect("a proxy");
        proxy.set(vec![backend(b'a').await, backend(b'b').await]);
        let mut served = [0, 0];
        for _ in 0..40 {
            let mut stream = TcpStream::connect(proxy.address).await.expect("the proxy");
            let first = ask(&mut stream).await;
            for _ in 0..3 {
                assert_eq!(ask(&mut stream).await, first);
            }
            served[usize::from(first - b'a')] += 1;
        }
        assert!(served.iter().all(|count| *count >= 10), "{served:?}");
    }

    #[tokio::test]
    async fn a_new_backend_gets_nothing_of_connections_that_are_open() {
        let proxy = Proxy::start(1).await.expect("a proxy");
        proxy.set(vec![backend(b'a').await]);
        let mut kept = TcpStream::connect(proxy.address).await.expect("the proxy");
        assert_eq!(ask(&mut kept).await, b'a');

        proxy.set(vec![backend(b'b').await]);

        assert_eq!(ask(&mut kept).await, b'a');
        let mut new = TcpStream::connect(proxy.address).await.expect("the proxy");
        assert_eq!(ask(&mut new).await, b'b');
    }

    #[tokio::test]
    async fn without_backends_a_connection_is_closed() {
        let proxy = Proxy::start(1).await.expect("a proxy");
        let mut stream = TcpStream::connect(proxy.address).await.expect("the proxy");
        assert!(stream.read_u8().await.is_err());
    }
}
