//! Conversion documents as BSON: the JSON of [`Conversion`] with `_id` for `id`, and a counter of updates.

use mongodb::bson::{Bson, Document, deserialize_from_document, doc, error::Error, serialize_to_document};

use crate::conversion::Conversion;

/// The primary key; `id` in a [`Conversion`].
pub(super) const ID: &str = "_id";
/// Counts updates. Matched by each, so that one that came between is seen and not overwritten.
const REVISION: &str = "revision";

/// A document that was not there before.
pub(super) fn first(conversion: &Conversion) -> Result<Document, Error> {
    let mut document = encode(conversion)?;
    document.insert(REVISION, 0_i64);
    Ok(document)
}

fn encode(conversion: &Conversion) -> Result<Document, Error> {
    let mut document = serialize_to_document(conversion)?;
    if let Some(id) = document.remove("id") {
        document.insert(ID, id);
    }
    Ok(document)
}

/// The conversion that a document holds; fields of a newer version are left out.
pub(super) fn decode(mut document: Document) -> Result<Conversion, Error> {
    if let Some(id) = document.remove(ID) {
        document.insert("id", id);
    }
    deserialize_from_document(document)
}

/// Matches a document exactly as it was read.
pub(super) fn as_read(document: &Document) -> Document {
    let field = |name: &str| (name.to_owned(), document.get(name).cloned().unwrap_or(Bson::Null));
    [ID, "attempt", "state", REVISION].into_iter().map(field).collect()
}

/// The update that leads from one version of a conversion to the next. It names only the fields that differ: what a
/// newer version of the program keeps beside them stays.
pub(super) fn difference(before: &Conversion, after: &Conversion) -> Result<Document, Error> {
    let (before, after) = (encode(before)?, encode(after)?);
    let unset: Document =
        before.keys().filter(|name| !after.contains_key(name)).map(|name| (name.clone(), Bson::from(""))).collect();
    let set: Document = after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect();
    let mut update = doc! { "$inc": { REVISION: 1_i64 } };
    // An operator without fields is an error on older servers.
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    Ok(update)
}
