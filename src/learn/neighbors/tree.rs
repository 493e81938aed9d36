//! A k-d tree (Friedman, Bentley & Finkel 1977) with the box around each node's rows.

use super::Metric;
use super::nearest::Nearest;

/// Up to how many rows a node isn't cut.
const LEAF: usize = 32;

/// Nodes in halves of one list of rows: node n's parts are 2n + 1 and 2n + 2.
#[derive(Debug)]
pub(super) struct Tree {
    columns: usize,
    /// The rows, one after the other, node by node.
    rows: Vec<f64>,
    /// Each row's place among the training rows.
    places: Vec<u32>,
    /// For each node its lowest values, then its highest.
    boxes: Vec<f64>,
    depth: u32,
}

impl Tree {
    /// Over rows of `columns` values.
    pub(super) fn new(rows: &[f64], columns: usize) -> Self {
        let count = rows.len() / columns;
        let depth = count.div_ceil(LEAF).next_power_of_two().trailing_zeros();
        let nodes = (2usize << depth) - 1;
        let mut tree = Self {
            columns,
            rows: Vec::with_capacity(rows.len()),
            places: (0..count as u32).collect(),
            boxes: vec![0.0; nodes * 2 * columns],
            depth,
        };
        let mut places = std::mem::take(&mut tree.places);
        tree.cut(rows, &mut places, 0, 0);
        for &place in &places {
            tree.rows.extend_from_slice(&rows[place as usize * columns..][..columns]);
        }
        tree.places = places;
        tree
    }

    /// Orders the rows of a node so that each part has its own stretch.
    fn cut(&mut self, rows: &[f64], places: &mut [u32], node: usize, depth: u32) {
        let columns = self.columns;
        let (lowest, highest) = self.boxes[node * 2 * columns..(node + 1) * 2 * columns].split_at_mut(columns);
        lowest.fill(f64::INFINITY);
        highest.fill(f64::NEG_INFINITY);
        for &place in places.iter() {
            let row = &rows[place as usize * columns..][..columns];
            lowest.iter_mut().zip(row).for_each(|(lowest, value)| *lowest = lowest.min(*value));
            highest.iter_mut().zip(row).for_each(|(highest, value)| *highest = highest.max(*value));
        }
        if depth == self.depth {
            return;
        }
        let widths: Vec<f64> = lowest.iter().zip(highest).map(|(lowest, highest)| *highest - *lowest).collect();
        let widest = crate::learn::argmax(&widths) as usize;
        let value = |place: u32| rows[place as usize * columns + widest];
        let middle = places.len() / 2;
        if middle > 0 {
            places.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        }
        let (left, right) = places.split_at_mut(middle);
        self.cut(rows, left, 2 * node + 1, depth + 1);
        self.cut(rows, right, 2 * node + 2, depth + 1);
    }

    /// Offers every row that may be among the nearest.
    pub(super) fn search(&self, query: &[f64], metric: Metric, nearest: &mut Nearest) {
        self.visit(query, metric, nearest, Part { node: 0, depth: 0, first: 0, end: self.places.len() });
    }

    fn visit(&self, query: &[f64], metric: Metric, nearest: &mut Nearest, part: Part) {
        let Part { node, depth, first, end } = part;
        if depth == self.depth {
            for place in first..end {
                let row = &self.rows[place * self.columns..][..self.columns];
                let distance = metric.between(query, row);
                if distance <= nearest.reach() {
                    nearest.offer(distance, self.places[place]);
                }
            }
            return;
        }
        let middle = first + (end - first) / 2;
        let left = Part { node: 2 * node + 1, depth: depth + 1, first, end: middle };
        let right = Part { node: 2 * node + 2, depth: depth + 1, first: middle, end };
        let (to_left, to_right) = (self.least(query, metric, left.node), self.least(query, metric, right.node));
        let order = if to_left <= to_right {
            [(to_left, left), (to_right, right)]
        } else {
            [(to_right, right), (to_left, left)]
        };
        for (distance, part) in order {
            // A row as far as the farthest so far may still come before it.
            if part.first < part.end && distance <= nearest.reach() {
                self.visit(query, metric, nearest, part);
            }
        }
    }

    /// No row of the node is nearer: summed up as distances are, so that rounding goes the same way.
    fn least(&self, query: &[f64], metric: Metric, node: usize) -> f64 {
        let columns = self.columns;
        let (lowest, highest) = self.boxes[node * 2 * columns..(node + 1) * 2 * columns].split_at(columns);
        let mut sum = 0.0;
        for ((value, lowest), highest) in query.iter().zip(lowest).zip(highest) {
            let beyond = (lowest - value).max(value - highest).max(0.0);
            sum += match metric {
                Metric::Euclidean => beyond * beyond,
                Metric::Manhattan => beyond,
            };
        }
        sum
    }
}

/// A node, how deep it is, and its stretch of rows.
struct Part {
    node: usize,
    depth: u32,
    first: usize,
    end: usize,
}
