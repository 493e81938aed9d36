//! Linear models, naive Bayes and neighbours beside scikit-learn's, and what must not change them.

use serde_json::{Value as Json, json};

use super::tests::model;
use crate::data::Matrix;
use crate::learn::chance::Chance;
use crate::learn::{Estimator, Prediction, Target, Task, Training, Watch, reference};
use crate::source::Fault;

const MANY: f64 = 1e-9;

/// Every model of the family with hyper-parameters that bring it to its optimum.
fn family() -> Vec<(&'static str, Json)> {
    let tight = |mut with: Json| {
        with["tol"] = json!(1e-13);
        with["max_iter"] = json!(100_000);
        with
    };
    vec![
        ("linear_regression", json!({})),
        ("ridge", json!({"alpha": 3.0})),
        ("lasso", tight(json!({"alpha": 0.7}))),
        ("lasso", tight(json!({"alpha": 0.7, "positive": true}))),
        ("elastic_net", tight(json!({"alpha": 0.3}))),
        ("logistic_regression", tight(json!({}))),
        ("naive_bayes", json!({})),
        ("naive_bayes", json!({"kind": "bernoulli"})),
        ("knn", json!({"algorithm": "brute"})),
        ("knn", json!({"algorithm": "kd_tree", "weights": "distance"})),
        ("knn", json!({"metric": "manhattan", "algorithm": "brute"})),
    ]
}

/// A standardized table that the model can learn from.
fn table(name: &str) -> (Matrix, Target) {
    let regression = crate::learn::find_model(name).expect("model").tasks == [Task::Regression];
    let (x, y) = reference::table(if regression { "diabetes" } else { "iris" });
    let all: Vec<usize> = (0..x.rows()).collect();
    (reference::standardize(&x, &all), y)
}

fn predictions(estimator: &Estimator, x: &Matrix) -> Vec<f64> {
    match estimator.predict(x).expect("prediction") {
        Prediction::Probabilities { values, .. } | Prediction::Numbers(values) => values,
    }
}

fn near(found: &[f64], expected: &[f64], within: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= within * (1.0 + b.abs()), "{what}: {a}, not {b}");
    }
}

fn floats(value: &Json) -> Vec<f64> {
    match value {
        Json::Array(values) => values.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().expect("a number")],
    }
}

#[test]
fn lines_are_those_of_scikit_learn() {
    let all = reference::json("linear");
    for (key, expected) in all["lines"].as_object().expect("variants") {
        let (name, kind) = key.split_once(": ").expect("model: kind");
        let (raw, y) = reference::table("diabetes");
        let every: Vec<usize> = (0..raw.rows()).collect();
        let (mut x, mut y) = (reference::standardize(&raw, &every), y);
        let mut with = if ["lasso", "elastic_net"].contains(&name) {
            json!({"tol": 1e-13, "max_iter": 1_000_000})
        } else {
            json!({})
        };
        let mut weights = None;
        match (name, kind) {
            ("ridge", "alpha 100") => with["alpha"] = json!(100.0),
            ("ridge" | "lasso", "wide") => with["alpha"] = json!(0.5),
            ("lasso", "alpha 20") => with["alpha"] = json!(20.0),
            ("lasso", "raw") => with["alpha"] = json!(0.1),
            ("elastic_net", "raw") => with["alpha"] = json!(0.01),
            ("elastic_net", "mostly l1") => (with["alpha"], with["l1_ratio"]) = (json!(0.5), json!(0.9)),
            (_, "no intercept") => with["fit_intercept"] = json!(false),
            (_, "positive") => with["positive"] = json!(true),
            (_, "weighted") => weights = Some((0..x.rows()).map(|row| (row % 3) as f64).collect::<Vec<f64>>()),
            _ => {}
        }
        match kind {
            "raw" => x = raw,
            "wide" => (x, y) = (x.take(&every[..8]), y.take(&every[..8])),
            _ => {}
        }
        let data = Training { weights: weights.as_deref(), ..Training::new(&x, &y) };
        let estimator = model(name, with).fit(&data).expect("estimator");
        let (coefficients, intercepts) = estimator.coefficients().expect("a line");
        near(coefficients[0], &floats(&expected["coefficients"]), 1e-6, key);
        near(intercepts, &floats(&expected["intercepts"]), 1e-6, key);
        let zeros = |values: &[f64]| values.iter().map(|value| *value == 0.0).collect::<Vec<bool>>();
        assert_eq!(zeros(coefficients[0]), zeros(&floats(&expected["coefficients"])), "{key}");
    }
}

