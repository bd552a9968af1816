//! The mail about a committed mp3.

use crate::conversion::{Attempt, Conversion, DeliveryClaim, Notify, NotifyState, Timestamp};

impl Notify {
    /// A mail that is to go out.
    pub(super) fn new(at: Timestamp) -> Self {
        Self { state: NotifyState::Pending, attempts: 0, claim: None, at }
    }

    /// Whether the mail still has to go out.
    pub fn is_open(&self) -> bool {
        matches!(self.state, NotifyState::Pending | NotifyState::Published)
    }

    /// Whether a notifier is sending it.
    pub fn is_claimed(&self, now: Timestamp) -> bool {
        self.claim.is_some_and(|claim| claim.until > now)
    }
}

pub(super) fn published(document: &mut Conversion, at: Timestamp) -> bool {
    let Some(notify) = document.notify.as_mut().filter(|notify| notify.is_open()) else { return false };
    (notify.state, notify.at) = (NotifyState::Published, at);
    true
}

pub(super) fn claim(document: &mut Conversion, claim: DeliveryClaim, at: Timestamp) -> bool {
    let is_free = |notify: &&mut Notify| notify.is_open() && !notify.is_claimed(at);
    let Some(notify) = document.notify.as_mut().filter(is_free) else { return false };
    notify.claim = Some(claim);
    true
}

/// Ends one sending: only its own claim counts, and a later state is never overwritten.
pub(super) fn settle(document: &mut Conversion, token: Attempt, at: Timestamp, over: Option<NotifyState>) -> bool {
    let Some(notify) = &mut document.notify else { return false };
    if !notify.is_open() || notify.claim.map(|claim| claim.token) != Some(token) {
        return false;
    }
    notify.claim = None;
    notify.at = at;
    notify.attempts += u32::from(over != Some(NotifyState::Delivered));
    notify.state = over.unwrap_or(notify.state);
    true
}

pub(super) fn send_again(document: &mut Conversion, at: Timestamp) -> bool {
    let is_dead = |notify: &&mut Notify| notify.state == NotifyState::Dead;
    let Some(notify) = document.notify.as_mut().filter(is_dead) else { return false };
    *notify = Notify::new(at);
    true
}
