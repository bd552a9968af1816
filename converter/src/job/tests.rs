//! What happens where the store fails: before a write, or after it, so that only the answer is lost.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{commit, sink::Sink};
use crate::{
    App, admission,
    client::{Reserve, Reserved},
    control::{Completeness, Decoder},
    conversion::{Attempt, BlobId, Conversion, ConversionId, Lease, Mp3, Owner, State, Timestamp},
    error::Error,
    event::Broker,
    lease::HeldLease,
    options::Options,
    permits::Held,
    store::{
        Change, Flow, Store,
        faulty::{FOR_EVER, Fault, Faulty, Op, Rule},
    },
};

const MP3: &[u8] = b"not an mp3, but as good as one here";

/// A converter without its server, over a store that fails on demand.
struct Rig {
    app: Arc<App>,
    faulty: Faulty,
    _folder: TempDir,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("file:{}", folder.path().join("store").display());
        let Store::Embedded(embedded) = Store::open(&url, "test").await.expect("a store") else {
            panic!("not the embedded store")
        };
        let faulty = Faulty::new(embedded);
        let app = App::alone(Store::Faulty(faulty.clone()), Broker::memory(), folder.path());
        Self { app: Arc::new(app), faulty, _folder: folder }
    }

    /// A running conversion whose blob is stored.
    async fn claimed(&self) -> Conversion {
        let reserved = admission::reserve(&self.app, request()).await.expect("reserved");
        let held = self.held(&reserved);
        let mut blob = self.app.store.create_blob(held.conversion.attempt.mp3()).await.expect("a blob");
        blob.write(Bytes::from_static(MP3)).await.expect("written");
        blob.finish(None).await.expect("finished");
        held.conversion
    }

    fn held(&self, reserved: &Reserved) -> Held {
        let Reserved::Permit { id, attempt } = reserved else { panic!("no permit: {reserved:?}") };
        self.app.permits.take_held(*id, *attempt).expect("a held permit")
    }

    async fn commit(&self, conversion: &Conversion, faults: Vec<Rule>) -> Result<Conversion, Error> {
        let lease = HeldLease::new(&self.app.store, &self.app.holder, conversion);
        self.faulty.fail(faults);
        let result = commit::commit(&self.app, conversion, &lease, mp3(conversion.attempt.mp3())).await;
        self.faulty.fail(vec![]);
        result
    }

    async fn document(&self, id: ConversionId) -> Conversion {
        self.app.store.get(id).await.expect("an answer").expect("a document")
    }

    /// The whole blob, or `None` where there is none.
    async fn blob(&self, id: BlobId, bytes: usize) -> Option<Vec<u8>> {
        let pieces = self.app.store.read_blob(id, 0..=bytes as u64 - 1).await.ok()?;
        Some(pieces.try_collect::<Vec<_>>().await.expect("a whole blob").concat())
    }
}

fn request() -> Reserve {
    Reserve {
        owner: Owner("u1".into()),
        email: "u1@example.org".into(),
        filename: "a.mp4".into(),
        options: Options::default(),
        idempotency_key: Some("k".into()),
        fingerprint: "f".into(),
        attempt: Attempt::random(),
        instead_of: vec![],
        deadline_ms: 60_000,
    }
}

