//! Rows of similarities that were computed, the least recently used of them dropped when there are too many.

use std::collections::BTreeMap;

/// The rows, by a key below the count it was made for.
pub(super) struct Cache {
    rows: Vec<Row>,
    /// The keys of rows that are there, by when they were last used.
    recent: BTreeMap<u64, usize>,
    clock: u64,
    /// How many values are there, and how many there may be.
    used: usize,
    limit: usize,
}

#[derive(Default)]
struct Row {
    values: Vec<f32>,
    stamp: u64,
}

impl Cache {
    /// For `count` rows, with room for `limit` values but at least for two rows.
    pub(super) fn new(count: usize, limit: usize) -> Self {
        let rows = (0..count).map(|_| Row::default()).collect();
        Self { rows, recent: BTreeMap::new(), clock: 0, used: 0, limit: limit.max(2 * count) }
    }

    /// Sees to it that the row has at least `length` values: `fill` gets the place of the first that lacks, and the
    /// places to write to. The row asked for before stays.
    pub(super) fn need(&mut self, key: usize, length: usize, fill: impl FnOnce(usize, &mut [f32])) {
        self.recent.remove(&self.rows[key].stamp);
        self.clock += 1;
        self.rows[key].stamp = self.clock;
        self.recent.insert(self.clock, key);
        let there = self.rows[key].values.len();
        if there >= length {
            return;
        }
        let wanted = length - there;
        while self.used + wanted > self.limit && self.recent.len() > 2 {
            self.drop_oldest();
        }
        self.used += wanted;
        let values = &mut self.rows[key].values;
        values.reserve_exact(wanted);
        values.resize(length, 0.0);
        fill(there, &mut values[there..]);
    }

    fn drop_oldest(&mut self) {
        let Some((_, key)) = self.recent.pop_first() else { return };
        let row = std::mem::take(&mut self.rows[key]);
        self.used -= row.values.len();
    }

    /// A row that was asked for.
    pub(super) fn row(&self, key: usize) -> &[f32] {
        &self.rows[key].values
    }

    /// Puts the first values of each row into another order, as the rows they belong to were. A row that is shorter
    /// keeps the part of the new order up to the first value that it lacks.
    pub(super) fn reorder(&mut self, order: &[u32]) {
        let mut buffer = Vec::with_capacity(order.len());
        for &key in self.recent.values() {
            let values = &mut self.rows[key].values;
            let whole = values.len() >= order.len();
            buffer.clear();
            buffer.extend(order.iter().map_while(|&from| values.get(from as usize)));
            values[..buffer.len()].copy_from_slice(&buffer);
            if !whole {
                self.used -= values.len() - buffer.len();
                values.truncate(buffer.len());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(cache: &mut Cache, key: usize, length: usize) -> bool {
        let mut filled = false;
        cache.need(key, length, |from, into| {
            filled = true;
            into.iter_mut().enumerate().for_each(|(nth, slot)| *slot = (10 * key + from + nth) as f32);
        });
        filled
    }

    #[test]
    fn the_row_not_used_for_longest_is_dropped_first() {
        let mut cache = Cache::new(5, 15);
        for key in 0..3 {
            assert!(need(&mut cache, key, 5));
        }
        assert!(!need(&mut cache, 0, 5));
        assert!(need(&mut cache, 3, 5));
        assert!(!need(&mut cache, 0, 5) && !need(&mut cache, 2, 5));
        assert!(need(&mut cache, 1, 5));
        assert_eq!(cache.used, 15);
    }

    #[test]
    fn rows_grow_and_follow_a_new_order() {
        let mut cache = Cache::new(4, 100);
        need(&mut cache, 1, 2);
        assert!(need(&mut cache, 1, 4));
        assert_eq!(cache.row(1), [10.0, 11.0, 12.0, 13.0]);
        need(&mut cache, 2, 2);
        cache.reorder(&[1, 3, 0, 2]);
        assert_eq!(cache.row(1), [11.0, 13.0, 10.0, 12.0]);
        assert_eq!(cache.row(2), [21.0]);
        cache.reorder(&[1, 0]);
        assert_eq!(cache.row(1), [13.0, 11.0, 10.0, 12.0]);
        assert!(cache.row(2).is_empty());
        assert_eq!(cache.used, 4);
    }
}