#[test]
fn probabilities_of_naive_bayes_are_those_of_scikit_learn() {
    let all = reference::json("linear");
    for (key, expected) in all["bayes"].as_object().expect("variants") {
        let (set, kind) = key.split_once(": ").expect("set: kind");
        let (x, y) = reference::table(set);
        let rows: Vec<usize> = (0..x.rows()).collect();
        let z = reference::standardize(&x, &rows);
        let weights: Vec<f64> = rows.iter().map(|row| 1.0 + (row % 3) as f64).collect();
        let (x, with, weights) = match kind {
            "gaussian" => (x, json!({}), None),
            "smooth" => (x, json!({"var_smoothing": 1e-3}), None),
            "multinomial" => (x, json!({"kind": "multinomial"}), None),
            "bernoulli" => (z, json!({"kind": "bernoulli", "alpha": 0.5, "binarize": 0.1}), None),
            "uniform" => (z, json!({"kind": "bernoulli", "fit_prior": false}), None),
            _ => (z, json!({}), Some(&weights[..])),
        };
        let estimator = model("naive_bayes", with).fit(&Training { weights, ..Training::new(&x, &y) }).expect("fit");
        let some: Vec<usize> = rows.iter().copied().step_by(11).collect();
        // scikit-learn smooths by the unweighted variance.
        let within = if kind == "weighted" { 1e-7 } else { 1e-9 };
        near(&predictions(&estimator, &x.take(&some)), &floats(expected), within, key);
    }
}

#[test]
fn neighbours_say_what_they_say_in_scikit_learn() {
    let all = reference::json("linear");
    for (key, expected) in all["neighbors"].as_object().expect("variants") {
        let (set, kind) = key.split_once(": ").expect("set: kind");
        let (x, y) = reference::table(set);
        let rows: Vec<usize> = (0..x.rows()).collect();
        let z = reference::standardize(&x, &rows);
        let train: Vec<usize> = rows.iter().copied().filter(|row| row % 3 != 0).collect();
        let test: Vec<usize> = rows.iter().copied().filter(|row| row % 9 == 0).collect();
        let (seen, answers) = (z.take(&train), y.take(&train));
        for algorithm in ["auto", "brute", "kd_tree"] {
            let with = match kind {
                "5" => json!({"algorithm": algorithm}),
                "1" => json!({"algorithm": algorithm, "n_neighbors": 1}),
                "distance" => json!({"algorithm": algorithm, "n_neighbors": 9, "weights": "distance"}),
                _ => json!({"algorithm": algorithm, "n_neighbors": 7, "weights": "distance", "metric": "manhattan"}),
            };
            let estimator = model("knn", with).fit(&Training::new(&seen, &answers)).expect("fit");
            near(&predictions(&estimator, &z.take(&test)), &floats(expected), 1e-9, key);
        }
    }
}

#[test]
fn a_weight_of_two_is_a_row_twice_and_of_zero_none() {
    for (name, with) in family().into_iter().filter(|(name, _)| *name != "knn") {
        let (x, y) = table(name);
        let weights: Vec<f64> = (0..x.rows()).map(|row| (row % 3) as f64).collect();
        let copies: Vec<usize> = (0..x.rows()).flat_map(|row| vec![row; row % 3]).collect();
        let (more, answers) = (x.take(&copies), y.take(&copies));
        let one = model(name, with.clone()).fit(&Training::new(&x, &y).weighted(&weights)).expect("fit");
        let two = model(name, with).fit(&Training::new(&more, &answers)).expect("fit");
        near(&predictions(&one, &x), &predictions(&two, &x), 1e-7, name);
    }
}

#[test]
fn the_order_of_rows_and_columns_and_constant_columns_change_nothing() {
    for (name, with) in family() {
        let (x, y) = table(name);
        let fit = |x: &Matrix, y: &Target| model(name, with.clone()).fit(&Training::new(x, y)).expect("fit");
        let plain = fit(&x, &y);
        let expected = predictions(&plain, &x);
        let mut order: Vec<usize> = (0..x.rows()).collect();
        Chance::new(5, 0).shuffle(&mut order);
        // Rows that are equally near take their turn in their order: only there does it say anything.
        if name != "knn" {
            let shuffled = fit(&x.take(&order), &y.take(&order));
            near(&predictions(&shuffled, &x), &expected, MANY, name);
        }
        let turned = columns(&x, |all| all.reverse());
        near(&predictions(&fit(&turned, &y), &turned), &expected, MANY, name);
        let more = columns(&x, |all| all.insert(1, vec![7.25; x.rows()]));
        let with_constant = fit(&more, &y);
        near(&predictions(&with_constant, &more), &expected, MANY, name);
        if let (Some((plain, _)), Some((more, _))) = (plain.coefficients(), with_constant.coefficients()) {
            for (plain, more) in plain.iter().zip(more) {
                assert_eq!(more[1], 0.0, "{name}");
                near(&[&more[..1], &more[2..]].concat(), plain, 1e-8, name);
            }
        }
    }
}

/// The same rows with other columns.
fn columns(x: &Matrix, change: impl Fn(&mut Vec<Vec<f64>>)) -> Matrix {
    let mut all: Vec<Vec<f64>> = (0..x.columns()).map(|column| x.column(column).to_vec()).collect();
    change(&mut all);
    let names = (0..all.len()).map(|name| name.to_string()).collect();
    Matrix::new(names, x.rows(), all.concat())
}

