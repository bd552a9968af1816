//! What is wrong with something that is looked at again and again, so that the log tells it once.

use std::sync::{Mutex, PoisonError};

/// What is wrong now; nothing at first. It belongs to one thing that is looked at.
#[derive(Debug, Default)]
pub struct Outage(Mutex<Option<String>>);

impl Outage {
    /// Takes note of what is wrong now, `None` for nothing; true where the last look found something else.
    pub fn has_changed(&self, wrong: Option<&str>) -> bool {
        // A poisoned lock guards a text that is whole.
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_changed = last.as_deref() != wrong;
        *last = wrong.map(str::to_owned);
        has_changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_is_a_change() {
        let outage = Outage::default();
        let looks = [None, Some("away"), Some("away"), Some("refuses"), None, None];
        assert_eq!(looks.map(|wrong| outage.has_changed(wrong)), [false, true, false, true, true, false]);
    }
}
