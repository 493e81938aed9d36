//! Comparing with every row. For many queries at a time the products of rows are made by blocks in single precision;
//! they leave out all rows but the few that may be near, with a bound on their error, and those are compared exactly.

use ndarray::linalg::general_mat_mul;
use ndarray::{ArrayView2, ArrayViewMut2};

use super::Metric;
use super::nearest::Nearest;

/// How many rows are compared at a time.
const BLOCK: usize = 256;
/// How many distances are looked at together.
const GLANCE: usize = 16;
/// From how many queries on products are worth it.
const MANY: usize = 8;
/// How far out a query may be, in radii of the rows, for single precision to tell rows apart.
const FAR: f64 = 1e6;
/// Half the distance between 1 and the next number in single precision.
const ROUNDING: f64 = f32::EPSILON as f64 / 2.0;

/// The rows in single precision.
#[derive(Debug)]
pub(super) struct Brute {
    columns: usize,
    metric: Metric,
    products: Option<Products>,
}

#[derive(Debug)]
pub(super) struct Products {
    /// What is taken off each row.
    center: Vec<f64>,
    /// The farthest row's distance from there: the unit.
    radius: f64,
    /// Rows in that unit, each followed by its square.
    rows: Vec<f32>,
    /// The largest norm in each block, in that unit.
    norms: Vec<f64>,
}

impl Brute {
    /// Over rows of `columns` values.
    pub(super) fn new(rows: &[f64], columns: usize, metric: Metric) -> Self {
        let products = if metric == Metric::Euclidean { Products::new(rows, columns) } else { None };
        Self { columns, metric, products }
    }

    /// Tells the nearest rows of each query, which is named by its place.
    pub(super) fn search_all(
        &self,
        rows: &[f64],
        queries: &[f64],
        nearest: &mut Nearest,
        mut tell: impl FnMut(usize, &[(f64, u32)]),
    ) {
        let products = self.products.as_ref().filter(|_| queries.len() >= MANY * self.columns);
        let candidates = products.map(|products| products.candidates(queries, self.columns, nearest.wanted()));
        for (nth, query) in queries.chunks(self.columns).enumerate() {
            nearest.clear();
            match candidates.as_ref().and_then(|candidates| candidates[nth].as_ref()) {
                Some(candidates) => {
                    for &place in candidates {
                        let row = &rows[place as usize * self.columns..][..self.columns];
                        nearest.offer(self.metric.between(query, row), place);
                    }
                }
                None => search(rows, query, self.metric, nearest),
            }
            tell(nth, nearest.sorted());
        }
    }
}

/// Offers every row.
pub(super) fn search(rows: &[f64], query: &[f64], metric: Metric, nearest: &mut Nearest) {
    for (place, row) in rows.chunks(query.len()).enumerate() {
        // A sum in any order is near enough to leave most rows out; the others are summed in order.
        let rough = match metric {
            Metric::Euclidean => crate::learn::sums::pairs_of(query, row, |a, b| (a - b) * (a - b)),
            Metric::Manhattan => crate::learn::sums::pairs_of(query, row, |a, b| (a - b).abs()),
        };
        if rough * (1.0 - 1e-9) > nearest.reach() {
            continue;
        }
        nearest.offer(metric.between(query, row), place as u32);
    }
}

/// The candidates of one query: rows that may be among the nearest, by a lower bound of their distance.
struct Shortlist {
    /// The smallest upper bounds, ascending: as many as rows are wanted.
    upper: Vec<f32>,
    rows: Vec<(f32, u32)>,
    /// The query's distance from the center.
    norm: f64,
}

impl Products {
    /// `None` if single precision can't tell these rows apart.
    pub(super) fn new(rows: &[f64], columns: usize) -> Option<Self> {
        let count = (rows.len() / columns) as f64;
        let mut center = vec![0.0; columns];
        for row in rows.chunks(columns) {
            center.iter_mut().zip(row).for_each(|(center, value)| *center += value / count);
        }
        let norm =
            |row: &[f64]| row.iter().zip(&center).map(|(value, center)| (value - center).powi(2)).sum::<f64>().sqrt();
        let norms: Vec<f64> = rows.chunks(columns).map(norm).collect();
        let radius = norms.iter().fold(0.0f64, |radius, norm| if norm.is_nan() { *norm } else { radius.max(*norm) });
        if !(radius > 1e-150 && radius < 1e150) {
            return None;
        }
        let mut small = Vec::with_capacity(rows.len() + norms.len());
        for (row, norm) in rows.chunks(columns).zip(&norms) {
            small.extend(row.iter().zip(&center).map(|(value, center)| ((value - center) / radius) as f32));
            small.push((norm / radius).powi(2) as f32);
        }
        let largest = |norms: &[f64]| norms.iter().fold(0.0f64, |largest, norm| largest.max(norm / radius));
        let norms = norms.chunks(BLOCK).map(largest).collect();
        Some(Self { center, radius, rows: small, norms })
    }

