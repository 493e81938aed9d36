//! Machines held against scikit-learn's, which are LIBSVM's, and what must hold of any.

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::Machine;
use crate::data::Matrix;
use crate::learn::{Estimator, Scored, Target, Training, find_metric, find_model, reference, score};

fn fit(with: Json, data: &Training) -> Estimator {
    let model = (find_model("svm").expect("model").check)(with).unwrap_or_else(|faults| panic!("{faults:?}"));
    model.fit(data).expect("estimator")
}

fn standardized(set: &str) -> (Matrix, Target) {
    let (x, y) = reference::table(set);
    let all: Vec<usize> = (0..x.rows()).collect();
    (reference::standardize(&x, &all), y)
}

/// The decisions on a row, as LIBSVM says them: above 0 for the second of two classes, but for the first of each pair
/// where there are more.
fn decisions(estimator: &Estimator, row: &[f64]) -> Vec<f64> {
    let sums = |weights: &[f64], intercepts: &[f64]| -> Vec<f64> {
        let dot = |weights: &[f64]| row.iter().zip(weights).map(|(x, w)| x * w).sum::<f64>();
        weights.chunks(row.len()).zip(intercepts).map(|(weights, intercept)| dot(weights) + intercept).collect()
    };
    match estimator {
        Estimator::Line(line) => sums(&line.coefficients, &[line.intercept]),
        Estimator::Logistic(logistic) => sums(&logistic.coefficients, &logistic.intercepts),
        Estimator::Duels(duels) => sums(&duels.coefficients, &duels.intercepts).iter().map(|told| -told).collect(),
        Estimator::Machine(machine) => machine_decisions(machine, row),
        other => panic!("{other:?} is no machine"),
    }
}

fn machine_decisions(machine: &Machine, row: &[f64]) -> Vec<f64> {
    let centered: Vec<f64> = row.iter().zip(&machine.means).map(|(x, mean)| x - mean).collect();
    let others = super::kernel::Others { columns: row.len(), values: &machine.vectors, squares: &machine.squares };
    let mut alike = vec![0.0; machine.squares.len()];
    machine.kernel.block(&centered, &others, &mut alike);
    let (mut told, mut into) = (Vec::new(), vec![0.0; machine.voting.as_ref().map_or(1, |voting| voting.votes.count)]);
    machine.decide(&alike, &mut told, &mut into);
    match &machine.voting {
        None => into,
        Some(voting) if voting.votes.present.len() == 2 => told,
        Some(_) => told.iter().map(|told| -told).collect(),
    }
}

fn hyper(set: &str, kind: &str) -> Json {
    let mut with = json!({"tol": 1e-8, "probability": false});
    if set == "diabetes" {
        (with["c"], with["epsilon"]) = (json!(50.0), json!(5.0));
    }
    match kind {
        "rbf c 20" => (with["c"], with["gamma"]) = (json!(20.0), json!(0.03)),
        "weighted" => with["gamma"] = json!(0.05),
        "rbf auto" => with["gamma"] = json!("auto"),
        "poly" => (with["kernel"], with["degree"], with["coef0"]) = (json!("poly"), json!(2), json!(1.0)),
        "sigmoid" => (with["kernel"], with["gamma"], with["coef0"]) = (json!("sigmoid"), json!(0.01), json!(-0.5)),
        _ => {}
    }
    if kind.starts_with("linear") {
        with["kernel"] = json!("linear");
    }
    if kind == "linear c 0.02" {
        with["c"] = json!(0.02);
    }
    with
}

