//! The replica with the fewest uploads in flight, ties at random, as the gateway picks it.

use crate::stats::random::Random;

/// Not offered to uploads.
const OUT: u32 = u32::MAX;

/// Replicas in buckets by their number in flight: picking and changing cost the same for 1 and for 1,000.
#[derive(Debug)]
pub(in crate::simulate) struct Picker {
    /// By number in flight, up to `permits - 1`: a replica that is full is in none.
    buckets: Vec<Vec<u32>>,
    /// Where each replica is in its bucket.
    place: Vec<u32>,
}

impl Picker {
    pub(in crate::simulate) fn new(replicas: u32, permits: u32) -> Self {
        Self { buckets: vec![vec![]; permits as usize], place: vec![OUT; replicas as usize] }
    }

    /// A replica that takes uploads from now on, or whose number has changed from one that was full.
    pub(in crate::simulate) fn add(&mut self, replica: u32, in_flight: u32) {
        if let Some(bucket) = self.buckets.get_mut(in_flight as usize) {
            self.place[replica as usize] = u32::try_from(bucket.len()).unwrap_or(OUT);
            bucket.push(replica);
        }
    }

    /// Takes out a replica that had this number in flight.
    pub(in crate::simulate) fn remove(&mut self, replica: u32, in_flight: u32) {
        let place = std::mem::replace(&mut self.place[replica as usize], OUT);
        if place == OUT {
            return;
        }
        let bucket = &mut self.buckets[in_flight as usize];
        bucket.swap_remove(place as usize);
        if let Some(&moved) = bucket.get(place as usize) {
            self.place[moved as usize] = place;
        }
    }

    /// The least busy one; none where all are full.
    pub(in crate::simulate) fn pick(&self, random: &mut Random) -> Option<u32> {
        let bucket = self.buckets.iter().find(|bucket| !bucket.is_empty())?;
        match bucket.len() {
            1 => Some(bucket[0]),
            many => Some(bucket[random.below(many)]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_busy_replica_is_picked_and_a_full_one_never() {
        let mut random = Random::seeded(1);
        let mut picker = Picker::new(3, 2);
        picker.add(0, 1);
        picker.add(1, 0);
        picker.add(2, 1);
        assert_eq!(picker.pick(&mut random), Some(1));
        picker.remove(1, 0);
        picker.add(1, 2);
        picker.remove(0, 1);
        assert_eq!(picker.pick(&mut random), Some(2));
        picker.remove(2, 1);
        assert_eq!(picker.pick(&mut random), None);
    }
}
