//! Request ids: `X-Request-Id` in, out, and onward to the next service.

use std::future::Future;

use crate::hex;

/// The header that carries the id.
pub const HEADER: &str = "x-request-id";
/// Longest id taken over from a caller, in bytes.
const ID_BYTES_MAX: usize = 128;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task serves.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs `work` under `id`: problems and calls to other services carry it.
pub async fn scope<F: Future>(id: String, work: F) -> F::Output {
    CURRENT.scope(id, work).await
}

/// The caller's id where it is short and plain (it is written to logs), else a fresh one.
pub fn accept(offered: Option<&str>) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    match offered {
        Some(id) if !id.is_empty() && id.len() <= ID_BYTES_MAX && id.chars().all(plain) => id.to_owned(),
        _ => hex::encode(&hex::random::<16>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_kept_and_anything_else_replaced() {
        assert_eq!(accept(Some("abc-1.2:3_x")), "abc-1.2:3_x");
        for bad in ["", "a b", "a\nb", "é", &"x".repeat(129)] {
            assert_eq!(accept(Some(bad)).len(), 32);
        }
    }
}