#[test]
fn decisions_and_weights_are_those_of_libsvm() {
    let all = reference::json("kernel");
    let kinds: Vec<(&String, &Json)> =
        all.as_object().expect("entries").iter().filter(|(_, entry)| entry.get("told").is_some()).collect();
    assert_eq!(kinds.len(), 38);
    kinds.into_par_iter().for_each(|(key, entry)| {
        let (set, kind) = key.split_once(": ").expect("set: kind");
        let (x, y) = standardized(set);
        let used: Vec<usize> = (0..x.rows()).step_by(if kind.contains("few") { 5 } else { 1 }).collect();
        let weights: Vec<f64> = used.iter().map(|row| 1.0 + (row % 3) as f64).collect();
        let (seen, answers) = (x.take(&used), y.take(&used));
        let data = Training::new(&seen, &answers);
        let data = if kind.contains("weighted") { data.weighted(&weights) } else { data };
        let estimator = fit(hyper(set, kind), &data);
        if let Estimator::Machine(machine) = &estimator {
            let expected = entry["vectors"].as_f64().expect("a count");
            let found = machine.squares.len() as f64;
            assert!((found - expected).abs() <= 1.0 + 0.01 * expected, "{key}: {found} vectors, not {expected}");
        }
        let told = entry["told"].as_array().expect("rows");
        let mut row = vec![0.0; x.columns()];
        for (nth, expected) in told.iter().enumerate() {
            x.row(nth * (x.rows() / 12), &mut row);
            let expected: Vec<f64> = match expected {
                Json::Array(list) => list.iter().map(|told| told.as_f64().expect("a number")).collect(),
                one => vec![one.as_f64().expect("a number")],
            };
            let found = decisions(&estimator, &row);
            assert_eq!(found.len(), expected.len(), "{key}");
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-3 * expected.abs().max(1.0), "{key}: {found}, not {expected}");
            }
        }
        if let Some(rows) = entry.get("coefficients") {
            let (found, intercepts) = match &estimator {
                Estimator::Duels(duels) => (duels.coefficients.iter().map(|w| -w).collect(), vec![]),
                other => {
                    let (coefficients, intercepts) = other.coefficients().expect("linear");
                    (coefficients.concat(), intercepts.to_vec())
                }
            };
            let rows: Vec<Vec<f64>> = serde_json::from_value(rows.clone()).expect("rows");
            let expected: Vec<f64> = serde_json::from_value(entry["intercepts"].clone()).expect("numbers");
            // Relative to the largest: LIBSVM's kernel is kept in single precision.
            let size = 1.0 + rows.concat().iter().fold(0.0, |largest: f64, w| largest.max(w.abs()));
            for (a, b) in found.iter().zip(rows.concat()).chain(intercepts.iter().zip(expected)) {
                assert!((a - b).abs() <= 1e-4 * size, "{key}: {a}, not {b}");
            }
        }
    });
}

#[test]
fn mean_scores_are_those_of_libsvm() {
    let (all, splits) = (reference::json("kernel"), reference::json("splits"));
    for set in ["penguins", "iris", "wine", "breast_cancer", "diabetes"] {
        let (x, y) = reference::table(set);
        let scores = splits[set].as_array().expect("splits")[..10].par_iter().map(|test| {
            let test: Vec<usize> = serde_json::from_value(test.clone()).expect("rows");
            let train: Vec<usize> = (0..x.rows()).filter(|row| test.binary_search(row).is_err()).collect();
            let x = reference::standardize(&x, &train);
            let (seen, answers) = (x.take(&train), y.take(&train));
            let estimator = fit(Json::Null, &Training::new(&seen, &answers));
            let prediction = estimator.predict(&x.take(&test)).expect("prediction");
            let metric = find_metric(if set == "diabetes" { "r2" } else { "accuracy" }).expect("metric");
            score(metric, &Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 }).expect("score")
        });
        let mean = scores.sum::<f64>() / 10.0;
        let expected = all[format!("{set}: svm")]["mean"].as_f64().expect("score");
        assert!((mean - expected).abs() < 0.001, "{set}: {mean}, not {expected}");
    }
}

