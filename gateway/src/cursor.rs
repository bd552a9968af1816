//! Where a page of a list goes on, as text: the last conversion's instant and id.

use converter::{
    conversion::{Conversion, Timestamp},
    store::Cursor,
};

/// Text for `?cursor=`.
pub(crate) fn encode(last: &Conversion) -> String {
    format!("{}-{}", last.created_at.0, last.id)
}

/// Reads it back; `None` where it is not ours.
pub(crate) fn decode(text: &str) -> Option<Cursor> {
    let (created_at, id) = text.split_once('-')?;
    Some(Cursor { created_at: Timestamp(created_at.parse().ok()?), id: id.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_nothing_else_is() {
        let id = "00112233445566778899aabbccddeeff";
        let cursor = decode(&format!("17-{id}")).expect("well-formed");
        assert_eq!((cursor.created_at, cursor.id.to_string().as_str()), (Timestamp(17), id));
        for bad in ["", "17", "17-", "-00", "x-00112233445566778899aabbccddeeff", "17-0011"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
