//! The few nearest rows so far.

/// At most `wanted` rows, the nearest first; of equally near ones those that come first.
pub(super) struct Nearest {
    wanted: usize,
    found: Vec<(f64, u32)>,
}

impl Nearest {
    pub(super) fn new(wanted: usize) -> Self {
        Self { wanted, found: Vec::with_capacity(wanted.min(1024) + 1) }
    }

    pub(super) fn clear(&mut self) {
        self.found.clear();
    }

    /// How many are wanted.
    pub(super) fn wanted(&self) -> usize {
        self.wanted
    }

    /// How far a row may be to be of use; a row at just this distance is, if it comes first.
    pub(super) fn reach(&self) -> f64 {
        if self.found.len() < self.wanted { f64::INFINITY } else { self.found[self.wanted - 1].0 }
    }

    /// Takes a row in, if it is nearer than the farthest.
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        let place = self.found.partition_point(|&(other, before)| (other, before) < (distance, row));
        if place < self.wanted {
            self.found.insert(place, (distance, row));
            self.found.truncate(self.wanted);
        }
    }

    pub(super) fn sorted(&self) -> &[(f64, u32)] {
        &self.found
    }
}
