//! The real servers that tapedeck's services talk to, for tests and benches: each on a port of its own, over a folder of its
//! own, and gone after its test, also after a test that was killed. What each stands for is in `README.md`.

mod script;
mod server;
mod shared;
mod skip;

pub use script::Missing;
pub use server::{MailSecurity, Server};
pub use shared::{Shared, shared, shared_or_skip};
pub use skip::{IsMissing, or_skip};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// What can be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `MariaDB`, or MySQL where there is none.
    Mysql,
    /// A replica set of one: `mongod`, or what stands in for it.
    Mongo,
    /// One RabbitMQ node.
    Rabbit,
    /// An SMTP server that keeps every mail and shows it through an HTTP API.
    Mail,
}

impl Kind {
    /// Its script in `servers/`, and the first part of its folder's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mongo => "mongo",
            Self::Rabbit => "rabbit",
            Self::Mail => "mail",
        }
    }
}

/// A name nobody has used on this server: `{prefix}_{32 hex digits}`. Tests that share a server take one each for their
/// database, queue or mail address. Lower case, so it also works where names are case-insensitive; `prefix` may have up to
/// 30 characters where the name has to fit into the 63 of a MongoDB database.
pub fn unique(prefix: &str) -> String {
    static USED: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let number = USED.fetch_add(1, Ordering::Relaxed);
    // The moment tells runs apart, the process those of one moment, the number those of one process.
    format!("{prefix}_{:016x}{:08x}{:08x}", now & u128::from(u64::MAX), std::process::id(), number & 0xffff_ffff)
}