    /// For each query the rows that may be among the nearest; `None` if it is too far out to tell.
    pub(super) fn candidates(&self, queries: &[f64], columns: usize, wanted: usize) -> Vec<Option<Vec<u32>>> {
        let side = columns + 1;
        let count = queries.len() / columns;
        let mut small = Vec::with_capacity(count * side);
        let mut lists = Vec::with_capacity(count);
        for query in queries.chunks(columns) {
            let centered = query.iter().zip(&self.center).map(|(value, center)| (value - center) / self.radius);
            let norm = centered.clone().map(|value| value * value).sum::<f64>().sqrt();
            small.extend(centered.map(|value| (-2.0 * value) as f32));
            small.push(1.0);
            lists.push((norm < FAR).then(|| Shortlist {
                upper: Vec::with_capacity(wanted + 1),
                rows: Vec::new(),
                norm,
            }));
        }
        let small = ArrayView2::from_shape((count, side), &small).expect("a row a query");
        let mut distances = vec![0.0f32; count * BLOCK];
        for (block, rows) in self.rows.chunks(BLOCK * side).enumerate() {
            let height = rows.len() / side;
            let rows = ArrayView2::from_shape((height, side), rows).expect("a row a row");
            let distances = &mut distances[..count * height];
            let mut to = ArrayViewMut2::from_shape((count, height), &mut *distances).expect("a distance a pair");
            general_mat_mul(1.0, &small, &rows.t(), 0.0, &mut to);
            for (list, distances) in lists.iter_mut().zip(distances.chunks(height)) {
                if let Some(list) = list {
                    list.take(distances, (block * BLOCK) as u32, error(list.norm, self.norms[block], columns), wanted);
                }
            }
        }
        lists.into_iter().map(|list| list.map(Shortlist::finish)).collect()
    }
}

/// The most that |x|² - 2·q·x is off after rounding x, q and |x|² and the sum over `columns` products, and what the
/// exact distance is off after its own rounding, with room to spare: for rows of at most `norm` and a query of `query`.
fn error(query: f64, norm: f64, columns: usize) -> f32 {
    let columns = columns as f64;
    let single = ROUNDING * norm * (4.0 * norm + (2.0 * columns + 12.0) * query);
    let double = f64::EPSILON * (columns + 8.0) * (query + norm) * (query + norm);
    (2.0 * (single + double)) as f32 + f32::MIN_POSITIVE
}

impl Shortlist {
    /// Looks at the distances of rows from `first` on, each off by at most `error`.
    fn take(&mut self, distances: &[f32], first: u32, error: f32, wanted: usize) {
        for (nth, glance) in distances.chunks(GLANCE).enumerate() {
            let reach = self.reach(wanted) + error;
            if !glance.iter().fold(false, |any, distance| any | (*distance <= reach)) {
                continue;
            }
            for (place, &distance) in glance.iter().enumerate() {
                if distance > self.reach(wanted) + error {
                    continue;
                }
                self.rows.push((distance - error, first + (nth * GLANCE + place) as u32));
                let upper = distance + error;
                let place = self.upper.partition_point(|other| *other < upper);
                if place < wanted {
                    self.upper.insert(place, upper);
                    self.upper.truncate(wanted);
                }
            }
        }
    }

    /// The distance up to which a row's lower bound may lie.
    fn reach(&self, wanted: usize) -> f32 {
        if self.upper.len() < wanted { f32::INFINITY } else { self.upper[wanted - 1] }
    }

    fn finish(self) -> Vec<u32> {
        let reach = self.upper.last().copied().unwrap_or(f32::INFINITY);
        self.rows.into_iter().filter(|(lower, _)| *lower <= reach).map(|(_, row)| row).collect()
    }
}
