//! How many uploads of one user are in flight at this gateway.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use converter::conversion::Owner;

use crate::error::Error;

/// Counts uploads by user; users without one take no room.
#[derive(Debug, Clone)]
pub(crate) struct PerUser {
    counts: Arc<Mutex<HashMap<Owner, usize>>>,
    max: usize,
}

/// One upload of one user, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    counts: Arc<Mutex<HashMap<Owner, usize>>>,
    owner: Owner,
}

impl PerUser {
    pub(crate) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    pub(super) fn take(&self, owner: &Owner) -> Result<Slot, Error> {
        let mut counts = lock(&self.counts);
        let count = counts.entry(owner.clone()).or_default();
        if *count >= self.max {
            return Err(Error::TooManyUploads(self.max));
        }
        *count += 1;
        Ok(Slot { counts: Arc::clone(&self.counts), owner: owner.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        if let Some(count) = counts.get_mut(&self.owner) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.owner);
            }
        }
    }
}

fn lock(counts: &Mutex<HashMap<Owner, usize>>) -> MutexGuard<'_, HashMap<Owner, usize>> {
    // No code panics while it holds the counts, so what a poisoned lock guards is whole.
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_comes_back_and_users_do_not_share() {
        let (alice, bob) = (Owner("a".into()), Owner("b".into()));
        let slots = PerUser::new(1);
        let held = slots.take(&alice).expect("the first");
        assert!(matches!(slots.take(&alice), Err(Error::TooManyUploads(1))));
        let other = slots.take(&bob).expect("another user's first");
        drop((held, other));
        assert!(lock(&slots.counts).is_empty());
        slots.take(&alice).expect("free again");
    }
}
