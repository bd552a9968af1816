//! How much of one kind a single user has going on at this gateway: uploads and downloads in flight, long polls that wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use converter::conversion::Owner;

/// Counts by user; users without anything take no room.
#[derive(Debug, Clone)]
pub(crate) struct PerUser {
    counts: Arc<Mutex<HashMap<Owner, usize>>>,
    max: usize,
}

/// One thing of one user, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    counts: Arc<Mutex<HashMap<Owner, usize>>>,
    owner: Owner,
}

impl PerUser {
    pub(crate) fn new(max: usize) -> Self {
        Self { counts: Arc::default(), max }
    }

    /// `None` where the user has as many as are allowed.
    pub(crate) fn take(&self, owner: &Owner) -> Option<Slot> {
        let mut counts = lock(&self.counts);
        if counts.get(owner).copied().unwrap_or(0) >= self.max {
            return None;
        }
        *counts.entry(owner.clone()).or_default() += 1;
        Some(Slot { counts: Arc::clone(&self.counts), owner: owner.clone() })
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
        assert!(slots.take(&alice).is_none());
        let other = slots.take(&bob).expect("another user's first");
        drop((held, other));
        assert!(lock(&slots.counts).is_empty());
        assert!(PerUser::new(0).take(&alice).is_none());
        slots.take(&alice).expect("free again");
    }
}
