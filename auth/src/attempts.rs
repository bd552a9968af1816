//! What failed logins cost: two counts, one of a name from an address, one of all names from an address.

use std::{net::IpAddr, time::Duration};

use crate::{
    Error,
    throttle::{Key, Throttle},
};

/// The two counts.
#[derive(Debug)]
pub(crate) struct Attempts {
    by_name: Throttle,
    /// Higher, and against one password that is tried on many names: each name by itself has few failures then.
    by_address: Throttle,
}

/// One try to log in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    name: Key,
    /// `None` where the address is not known: strangers must not share a count.
    address: Option<Key>,
}

impl Attempts {
    pub(crate) fn new(name_failures_max: usize, address_failures_max: usize, window: Duration) -> Self {
        Self {
            by_name: Throttle::new(name_failures_max, window),
            by_address: Throttle::new(address_failures_max, window),
        }
    }

    pub(crate) fn of(&self, username: &str, address: Option<IpAddr>) -> Attempt {
        Attempt {
            name: self.by_name.key(username, address),
            address: address.map(|address| self.by_address.key("", Some(address))),
        }
    }

    /// Refuses where either count is full; says how long.
    pub(crate) fn check(&self, attempt: Attempt) -> Result<(), Error> {
        self.by_name.check(attempt.name)?;
        attempt.address.map_or(Ok(()), |address| self.by_address.check(address))
    }

    pub(crate) fn failed(&self, attempt: Attempt) {
        self.by_name.failed(attempt.name);
        if let Some(address) = attempt.address {
            self.by_address.failed(address);
        }
    }

    /// The name's failures are forgotten. The address' are not: who has one account could try all others for ever.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        self.by_name.succeeded(attempt.name);
    }
}