#[test]
fn both_ways_to_the_linear_machine_lead_to_the_same_one() {
    let (x, y) = standardized("breast_cancer");
    // With many columns that say nothing, the machine is found by its support vectors instead.
    let mut values = x.values().to_vec();
    values.extend(vec![0.0; x.rows() * 100]);
    let wide = Matrix::new((0..130).map(|name| name.to_string()).collect(), x.rows(), values);
    let with = json!({"kernel": "linear", "probability": false, "tol": 1e-6});
    let (one, other) = (fit(with.clone(), &Training::new(&x, &y)), fit(with, &Training::new(&wide, &y)));
    let (one, other) = (one.coefficients().expect("linear").0, other.coefficients().expect("linear").0);
    for (a, b) in one[0].iter().zip(other[0]) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn a_row_twice_is_a_weight_of_two_and_order_changes_nothing() {
    for (set, kernel) in [("iris", "rbf"), ("breast_cancer", "linear"), ("diabetes", "rbf"), ("diabetes", "linear")] {
        let (x, y) = standardized(set);
        let weights: Vec<f64> = (0..x.rows()).map(|row| [1.0, 2.0, 0.0][row % 3]).collect();
        let twice: Vec<usize> = (0..x.rows()).rev().flat_map(|row| vec![row; weights[row] as usize]).collect();
        let (more, answers) = (x.take(&twice), y.take(&twice));
        // The variance that `gamma: scale` asks for is the rows', weighted or not.
        let with = json!({"kernel": kernel, "tol": 1e-8, "probability": false, "gamma": 0.1});
        let one = fit(with.clone(), &Training::new(&x, &y).weighted(&weights));
        let two = fit(with, &Training::new(&more, &answers));
        let mut row = vec![0.0; x.columns()];
        for nth in (0..x.rows()).step_by(11) {
            x.row(nth, &mut row);
            for (a, b) in decisions(&one, &row).iter().zip(decisions(&two, &row)) {
                assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{set} {kernel}: {a} {b}");
            }
        }
    }
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    for (set, with) in [
        ("iris", json!({})),
        ("breast_cancer", json!({"kernel": "linear"})),
        ("wine", json!({"kernel": "linear"})),
        ("diabetes", json!({"c": 100.0})),
        ("diabetes", json!({"kernel": "linear"})),
    ] {
        let (x, y) = standardized(set);
        let bytes = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            let estimator = pool.install(|| fit(with.clone(), &Training::new(&x, &y).seeded(5)));
            serde_json::to_string(&estimator).expect("JSON")
        };
        let one = bytes(1);
        assert!(one == bytes(2) && one == bytes(8), "{set} {with}");
    }
}

#[test]
fn probabilities_are_near_the_shares_they_promise() {
    let (x, y) = standardized("breast_cancer");
    for kernel in ["rbf", "linear"] {
        let loss = |probability: bool| {
            let estimator =
                fit(json!({"kernel": kernel, "probability": probability}), &Training::new(&x, &y).seeded(1));
            let prediction = estimator.predict(&x).expect("prediction");
            let scored = Scored { truth: &y, prediction: &prediction, positive: 1 };
            (score(find_metric("log_loss").expect("metric"), &scored).expect("score"), prediction.labels())
        };
        let ((fitted, labels), (raw, same)) = (loss(true), loss(false));
        assert!(fitted < 0.12 && fitted < raw - 0.005, "{kernel}: {fitted} {raw}");
        assert_eq!(labels, same, "probabilities change no label");
    }
}

#[test]
fn a_class_of_one_row_and_classes_by_the_hundreds_are_fitted_or_refused() {
    let x = Matrix::new(vec!["a".into()], 5, vec![0.0, 1.0, 2.0, 9.0, 10.0]);
    let y = Target::Classes { codes: vec![0, 0, 0, 3, 1], count: 5 };
    let labels = fit(Json::Null, &Training::new(&x, &y)).predict(&x).expect("prediction").labels();
    assert_eq!(labels.map(|labels| labels[0]), Some(0));
    let many = Matrix::new(vec!["a".into()], 600, (0..600).map(f64::from).collect());
    let y = Target::Classes { codes: (0..600).collect(), count: 600 };
    let model = (find_model("svm").expect("model").check)(Json::Null).unwrap_or_else(|faults| panic!("{faults:?}"));
    assert_eq!(model.fit(&Training::new(&many, &y)).expect_err("fault").code, "many-classes");
}

#[test]
fn machines_that_do_not_hang_together_are_told() {
    let (x, y) = standardized("iris");
    let Estimator::Machine(machine) = fit(Json::Null, &Training::new(&x, &y)) else { panic!("a machine") };
    Estimator::Machine(machine.clone()).check().expect("sound");
    let broken = |change: &dyn Fn(&mut Machine)| {
        let mut machine = machine.clone();
        change(&mut machine);
        Estimator::Machine(machine).check().expect_err("broken").code
    };
    for change in [
        &(|machine: &mut Machine| machine.vectors.truncate(1)) as &dyn Fn(&mut Machine),
        &|machine| machine.coefficients.truncate(1),
        &|machine| machine.intercepts.truncate(1),
        &|machine| machine.means.clear(),
        &|machine| machine.voting.as_mut().expect("classes").starts[1] = 9999,
        &|machine| machine.voting.as_mut().expect("classes").votes.present[2] = 3,
        &|machine| machine.voting.as_mut().expect("classes").votes.slopes.truncate(1),
        &|machine| machine.voting = None,
    ] {
        assert_eq!(broken(change), "broken-model");
    }
}
