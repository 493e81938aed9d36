//! What each feature contributes to the answer of any model, by looking at its answers alone: Shapley values by sampled
//! orders (Štrumbelj & Kononenko 2014, "Explaining prediction models and individual predictions with feature
//! contributions"). A row of the background becomes the row to explain, one feature after another in a drawn order; what
//! the answer changes by is the feature's. Each order is walked back as well (Mitchell et al. 2022), which takes much of the
//! chance away. Whatever is drawn, the contributions add up to the answer minus the background's mean answer.

use super::chance::Chance;
use super::explain::{Explanation, How, Scale};
use super::{Estimator, Task};
use crate::source::Fault;

/// How many answers a record's explanation takes, about.
const ANSWERS: usize = 2048;
/// With more features than that, drawn orders say little of each.
const WIDEST: usize = 1024;
/// The fewest rows of a background that are looked at, if there are as many.
const FEWEST: usize = 4;

/// Rows that stand for what isn't known of a record.
#[derive(Clone, Debug, Default)]
pub struct Background {
    rows: Vec<Vec<f64>>,
}

impl Background {
    /// Of rows of features, as the estimator reads them.
    pub fn new(rows: Vec<Vec<f64>>) -> Self {
        Self { rows }
    }
}

/// What each feature contributes to a probability or a number, by sampled orders.
///
/// # Errors
/// If the background has no rows, there are too many features, or an answer is no number.
pub(super) fn explain(estimator: &Estimator, row: &[f64], background: &Background) -> Result<Explanation, Fault> {
    let columns = row.len();
    if background.rows.is_empty() {
        return Err(unexplained("the model holds no rows to compare a record with"));
    }
    if columns > WIDEST {
        let why = format!("the model has {columns} features, and only up to {WIDEST} are told apart by sampling");
        return Err(unexplained(&why));
    }
    let outputs = estimator.outputs();
    let scale = if estimator.task() == Task::Regression { Scale::Number } else { Scale::Probability };
    let mut found = Explanation { method: How::Sampled, ..Explanation::new(scale, outputs, columns) };
    let looked = background.rows.len().min((ANSWERS / (2 * columns.max(1))).max(FEWEST));
    let rounds = (ANSWERS / (2 * looked * columns.max(1))).max(1);
    let mut walk = Walk { estimator, row, outputs, answers: Vec::new(), rows: Vec::new() };
    let mut order: Vec<usize> = (0..columns).collect();
    for (nth, from) in background.rows[..looked].iter().enumerate() {
        for round in 0..rounds {
            Chance::new(0, (nth * rounds + round) as u64).shuffle(&mut order);
            walk.go(from, &order, &mut found);
            order.reverse();
            walk.go(from, &order, &mut found);
        }
    }
    let walks = (2 * looked * rounds) as f64;
    found.base.iter_mut().chain(&mut found.contributions).for_each(|value| *value /= walks);
    if found.is_finite() { Ok(found) } else { Err(unexplained("the model gives no number for rows like this record")) }
}

/// The fault of a model that can't be explained.
fn unexplained(why: &str) -> Fault {
    Fault::new("not-explained", why)
        .help("ask without an explanation; `gristmill models show` tells which features matter on the whole")
}

/// The way from a row of the background to the row to explain.
struct Walk<'a> {
    estimator: &'a Estimator,
    row: &'a [f64],
    outputs: usize,
    /// Memory to work in: the rows on the way, and what is said of them.
    rows: Vec<f64>,
    answers: Vec<f64>,
}

