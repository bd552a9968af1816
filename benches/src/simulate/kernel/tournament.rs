//! Which of many clocks rings first, where each may be set anew at any time.

use super::Nanos;

/// A clock that is not set.
pub(in crate::simulate) const NEVER: Nanos = Nanos::MAX;

/// A tournament tree: setting a clock costs log₂ n comparisons and leaves nothing void behind, looking costs nothing.
#[derive(Debug)]
pub(in crate::simulate) struct Tournament {
    /// The time of each clock, padded to a power of two.
    at: Vec<Nanos>,
    /// `winner[1]` is the first of all, the children of `i` are `2i` and `2i + 1`.
    winner: Vec<u32>,
}

impl Tournament {
    pub(in crate::simulate) fn new(clocks: u32) -> Self {
        let leaves = clocks.max(1).next_power_of_two();
        let mut tree = Self { at: vec![NEVER; leaves as usize], winner: vec![0; 2 * leaves as usize] };
        for leaf in 0..leaves {
            tree.winner[(leaves + leaf) as usize] = leaf;
        }
        for node in (1..leaves as usize).rev() {
            tree.winner[node] = tree.winner[2 * node];
        }
        tree
    }

    /// Sets a clock, or stops it by [`NEVER`].
    pub(in crate::simulate) fn set(&mut self, clock: u32, at: Nanos) {
        self.at[clock as usize] = at;
        let leaf = self.at.len() + clock as usize;
        let mut node = leaf / 2;
        while node > 0 {
            let (left, right) = (self.winner[2 * node], self.winner[2 * node + 1]);
            self.winner[node] = if self.at[right as usize] < self.at[left as usize] { right } else { left };
            node /= 2;
        }
    }

    /// The clock that rings first and its time; the lower one of two at a time.
    pub(in crate::simulate) fn first(&self) -> (u32, Nanos) {
        let clock = self.winner[1];
        (clock, self.at[clock as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_clock_is_known_after_each_change() {
        let mut clocks = Tournament::new(5);
        assert_eq!(clocks.first().1, NEVER);
        clocks.set(3, 30);
        clocks.set(4, 20);
        assert_eq!(clocks.first(), (4, 20));
        clocks.set(4, 40);
        assert_eq!(clocks.first(), (3, 30));
        clocks.set(3, NEVER);
        assert_eq!(clocks.first(), (4, 40));
    }

    #[test]
    fn a_single_clock_works() {
        let mut clocks = Tournament::new(1);
        clocks.set(0, 7);
        assert_eq!(clocks.first(), (0, 7));
    }
}
