//! Permutation importance against scikit-learn, through ops that make features of raw columns.

use polars::prelude::Column;
use serde_json::{Value as Json, json};

use super::super::judging::Reading;
use super::*;
use crate::data::{Kind, Value};
use crate::expr::Expr;
use crate::learn::{Target, Task, Training, find_model, reference};

/// A data set of scikit-learn's, whose first column is read through its ratio to the second one alone.
struct Case {
    raw: DataFrame,
    steps: Vec<RowStep>,
    trained: Trained,
    x: Matrix,
    answers: Answers,
}

impl Case {
    /// Learns from the rows whose number is no multiple of `test`, and judges the others.
    fn new(name: &str, model: &str, test: usize) -> Self {
        let (table, y) = reference::table(name);
        let (held, learned): (Vec<usize>, Vec<usize>) = (0..table.rows()).partition(|row| row % test == 0);
        let number = |place: usize| Expr::column(&table.names()[place], Kind::Float);
        let kept = ["ratio".to_owned()].into_iter().chain(table.names()[1..].iter().cloned()).collect();
        let steps = vec![
            RowStep::refuse(number(1).is_null(), "it has no value", None),
            RowStep::set(vec![("ratio".to_owned(), number(0).div(number(1)))]),
            RowStep::keep(kept),
        ];
        let frame = |rows: &[usize]| {
            let part = table.take(rows);
            let columns = part.names().iter().enumerate();
            let columns = columns.map(|(at, name)| Column::new(name.as_str().into(), part.column(at))).collect();
            DataFrame::new(rows.len(), columns).expect("a frame")
        };
        let made = |rows: &[usize]| apply(&steps, frame(rows)).expect("made").frame;
        let features: Vec<Feature> =
            made(&held).get_column_names().into_iter().map(|name| Feature::number(name.as_str())).collect();
        let matrix = |rows: &[usize]| features::matrix(&made(rows), &features, false).expect("a matrix");
        let entry = find_model(model).expect("a model");
        let checked = (entry.check)(json!({})).unwrap_or_else(|faults| panic!("{faults:?}"));
        let estimator = checked.fit(&Training::new(&matrix(&learned), &y.take(&learned))).expect("a fit");
        let classes = match &y {
            Target::Classes { count, .. } => (0..*count as i64).map(Value::Int).collect(),
            Target::Numbers(_) => Vec::new(),
        };
        let task = if classes.is_empty() { Task::Regression } else { Task::Classification };
        let trained = Trained {
            model: model.to_owned(),
            version: entry.version,
            target: "target".to_owned(),
            kind: Kind::Float,
            task,
            classes,
            positive: None,
            threshold: None,
            features: features.clone(),
            missing: entry.missing,
            rows: learned.len() as u64,
            estimator,
        };
        let x = matrix(&held);
        let prediction = trained.predict(&x).expect("predicted");
        let answers = Answers::new(y.take(&held), prediction, Reading::of(&trained));
        Self { raw: frame(&held), steps, trained, x, answers }
    }

    fn bench(&self, metric: &'static str) -> Bench<'_> {
        Bench::new(&self.trained, &self.steps, self.raw.clone(), &self.x, &self.answers, metric)
    }
}

const CASES: [(&str, &str, &str); 2] = [("diabetes", "linear_regression", "mae"), ("wine", "naive_bayes", "log_loss")];

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn under_the_same_orders_scores_lose_what_they_lose_with_scikit_learn() {
    let known = reference::json("permutation");
    for (name, model, metric) in CASES {
        let case = Case::new(name, model, known[name]["test"].as_u64().expect("a number") as usize);
        let bench = case.bench(metric);
        assert_eq!(bench.columns.len(), case.raw.width(), "{name}");
        let base = case.answers.sheets().expect("sheets").score(metric).expect("a score");
        for (place, column) in bench.columns.iter().enumerate() {
            let orders = known[name]["orders"][place].as_array().expect("orders");
            for (order, wanted) in orders.iter().zip(numbers(&known[name]["losses"][place])) {
                let order: Vec<usize> = numbers(order).into_iter().map(|row| row as usize).collect();
                let made = bench.made(column, &order).expect("made");
                let loss = bench.score(column, &made).expect("a score") - base;
                assert!((loss - wanted).abs() < 1e-9, "{name} {}: {loss}, not {wanted}", column.name);
            }
        }
    }
}

#[test]
fn the_means_are_scikit_learns_within_chance() {
    let known = reference::json("permutation");
    for (name, model, metric) in CASES {
        let repeats = known[name]["repeats"].as_u64().expect("a number") as usize;
        let case = Case::new(name, model, known[name]["test"].as_u64().expect("a number") as usize);
        let bench = case.bench(metric);
        let found = bench.importance(0, repeats, &|| Ok(())).expect("told");
        assert!(found.columns.is_sorted_by(|a, b| a.mean >= b.mean), "{name}");
        let (means, stds) = (numbers(&known[name]["mean"]), numbers(&known[name]["std"]));
        for (place, raw) in case.raw.get_column_names().into_iter().enumerate() {
            let column =
                found.columns.iter().find(|column| column.column == raw.as_str()).expect("every column is read");
            let error = ((column.std.powi(2) + stds[place].powi(2)) / repeats as f64).sqrt();
            assert!((column.mean - means[place]).abs() < 4.0 * error, "{name} {raw}: {} {}", column.mean, means[place]);
        }
        // On one thread it is the same, bit for bit.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        assert_eq!(pool.install(|| bench.importance(0, repeats, &|| Ok(()))).expect("told"), found);
    }
}

#[test]
fn a_row_that_a_shuffled_value_leaves_without_a_feature_keeps_its_own() {
    let case = Case::new("diabetes", "linear_regression", 3);
    let bench = case.bench("mae");
    let column = &bench.columns[0];
    let mut values = case.x.take(&(0..case.x.rows()).collect::<Vec<_>>()).column(0).to_vec();
    values.iter_mut().for_each(|value| *value += 1.0);
    values[4] = f64::NAN;
    let made = Matrix::new(vec!["ratio".to_owned()], values.len(), values);
    let spliced = bench.spliced(column, &made);
    for row in 0..spliced.rows() {
        let more = if row == 4 { 0.0 } else { 1.0 };
        assert_eq!(spliced.at(row, 0), case.x.at(row, 0) + more);
        assert_eq!(spliced.at(row, 1), case.x.at(row, 1));
    }
}
