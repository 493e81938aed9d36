//! The rising function that is nearest to the rows: pool-adjacent-violators (Barlow et al. 1972).

use serde::{Deserialize, Serialize};

use super::{CurveView, Point};

/// Values nearer than this are the same point, as scikit-learn has it.
const SAME: f64 = 1e-15;

/// Points of a rising function; between them it goes straight, and beyond them it stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Steps {
    x: Vec<f64>,
    y: Vec<f64>,
}

/// Neighbouring points that share one value.
#[derive(Clone, Copy)]
struct Pool {
    value: f64,
    weight: f64,
    points: usize,
}

impl Steps {
    /// Fits to at least one point.
    pub(super) fn fit(mut points: Vec<Point>) -> Self {
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.is.cmp(&b.is)).then(a.weight.total_cmp(&b.weight)));
        let mut x = Vec::new();
        let mut pools: Vec<Pool> = Vec::new();
        let mut rest = points.as_slice();
        while let Some(first) = rest.first() {
            let same = rest.iter().take_while(|point| point.x - first.x < SAME).count();
            let weight: f64 = rest[..same].iter().map(|point| point.weight).sum();
            let right: f64 = rest[..same].iter().filter(|point| point.is).map(|point| point.weight).sum();
            x.push(first.x);
            pools.push(Pool { value: right / weight, weight, points: 1 });
            while let [.., a, b] = pools.as_slice()
                && a.value >= b.value
            {
                let weight = a.weight + b.weight;
                let value = (a.value * a.weight + b.value * b.weight) / weight;
                let both = Pool { value, weight, points: a.points + b.points };
                pools.truncate(pools.len() - 2);
                pools.push(both);
            }
            rest = &rest[same..];
        }
        let y: Vec<f64> = pools.iter().flat_map(|pool| std::iter::repeat_n(pool.value, pool.points)).collect();
        // Of a flat stretch only its ends say something.
        let tells = |at: usize| at == 0 || at + 1 == y.len() || y[at] != y[at - 1] || y[at] != y[at + 1];
        let kept: Vec<usize> = (0..y.len()).filter(|at| tells(*at)).collect();
        Self { x: kept.iter().map(|at| x[*at]).collect(), y: kept.iter().map(|at| y[*at]).collect() }
    }

    pub(super) fn view(&self) -> CurveView<'_> {
        CurveView::Steps { x: &self.x, y: &self.y }
    }

    pub(super) fn at(&self, x: f64) -> f64 {
        let after = self.x.partition_point(|known| *known <= x);
        match (after.checked_sub(1), self.x.get(after)) {
            (None, _) => self.y[0],
            (Some(before), None) => self.y[before],
            (Some(before), Some(next)) => {
                let share = (x - self.x[before]) / (next - self.x[before]);
                self.y[before] + share * (self.y[after] - self.y[before])
            }
        }
    }

    /// Whether it rises through finite points from 0 to 1.
    pub(super) fn is_sound(&self) -> bool {
        !self.x.is_empty()
            && self.x.len() == self.y.len()
            && self.x.iter().all(|x| x.is_finite())
            && self.x.is_sorted_by(|a, b| a < b)
            && self.y.iter().all(|y| (0.0..=1.0).contains(y))
            && self.y.is_sorted()
    }
}
