//! What the store asks for, and the indexes that answer it. They are plain: neither partial nor sparse, and documents
//! end by the sweeper, not by a time-to-live, since their blobs have to go first.

use mongodb::bson::{Document, doc};

use crate::{
    conversion::{Owner, Timestamp},
    store::{Cursor, Due},
};

/// The keys of each index on conversions.
pub(super) fn indexes() -> [Document; 6] {
    [
        doc! { "owner": 1, "created_at": -1, "_id": -1 },
        doc! { "state": 1, "lease.until": 1 },
        doc! { "state": 1, "expires_at": 1 },
        doc! { "notify.state": 1, "notify.at": 1 },
        doc! { "state": 1, "dispatch.state": 1, "dispatch.at": 1 },
        doc! { "garbage.blob_id": 1 },
    ]
}

/// Filter and order of an owner's page.
pub(super) fn page(owner: &Owner, after: Option<Cursor>) -> (Document, Document) {
    let mut filter = doc! { "owner": &owner.0, "state": { "$ne": "deleted" } };
    if let Some(Cursor { created_at, id }) = after {
        let created_at = ms(created_at);
        let behind = [
            doc! { "created_at": { "$lt": created_at } },
            doc! { "created_at": created_at, "_id": { "$lt": id.to_string() } },
        ];
        filter.insert("$or", behind.to_vec());
    }
    (filter, doc! { "created_at": -1, "_id": -1 })
}

/// Filter of the conversions of some owners who were removed.
pub(super) fn owned_by(owners: Vec<String>) -> Document {
    doc! { "owner": { "$in": owners }, "state": { "$ne": "deleted" } }
}

/// Filter of those of some conversions that have not ended.
pub(super) fn open_among(ids: Vec<String>) -> Document {
    doc! { "_id": { "$in": ids }, "state": { "$in": ["queued", "running"] } }
}

/// Filter and order of one kind of work; `None` where the conversions alone do not tell.
pub(super) fn due(due: Due) -> Option<(Document, Document)> {
    Some(match due {
        Due::DeadLease { now } => {
            (doc! { "state": "running", "lease.until": { "$lte": ms(now) } }, doc! { "lease.until": 1 })
        }
        Due::Garbage { swept_before } => {
            // The first condition is for the index, where documents without garbage have no text. An instant that is
            // not there is "not at or after", too.
            let waits = doc! { "swept_at": { "$not": { "$gte": ms(swept_before) } } };
            (doc! { "garbage.blob_id": { "$gt": "" }, "garbage": { "$elemMatch": waits } }, doc! {})
        }
        Due::Announcement { published_before } => {
            let kinds = [
                doc! { "notify.state": "pending" },
                doc! { "notify.state": "published", "notify.at": { "$lt": ms(published_before) } },
            ];
            (doc! { "$or": kinds.to_vec() }, doc! { "notify.at": 1 })
        }
        Due::Dispatch { now, published_before } => {
            let waits = |state, at| doc! { "state": "queued", "dispatch.state": state, "dispatch.at": at };
            let kinds =
                [waits("pending", doc! { "$lte": ms(now) }), waits("published", doc! { "$lt": ms(published_before) })];
            (doc! { "$or": kinds.to_vec() }, doc! { "dispatch.at": 1 })
        }
        Due::Overdue { now } => (doc! { "state": "queued", "dispatch.deadline": { "$lte": ms(now) } }, doc! {}),
        Due::Expiry { now } => (
            doc! { "state": { "$in": ["done", "failed"] }, "expires_at": { "$lte": ms(now) } },
            doc! { "expires_at": 1 },
        ),
        Due::Removal { now } => (
            doc! { "state": "deleted", "garbage": { "$size": 0 }, "expires_at": { "$lte": ms(now) } },
            doc! { "expires_at": 1 },
        ),
        Due::DeadMail => (doc! { "notify.state": "dead" }, doc! { "notify.at": 1 }),
        Due::Forgotten => return None,
    })
}

/// The stages that count what is queued; the answer is one document, or none where nothing is.
pub(super) fn queue_load(owner: &Owner) -> [Document; 2] {
    let is_owners = doc! { "$cond": [{ "$eq": ["$owner", &owner.0] }, 1, 0] };
    [
        doc! { "$match": { "state": "queued" } },
        doc! { "$group": {
            "_id": null,
            "conversions": { "$sum": 1 },
            "bytes": { "$sum": "$video.bytes" },
            "of_owner": { "$sum": is_owners },
        } },
    ]
}

/// BSON's integers are signed; an instant in milliseconds fits for 292 million years.
fn ms(instant: Timestamp) -> i64 {
    i64::try_from(instant.0).unwrap_or(i64::MAX)
}
