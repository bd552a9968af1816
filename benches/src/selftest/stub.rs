//! A server whose latencies are known from theory: HTTP/1.1 by hand, one thread, any number of connections.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::model::Model;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/// Serves on a thread of its own until the process ends; answers where.
pub(super) fn start(port: u16) -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || runtime.block_on(accept(listener)));
    Ok(address)
}

async fn accept(listener: std::net::TcpListener) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (started, calls) = (Instant::now(), Arc::new(AtomicU32::new(0)));
    loop {
        let (connection, _) = listener.accept().await?;
        // A client that breaks off is its own affair.
        tokio::spawn(serve(connection, started, Arc::clone(&calls)));
    }
}

async fn serve(connection: TcpStream, started: Instant, calls: Arc<AtomicU32>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut connection = BufReader::new(connection);
    loop {
        let Some((path, length)) = head(&mut connection).await? else { return Ok(()) };
        let came = Instant::now();
        tokio::io::copy(&mut (&mut connection).take(length), &mut tokio::io::sink()).await?;
        let answer = match path.parse::<Model>() {
            Ok(model) => {
                let end = came + model.stay(came - started, calls.fetch_add(1, Ordering::Relaxed));
                tokio::time::sleep_until(early(end)).await;
                OK
            }
            Err(_) => NOT_FOUND,
        };
        connection.write_all(answer).await?;
    }
}

/// The runtime's timer counts in milliseconds and rounds up, and so does the kernel's wait below it: a millisecond less is
/// right on the average.
fn early(end: Instant) -> tokio::time::Instant {
    end.checked_sub(Duration::from_millis(1)).unwrap_or(end).into()
}

/// Path and length of the body; `None` at the end of the connection.
async fn head(connection: &mut BufReader<TcpStream>) -> io::Result<Option<(String, u64)>> {
    let (mut line, mut path, mut length) = (String::new(), None, 0);
    loop {
        line.clear();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        if line.trim_end().is_empty() {
            return Ok(path.map(|path| (path, length)));
        }
        if path.is_none() {
            path = line.split(' ').nth(1).map(ToOwned::to_owned);
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
}
