//! What every model holds to, whatever it is: run over the catalogue.

use serde_json::{Value as Json, json};

use super::{CheckedModel, catalogue, find};
use crate::data::Matrix;
use crate::learn::chance::Chance;
use crate::learn::{Estimator, Prediction, Target, Task, Training};

/// Models without chance, with settings under which they come to one answer whatever the order of rows and columns.
const EXACT: [(&str, &str); 10] = [
    ("linear_regression", "{}"),
    ("ridge", "{}"),
    ("lasso", r#"{"alpha": 0.1, "tol": 1e-12, "max_iter": 100000}"#),
    ("elastic_net", r#"{"alpha": 0.1, "tol": 1e-12, "max_iter": 100000}"#),
    ("logistic_regression", r#"{"tol": 1e-11, "max_iter": 10000}"#),
    ("naive_bayes", "{}"),
    ("knn", "{}"),
    // Deeper, cuts of equal gain are common, and chance takes one of them.
    ("decision_tree", r#"{"max_depth": 2, "min_samples_leaf": 10}"#),
    ("gradient_boosting", r#"{"n_estimators": 10, "max_leaf_nodes": 3, "min_samples_leaf": 10}"#),
    ("svm", r#"{"tol": 1e-9, "probability": false}"#),
];

/// The exact models of the catalogue, each with a target it can predict.
fn exact() -> impl Iterator<Item = (&'static str, Json, Target)> {
    let known = EXACT.into_iter().filter(|(name, _)| find(name).is_ok());
    known.flat_map(|(name, with)| {
        let with: Json = serde_json::from_str(with).expect("JSON");
        let tasks = find(name).expect("a model").tasks;
        targets().into_iter().filter(|y| tasks.contains(&y.task())).map(move |y| (name, with.clone(), y))
    })
}

fn model(name: &str, with: &Json) -> Box<dyn CheckedModel> {
    (find(name).expect("a model").check)(with.clone()).unwrap_or_else(|faults| panic!("{name}: {}", faults[0].message))
}

const ROWS: usize = 120;

/// Rows of three columns without ties.
fn table() -> Matrix {
    let mut chance = Chance::new(5, 0);
    let values = (0..3 * ROWS).map(|_| chance.below(1 << 40) as f64 / f64::from(1 << 20) / f64::from(1 << 19) - 1.0);
    Matrix::new(["a", "b", "c"].map(String::from).to_vec(), ROWS, values.collect())
}

/// Classes and numbers that the columns tell, up to some noise.
fn targets() -> [Target; 2] {
    let (x, mut chance) = (table(), Chance::new(6, 0));
    let noise: Vec<f64> = (0..ROWS).map(|_| chance.below(1000) as f64 / 1000.0 - 0.5).collect();
    let signal: Vec<f64> = (0..ROWS).map(|row| 2.0 * x.at(row, 0) - x.at(row, 1) + noise[row]).collect();
    let codes = signal.iter().map(|value| u32::from(*value > -0.5) + u32::from(*value > 0.8)).collect();
    [Target::Classes { codes, count: 3 }, Target::Numbers(signal)]
}

fn values(estimator: &Estimator, x: &Matrix) -> Vec<f64> {
    match estimator.predict(x).expect("a prediction") {
        Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
    }
}

fn alike(what: &str, one: &[f64], two: &[f64]) {
    assert_eq!(one.len(), two.len(), "{what}");
    for (row, (a, b)) in one.iter().zip(two).enumerate() {
        assert!((a - b).abs() < 1e-5 * (1.0 + a.abs()), "{what}: value {row} is {a} and {b}");
    }
}

/// A random order of `count` things.
fn order(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    Chance::new(7, 0).shuffle(&mut order);
    order
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let (x, order) = (table(), order(ROWS));
    for (name, with, y) in exact() {
        let one = model(name, &with).fit(&Training::new(&x, &y)).expect("fitted");
        let (moved, answers) = (x.take(&order), y.take(&order));
        let two = model(name, &with).fit(&Training::new(&moved, &answers)).expect("fitted");
        alike(name, &values(&one, &x), &values(&two, &x));
    }
}

#[test]
fn the_order_of_columns_changes_nothing() {
    let x = table();
    let columns = [2, 0, 1];
    let names = columns.map(|column| x.names()[column].clone()).to_vec();
    let moved = Matrix::new(names, ROWS, columns.iter().flat_map(|column| x.column(*column).to_vec()).collect());
    for (name, with, y) in exact() {
        let one = model(name, &with).fit(&Training::new(&x, &y)).expect("fitted");
        let two = model(name, &with).fit(&Training::new(&moved, &y)).expect("fitted");
        alike(name, &values(&one, &x), &values(&two, &moved));
    }
}

#[test]
fn constant_columns_change_nothing() {
    let x = table();
    let names = ["a", "k", "b", "c", "l"].map(String::from).to_vec();
    let columns = [x.column(0), &[7.5; ROWS], x.column(1), x.column(2), &[0.0; ROWS]];
    let wide = Matrix::new(names, ROWS, columns.concat());
    // The scale of a kernel depends on the variance of all cells.
    for (name, with, y) in exact().filter(|(name, ..)| *name != "svm") {
        let one = model(name, &with).fit(&Training::new(&x, &y)).expect("fitted");
        let two = model(name, &with).fit(&Training::new(&wide, &y)).expect("fitted");
        alike(name, &values(&one, &x), &values(&two, &wide));
    }
}

#[test]
fn a_duplicated_row_is_a_weight_of_two() {
    let x = table();
    let twice: Vec<usize> = (0..ROWS).flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)]).collect();
    let weights: Vec<f64> = (0..ROWS).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 }).collect();
    // Copies of a row are neighbours of their own; a leaf's rows are counted, not weighed.
    for (name, mut with, y) in exact().filter(|(name, ..)| *name != "knn") {
        if with.get("min_samples_leaf").is_some() {
            with["min_samples_leaf"] = json!(1);
        }
        let (more, answers) = (x.take(&twice), y.take(&twice));
        let one = model(name, &with).fit(&Training::new(&x, &y).weighted(&weights)).expect("fitted");
        let two = model(name, &with).fit(&Training::new(&more, &answers)).expect("fitted");
        alike(name, &values(&one, &x), &values(&two, &x));
    }
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    let x = table();
    for entry in catalogue() {
        for y in targets().iter().filter(|y| entry.tasks.contains(&y.task())) {
            let bytes = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let fit = || model(entry.name, &Json::Null).fit(&Training::new(&x, y).seeded(3));
                let fitted = pool.install(fit).unwrap_or_else(|fault| panic!("{}: {}", entry.name, fault.message));
                serde_json::to_string(&fitted).expect("JSON")
            };
            let one = bytes(1);
            assert!(one == bytes(2) && one == bytes(8), "{}", entry.name);
        }
    }
}