impl Walk<'_> {
    /// Adds what each feature changes, and what is said at the start.
    fn go(&mut self, from: &[f64], order: &[usize], found: &mut Explanation) {
        let columns = self.row.len();
        self.rows.clear();
        self.rows.extend_from_slice(from);
        // A feature that is the same in both changes nothing.
        let differs = |feature: &&usize| self.row[**feature].to_bits() != from[**feature].to_bits();
        let changed: Vec<usize> = order.iter().filter(differs).copied().collect();
        for feature in &changed {
            let last = self.rows.len() - columns;
            self.rows.extend_from_within(last..);
            self.rows[last + columns + feature] = self.row[*feature];
        }
        self.answers.clear();
        self.answers.resize((changed.len() + 1) * self.outputs, 0.0);
        self.estimator.predict_rows(&self.rows, columns, &mut self.answers);
        for output in 0..self.outputs {
            found.base[output] += self.answers[output];
            for (nth, feature) in changed.iter().enumerate() {
                let at = nth * self.outputs + output;
                found.contributions[output * columns + feature] += self.answers[at + self.outputs] - self.answers[at];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learn::reference::table;
    use crate::learn::{Line, Target, Training, find_model};

    fn background(x: &Matrix, count: usize) -> Background {
        let row = |nth: usize| {
            let mut row = vec![0.0; x.columns()];
            x.row(nth * x.rows() / count, &mut row);
            row
        };
        Background::new((0..count).map(row).collect())
    }

    #[test]
    fn of_a_weighted_sum_every_order_says_the_same() {
        let line =
            Line { coefficients: vec![2.0, -1.0], intercept: 3.0, means: vec![0.0; 2], importance: vec![0.5; 2] };
        let background = Background::new(vec![vec![1.0, 0.0], vec![3.0, 4.0]]);
        let found = explain(&Estimator::Line(line), &[5.0, 1.0], &background).expect("explained");
        assert_eq!(found.method, How::Sampled);
        let (base, values) = found.output(0);
        assert!((base - 5.0).abs() < 1e-12, "{base}");
        assert!((values[0] - 6.0).abs() < 1e-12 && (values[1] - 1.0).abs() < 1e-12, "{values:?}");
    }

    /// Exact Shapley values against the same background: every subset of four features, known or of a background row.
    #[test]
    fn sampled_values_are_near_those_of_all_orders() {
        let (x, y) = table("iris");
        let model = (find_model("knn").expect("a model").check)(serde_json::json!({"n_neighbors": 15}));
        let model = model.unwrap_or_else(|_| panic!("knn"));
        let estimator = model.fit(&Training::new(&x, &y)).expect("fitted");
        let Target::Classes { count, .. } = y else { panic!("classes") };
        let background = background(&x, 10);
        let said = |known: usize, row: &[f64], output: usize| {
            let of = |from: &Vec<f64>| {
                let mixed: Vec<f64> = (0..4).map(|j| if known >> j & 1 == 1 { row[j] } else { from[j] }).collect();
                let mut into = vec![0.0; count];
                estimator.predict_row(&mixed, &mut into);
                into[output]
            };
            background.rows.iter().map(of).sum::<f64>() / background.rows.len() as f64
        };
        for place in [3, 60, 140] {
            let mut row = vec![0.0; 4];
            x.row(place, &mut row);
            let found = explain(&estimator, &row, &background).expect("explained");
            assert_eq!(found, explain(&estimator, &row, &background).expect("explained"));
            for output in 0..count {
                let (base, values) = found.output(output);
                assert!((base + values.iter().sum::<f64>() - said(15, &row, output)).abs() < 1e-12);
                for (feature, value) in values.iter().enumerate() {
                    let of = |known: usize| {
                        let weight = [1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0][known.count_ones() as usize];
                        weight * (said(known | 1 << feature, &row, output) - said(known, &row, output))
                    };
                    let wanted: f64 = (0..16).filter(|known| known >> feature & 1 == 0).map(of).sum();
                    assert!((value - wanted).abs() < 0.02, "{place} {output} {feature}: {value}, not {wanted}");
                }
            }
        }
    }

    #[test]
    fn what_can_not_be_sampled_is_told() {
        let line = |columns: usize| {
            let (coefficients, means) = (vec![1.0; columns], vec![0.0; columns]);
            Estimator::Line(Line { coefficients, intercept: 0.0, importance: means.clone(), means })
        };
        let of =
            |columns: usize, rows: Vec<Vec<f64>>| explain(&line(columns), &vec![2.0; columns], &Background::new(rows));
        assert!(of(3, Vec::new()).expect_err("no rows").message.contains("no rows"));
        assert!(of(1025, vec![vec![0.0; 1025]]).expect_err("too wide").message.contains("1025 features"));
        assert!(of(1, vec![vec![f64::INFINITY]]).expect_err("no number").message.contains("no number"));
        assert!(of(1024, vec![vec![0.0; 1024]; 9]).is_ok());
    }
}
