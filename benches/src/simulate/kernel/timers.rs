//! Events to come, in the order of their time; those of one time in the order in which they were set.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{NEVER, Nanos};

/// A binary heap of events. None is ever taken back: who sets one that may be void puts a mark into it.
#[derive(Debug)]
pub(in crate::simulate) struct Timers<E> {
    heap: BinaryHeap<Reverse<Timer<E>>>,
    count: u64,
}

#[derive(Debug)]
struct Timer<E> {
    at: Nanos,
    count: u64,
    event: E,
}

impl<E> Timers<E> {
    pub(in crate::simulate) fn new() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }

    pub(in crate::simulate) fn set(&mut self, at: Nanos, event: E) {
        self.count += 1;
        self.heap.push(Reverse(Timer { at, count: self.count, event }));
    }

    /// When the next event is; [`NEVER`] where there is none.
    pub(in crate::simulate) fn next_at(&self) -> Nanos {
        self.heap.peek().map_or(NEVER, |timer| timer.0.at)
    }

    pub(in crate::simulate) fn pop(&mut self) -> Option<E> {
        self.heap.pop().map(|timer| timer.0.event)
    }
}

impl<E> Timer<E> {
    fn key(&self) -> (Nanos, u64) {
        (self.at, self.count)
    }
}

impl<E> PartialEq for Timer<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Timer<E> {}

impl<E> PartialOrd for Timer<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Timer<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