/// Either a model that says finite things of its rows, or a fault in words.
fn fits_or_tells(name: &str, x: &Matrix, y: &Target) {
    match model(name, &Json::Null).fit(&Training::new(x, y)) {
        Ok(estimator) => {
            estimator.check().expect("sound");
            assert!(values(&estimator, x).iter().all(|value| value.is_finite()), "{name}");
        }
        Err(fault) => assert!(!fault.message.is_empty() && fault.help.is_some(), "{name}: {}", fault.message),
    }
}

#[test]
fn more_columns_than_rows_are_fitted_or_told() {
    let values: Vec<f64> = (0..6 * 40).map(|cell| f64::from(cell * 37 % 101)).collect();
    let x = Matrix::new((0..40).map(|column| format!("x{column}")).collect(), 6, values);
    for entry in catalogue() {
        for y in targets().iter().filter(|y| entry.tasks.contains(&y.task())) {
            let y = match y {
                Target::Classes { .. } => Target::Classes { codes: vec![0, 1, 0, 1, 2, 2], count: 3 },
                Target::Numbers(_) => Target::Numbers(vec![1.0, 5.0, 2.0, 8.0, 3.0, 3.0]),
            };
            fits_or_tells(entry.name, &x, &y);
        }
    }
}

#[test]
fn a_column_without_any_value_is_fitted_or_told() {
    let x = table();
    let names = ["a", "empty", "c"].map(String::from).to_vec();
    let hole = Matrix::new(names, ROWS, [x.column(0), &[f64::NAN; ROWS], x.column(2)].concat());
    for entry in catalogue().iter().filter(|entry| entry.name != "baseline") {
        for y in targets().iter().filter(|y| entry.tasks.contains(&y.task())) {
            match model(entry.name, &Json::Null).fit(&Training::new(&hole, y)) {
                Ok(estimator) => {
                    assert!(entry.missing, "{}", entry.name);
                    assert!(values(&estimator, &hole).iter().all(|value| value.is_finite()), "{}", entry.name);
                }
                Err(fault) => {
                    assert!(!entry.missing, "{}: {}", entry.name, fault.message);
                    assert!(fault.message.contains("`empty`"), "{}: {}", entry.name, fault.message);
                }
            }
        }
    }
}

#[test]
fn missing_values_and_categories_are_learned_from_by_models_that_take_them() {
    let rows = 200;
    let kind: Vec<f64> = (0..rows).map(|row| f64::from(row as u32 * 7 % 5)).collect();
    let gap: Vec<f64> = (0..rows).map(|row| if row % 3 == 0 { f64::NAN } else { (row % 11) as f64 }).collect();
    let told: Vec<bool> = (0..rows).map(|row| [1.0, 4.0].contains(&kind[row]) != gap[row].is_nan()).collect();
    let x = Matrix::new(vec!["kind".into(), "gap".into()], rows, [kind, gap].concat()).with_levels(vec![Some(5), None]);
    let codes: Vec<u32> = told.iter().map(|told| u32::from(*told)).collect();
    let y = Target::Classes { codes: codes.clone(), count: 2 };
    for entry in catalogue().iter().filter(|entry| entry.categories && entry.tasks.contains(&Task::Classification)) {
        let estimator = model(entry.name, &Json::Null).fit(&Training::new(&x, &y)).expect("fitted");
        let said = estimator.predict(&x).expect("a prediction").labels().expect("classes");
        let wrong = said.iter().zip(&codes).filter(|(said, code)| said != code).count();
        assert!(wrong <= rows / 20, "{}: {wrong} of {rows} wrong", entry.name);
        // A category that no row had, and one beyond all, are rows like others.
        for row in [[f64::NAN, 3.0], [4.0, f64::NAN]] {
            let mut into = vec![0.0; estimator.outputs()];
            estimator.predict_row(&row, &mut into);
            assert!((into.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{}", entry.name);
        }
    }
}

#[test]
fn ten_thousand_classes_are_told() {
    let rows = 10_000;
    let x = Matrix::new(vec!["a".into()], rows, (0..rows).map(|row| row as f64).collect());
    let y = Target::Classes { codes: (0..rows as u32).collect(), count: rows };
    for entry in catalogue().iter().filter(|entry| entry.tasks.contains(&Task::Classification)) {
        if entry.name == "baseline" {
            continue;
        }
        let fault = model(entry.name, &Json::Null).fit(&Training::new(&x, &y)).expect_err("a fault");
        assert_eq!(fault.code, "many-classes", "{}", entry.name);
    }
}
