//! Whether the right server answers at an address, by the first bytes of its protocol.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use testbed::Kind;

/// A server that takes a connection but says nothing for so long does not answer.
const SILENCE: Duration = Duration::from_secs(5);

/// Whether a server of this kind answers at the host and port of `url`.
pub(crate) fn answers(kind: Kind, url: &str) -> bool {
    ask(kind, url).unwrap_or(false)
}

fn ask(kind: Kind, url: &str) -> std::io::Result<bool> {
    let mut server = TcpStream::connect(host_and_port(url))?;
    server.set_read_timeout(Some(SILENCE))?;
    match kind {
        // A greeting: length and number in 4 bytes, then protocol version 10.
        Kind::Mysql => Ok(read::<5>(&mut server)?[4] == 10),
        Kind::Mail => Ok(&read::<4>(&mut server)? == b"220 "),
        // The protocol header is answered by a method frame, type 1 (AMQP 0-9-1 §4.2.3).
        Kind::Rabbit => {
            server.write_all(b"AMQP\x00\x00\x09\x01")?;
            Ok(read::<1>(&mut server)? == [1])
        }
        // A ping is answered by OP_MSG, opcode 2013.
        Kind::Mongo => {
            server.write_all(&ping())?;
            Ok(read::<16>(&mut server)?[12..] == 2013_i32.to_le_bytes())
        }
    }
}

/// `OP_MSG` of MongoDB's wire protocol with the document `{ping: 1, $db: "admin"}`.
fn ping() -> Vec<u8> {
    let document = b"\x1e\0\0\0\x10ping\0\x01\0\0\0\x02$db\0\x06\0\0\0admin\0\0";
    let length = i32::try_from(16 + 4 + 1 + document.len()).expect("short");
    let header: Vec<u8> = [length, 1, 0, 2013].iter().flat_map(|field| field.to_le_bytes()).collect();
    [&header[..], &[0; 5], document].concat()
}

fn read<const N: usize>(server: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    server.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// `127.0.0.1:3306` of `mysql://user:password@127.0.0.1:3306/database`.
pub(crate) fn host_and_port(url: &str) -> &str {
    let rest = url.rsplit_once("//").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}
