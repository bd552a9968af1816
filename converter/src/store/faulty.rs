//! A store for tests that fails by a script: it answers an error before or after it did what it was asked.

use std::{
    collections::HashMap,
    ops::{Deref, RangeInclusive},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{Change, Due, Embedded, Error, Seen, embedded};
use crate::conversion::{BlobId, Conversion, ConversionId};

/// What can fail; everything else goes straight to the store behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Insert,
    Get,
    Update,
    Due,
    CreateBlob,
    Write,
    Finish,
}

/// When a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing was done.
    Before,
    /// It was done, and its answer is lost.
    After,
    /// It is done, after a wait.
    Slow(Duration),
}

/// Calls of one kind that fail, counted from 1 since the script was set.
pub(crate) type Rule = (Op, RangeInclusive<u32>, Fault);

/// The calls of a rule that fails for ever.
pub(crate) const FOR_EVER: RangeInclusive<u32> = 1..=u32::MAX;

/// See [`super::Store::Faulty`].
#[derive(Debug, Clone)]
pub struct Faulty {
    store: Embedded,
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    rules: Vec<Rule>,
    calls: HashMap<Op, u32>,
}

/// What is not scripted is the store's own.
impl Deref for Faulty {
    type Target = Embedded;

    fn deref(&self) -> &Embedded {
        &self.store
    }
}

impl Faulty {
    /// A store without faults.
    pub(crate) fn new(store: Embedded) -> Self {
        Self { store, script: Arc::default() }
    }

    /// Sets the faults, and counts calls from now on.
    pub(crate) fn fail(&self, rules: Vec<Rule>) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = Script { rules, calls: HashMap::new() };
    }

    fn next(&self, op: Op) -> Option<Fault> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let call = *script.calls.entry(op).and_modify(|calls| *calls += 1).or_insert(1);
        script.rules.iter().find(|(of, calls, _)| *of == op && calls.contains(&call)).map(|(_, _, fault)| *fault)
    }

    async fn run<T>(&self, op: Op, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let lost = || Error::unavailable(anyhow::anyhow!("a fault of {op:?}"));
        match self.next(op) {
            None => work.await,
            Some(Fault::Before) => Err(lost()),
            Some(Fault::After) => work.await.and_then(|_| Err(lost())),
            Some(Fault::Slow(wait)) => {
                tokio::time::sleep(wait).await;
                work.await
            }
        }
    }

    pub(super) async fn insert(&self, conversion: Conversion) -> Result<bool, Error> {
        self.run(Op::Insert, self.store.insert(conversion)).await
    }

    pub(super) async fn get(&self, id: ConversionId) -> Result<Option<Conversion>, Error> {
        self.run(Op::Get, self.store.get(id)).await
    }

    pub(super) async fn update(&self, seen: Seen, change: Change) -> Result<bool, Error> {
        self.run(Op::Update, self.store.update(seen, change)).await
    }

    pub(super) async fn due(&self, due: Due, limit: usize) -> Result<Vec<Conversion>, Error> {
        self.run(Op::Due, self.store.due(due, limit)).await
    }

    pub(super) async fn create_blob(&self, id: BlobId) -> Result<BlobWriter, Error> {
        let writer = self.run(Op::CreateBlob, self.store.create_blob(id)).await?;
        Ok(BlobWriter { writer, faulty: self.clone() })
    }
}

/// A blob whose pieces and end fail by the store's script.
#[derive(Debug)]
pub struct BlobWriter {
    writer: embedded::BlobWriter,
    faulty: Faulty,
}

impl BlobWriter {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.faulty.run(Op::Write, self.writer.write(bytes)).await
    }

    pub(super) async fn finish(self, head: Option<(u64, Bytes)>) -> Result<(), Error> {
        self.faulty.run(Op::Finish, self.writer.finish(head)).await
    }
}