/// More rows than a block has, in three classes.
fn many_rows(rows: usize, columns: usize) -> (Matrix, [Target; 2]) {
    let mut chance = Chance::new(11, 0);
    let values: Vec<f64> = (0..rows * columns).map(|_| chance.below(1000) as f64 / 250.0 - 2.0).collect();
    let names = (0..columns).map(|name| name.to_string()).collect();
    let x = Matrix::new(names, rows, values);
    let noisy: Vec<f64> = (0..rows)
        .map(|row| x.at(row, 0) - 0.5 * x.at(row, 1) * x.at(row, 2) + chance.below(100) as f64 / 50.0)
        .collect();
    let codes = noisy.iter().map(|y| u32::from(*y > 0.0) + u32::from(*y > 2.0)).collect();
    (x, [Target::Numbers(noisy), Target::Classes { codes, count: 3 }])
}

#[test]
fn many_rows_give_the_same_bytes_on_any_number_of_threads() {
    let (x, targets) = many_rows(9000, 5);
    let weights: Vec<f64> = (0..x.rows()).map(|row| 0.5 + (row % 7) as f64).collect();
    for (name, _) in family() {
        let entry = crate::learn::find_model(name).expect("model");
        for y in targets.iter().filter(|y| entry.tasks.contains(&y.task())) {
            let bytes = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
                let fit = || {
                    let estimator = model(name, Json::Null).fit(&Training::new(&x, y).weighted(&weights)).expect("fit");
                    let some: Vec<usize> = (0..600).collect();
                    (serde_json::to_string(&estimator).expect("JSON"), predictions(&estimator, &x.take(&some)))
                };
                pool.install(fit)
            };
            let one = bytes(1);
            assert!(one == bytes(2) && one == bytes(8), "{name}");
        }
    }
}

#[test]
fn features_that_depend_on_each_other_are_no_fault() {
    let (x, [y, _]) = many_rows(500, 4);
    // A column twice, and one that is the sum of two others but for the last digits.
    let twin = columns(&x, |all| {
        all.push(all[0].clone());
        all.push(all[1].iter().zip(&all[2]).map(|(a, b)| a + b * (1.0 + 1e-13)).collect());
    });
    let plain = model("linear_regression", Json::Null).fit(&Training::new(&x, &y)).expect("fit");
    let doubled = model("linear_regression", Json::Null).fit(&Training::new(&twin, &y)).expect("fit");
    near(&predictions(&doubled, &twin), &predictions(&plain, &x), 1e-8, "twins");
    let (w, _) = doubled.coefficients().expect("a line");
    assert!((w[0][0] - w[0][4]).abs() < 1e-8, "twins share what is theirs: {w:?}");
    // Nearly dependent: the small difference carries a coefficient of its own.
    let close = columns(&x, |all| {
        let other = all[0].iter().zip(&all[3]).map(|(a, b)| a + 1e-6 * b).collect();
        all.push(other);
        all.remove(3);
    });
    let fitted = model("linear_regression", Json::Null).fit(&Training::new(&close, &y)).expect("fit");
    near(&predictions(&fitted, &close), &predictions(&plain, &x), 1e-8, "nearly twins");
}

#[test]
fn a_descent_that_does_not_converge_warns() {
    #[derive(Default)]
    struct Ear(std::sync::Mutex<Vec<Fault>>);
    impl Watch for Ear {
        fn warn(&self, warning: Fault) {
            self.0.lock().expect("ear").push(warning);
        }
    }
    let (x, y) = reference::table("diabetes");
    for (max_iter, warnings) in [(1, 1), (1000, 0)] {
        let ear = Ear::default();
        let with = json!({"alpha": 0.01, "max_iter": max_iter});
        model("lasso", with).fit(&Training::new(&x, &y).watched(&ear)).expect("fit");
        let heard = ear.0.into_inner().expect("ear");
        assert_eq!(heard.len(), warnings, "{heard:?}");
        assert!(heard.iter().all(|fault| fault.message == "`lasso` did not converge in 1 sweeps"));
    }
}

#[test]
fn a_fit_stops_when_told() {
    struct Stopped;
    impl Watch for Stopped {
        fn cancelled(&self) -> bool {
            true
        }
    }
    for name in ["linear_regression", "ridge", "lasso", "elastic_net", "logistic_regression"] {
        let (x, y) = table(name);
        let fault = model(name, Json::Null).fit(&Training::new(&x, &y).watched(&Stopped)).expect_err("stopped");
        assert_eq!(fault.code, "interrupted", "{name}");
    }
}

#[test]
fn a_thousand_classes_are_learned() {
    let (rows, count) = (1050, 1000);
    let values: Vec<f64> =
        (0..rows * 2).map(|cell| (cell % rows) as f64 + if cell < rows { 0.0 } else { 0.25 }).collect();
    let x = Matrix::new(vec!["a".into(), "b".into()], rows, values);
    let y = Target::Classes { codes: (0..rows as u32).map(|row| row.min(999)).collect(), count };
    for (name, with) in [("knn", json!({"n_neighbors": 1})), ("naive_bayes", json!({}))] {
        let estimator = model(name, with).fit(&Training::new(&x, &y)).expect("fit");
        let some: Vec<usize> = vec![0, 77, 998];
        let labels = estimator.predict(&x.take(&some)).expect("prediction").labels().expect("classes");
        assert_eq!(labels, [0, 77, 998], "{name}");
    }
}