fn mp3(blob_id: BlobId) -> Mp3 {
    Mp3 {
        blob_id,
        bytes: MP3.len() as u64,
        duration_ms: 1000,
        sha256: chassis::hex::encode(&Sha256::digest(MP3)),
        sample_rate: 44_100,
        channels: 2,
        completeness: Completeness::Complete,
        decoder: Decoder::Symphonia,
        source: "mp4/aac".into(),
    }
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_counts() {
    let rig = Rig::new().await;
    let conversion = rig.claimed().await;
    rig.commit(&conversion, vec![(Op::Update, 1..=1, Fault::After)]).await.expect("committed");
    let found = rig.document(conversion.id).await;
    assert_eq!((found.state, found.garbage), (State::Done, vec![]));
    assert_eq!(rig.blob(conversion.attempt.mp3(), MP3.len()).await.as_deref(), Some(MP3));
}

#[tokio::test]
async fn a_commit_that_did_not_happen_is_fenced_and_may_be_tried_again() {
    let rig = Rig::new().await;
    let conversion = rig.claimed().await;
    let failed = rig.commit(&conversion, vec![(Op::Update, 1..=1, Fault::Before)]).await.expect_err("not committed");
    assert_eq!((failed.problem().status, &*failed.problem().kind), (503, "/problems/unavailable"));
    let found = rig.document(conversion.id).await;
    assert_eq!(found.state, State::Failed);
    assert!(found.failure.is_some_and(|failure| failure.retryable));
    assert_eq!(found.garbage.iter().map(|entry| entry.blob_id).collect::<Vec<_>>(), [conversion.attempt.mp3()]);
}

/// Takes as long as the fate of a commit is looked for.
#[tokio::test]
async fn a_store_that_stays_away_leaves_the_outcome_open_and_the_blob_alone() {
    let rig = Rig::new().await;
    let conversion = rig.claimed().await;
    let away = vec![
        (Op::Update, 1..=1, Fault::After),
        (Op::Update, FOR_EVER, Fault::Before),
        (Op::Get, FOR_EVER, Fault::Before),
    ];
    let open = rig.commit(&conversion, away).await.expect_err("nothing is known");
    assert!(matches!(open, Error::OutcomeUnknown(id) if id == conversion.id), "{open:?}");
    assert_eq!(rig.document(conversion.id).await.state, State::Done);
    assert_eq!(rig.blob(conversion.attempt.mp3(), MP3.len()).await.as_deref(), Some(MP3));
}

#[tokio::test]
async fn another_attempt_fences_a_commit_also_where_the_answer_is_lost() {
    for faults in [vec![], vec![(Op::Update, 1..=1, Fault::Before)]] {
        let rig = Rig::new().await;
        let conversion = rig.claimed().await;
        let lease = Lease { holder: "other".into(), until: Timestamp::now().plus(Duration::from_secs(15)) };
        let lease_until = conversion.lease.as_ref().map(|lease| lease.until);
        let take_over = Change::TakeOver { attempt: Attempt::random(), flow: Flow::Blocking, lease, lease_until };
        assert!(rig.app.store.update(conversion.seen(), take_over).await.expect("an answer"));
        let before = rig.document(conversion.id).await;
        let fenced = rig.commit(&conversion, faults).await;
        assert!(matches!(fenced, Err(Error::Fenced)), "{fenced:?}");
        assert_eq!(rig.blob(conversion.attempt.mp3(), MP3.len()).await, None);
        assert_eq!(rig.document(conversion.id).await, before);
    }
}

#[tokio::test]
async fn a_claim_whose_answer_is_lost_keeps_its_permit() {
    let rig = Rig::new().await;
    rig.faulty.fail(vec![(Op::Insert, 1..=1, Fault::After)]);
    let reserved = admission::reserve(&rig.app, request()).await.expect("reserved");
    let held = rig.held(&reserved);
    assert_eq!(rig.document(held.conversion.id).await, held.conversion);
}

#[tokio::test]
async fn a_claim_that_did_not_happen_leaves_the_key_to_a_fresh_attempt() {
    let rig = Rig::new().await;
    rig.faulty.fail(vec![(Op::Insert, 1..=1, Fault::Before)]);
    let lost = admission::reserve(&rig.app, request()).await.expect_err("not claimed");
    assert_eq!(lost.problem().status, 503);
    let reserved = admission::reserve(&rig.app, request()).await.expect("reserved");
    assert_eq!(rig.held(&reserved).conversion.attempts, 1);
}

#[tokio::test]
async fn a_blob_that_fails_is_stored_again_from_the_copy() {
    let whole = [b"HEAD", &MP3[4..]].concat();
    for (op, fault) in [
        (Op::CreateBlob, Fault::Before),
        (Op::CreateBlob, Fault::After),
        (Op::Write, Fault::Before),
        (Op::Write, Fault::After),
        (Op::Finish, Fault::Before),
        (Op::Finish, Fault::After),
    ] {
        let rig = Rig::new().await;
        let id = Attempt::random().mp3();
        rig.faulty.fail(vec![(op, 1..=2, fault)]);
        let sink = Sink::open(&rig.app, id, 1024).await.expect("a sink").fill(MP3).await.expect("filled");
        let sha256 = sink.finish(&rig.app, Some((0, Bytes::from_static(b"HEAD")))).await.expect("stored");
        assert_eq!(sha256, chassis::hex::encode(&Sha256::digest(&whole)), "{op:?} {fault:?}");
        assert_eq!(rig.blob(id, whole.len()).await.as_ref(), Some(&whole), "{op:?} {fault:?}");
    }
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_is_given_up_before_it_ends() {
    let rig = Rig::new().await;
    let mut conversion = rig.claimed().await;
    let until = Timestamp::now().plus(Duration::from_secs(2));
    conversion.lease = Some(Lease { holder: "test".into(), until });
    let lease = HeldLease::new(&rig.app.store, &rig.app.holder, &conversion);
    rig.faulty.fail(vec![(Op::Update, FOR_EVER, Fault::Before)]);
    assert!(matches!(Error::from(lease.keep().await), Error::Unavailable(_)));
    assert!(lease.is_valid().await);
}
