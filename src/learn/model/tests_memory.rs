//! What models that remember their rows make of two parts of them: what they make of all at once, or near that.

use serde_json::{Value as Json, json};

use super::{CheckedModel, catalogue, find};
use crate::data::Matrix;
use crate::learn::reference::{standardize, table};
use crate::learn::{Estimator, Memory, Prediction, Resumable, Target, Training};

fn model(name: &str, with: &Json) -> Box<dyn CheckedModel> {
    (find(name).expect("a model").check)(with.clone()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

/// A set with weights, and its rows in parts of very different sizes, dealt so that each part knows every class.
fn parts(set: &str) -> (Matrix, Target, Vec<f64>, Vec<Vec<usize>>) {
    let (x, y) = table(set);
    let weights = (0..x.rows()).map(|row| 0.5 + (row % 3) as f64).collect();
    let part = |row: &usize| [0, 0, 0, 1, 0, 2, 1, 0, 0, 1][row % 10];
    let parts = (0..3).map(|nth| (0..x.rows()).filter(|row| part(row) == nth).collect()).collect();
    (x, y, weights, parts)
}

/// The model of all rows, and the one that went on from part to part.
fn both(name: &str, with: &Json, set: &str, weighted: bool) -> (Estimator, Estimator, Matrix, Target) {
    let (x, y, weights, parts) = parts(set);
    let x = if name == "logistic_regression" || name == "neural_network" {
        standardize(&x, &(0..x.rows()).collect::<Vec<_>>())
    } else {
        x
    };
    let model = model(name, with);
    let mut order = Vec::new();
    let mut last: Option<Estimator> = None;
    for part in &parts {
        order.extend(part);
        let (x, y) = (x.take(part), y.take(part));
        let weights: Vec<f64> = part.iter().map(|&row| weights[row]).collect();
        let data = Training::new(&x, &y).remembering().seeded(4);
        let data = if weighted { data.weighted(&weights) } else { data };
        let next = match &last {
            None => model.fit(&data),
            Some(last) => model.update(last, &data),
        };
        let next = next.unwrap_or_else(|fault| panic!("{name}: {}", fault.message));
        next.check().unwrap_or_else(|_| panic!("{name}: unsound"));
        last = Some(next);
    }
    // The rows in the order in which they came.
    let (x, y) = (x.take(&order), y.take(&order));
    let weights: Vec<f64> = order.iter().map(|&row| weights[row]).collect();
    let data = Training::new(&x, &y).seeded(4);
    let whole = model.fit(&if weighted { data.weighted(&weights) } else { data }).expect("a fit");
    (whole, last.expect("a model"), x, y)
}

fn values(estimator: &Estimator, x: &Matrix) -> Vec<f64> {
    match estimator.predict(x).expect("a prediction") {
        Prediction::Numbers(values) | Prediction::Probabilities { values, .. } => values,
    }
}

/// The largest difference of what two say, as a share of the largest that is said.
fn apart(one: &Estimator, other: &Estimator, x: &Matrix) -> f64 {
    let (a, b) = (values(one, x), values(other, x));
    let size = a.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    a.iter().zip(&b).fold(0.0f64, |most, (a, b)| most.max((a - b).abs())) / size
}

#[test]
fn parts_come_to_what_all_rows_come_to() {
    let tight = |with: Json| {
        let mut with = with;
        with["tol"] = 1e-13.into();
        with["max_iter"] = 1_000_000.into();
        with
    };
    let cases = [
        ("linear_regression", json!({}), "diabetes"),
        ("linear_regression", json!({"fit_intercept": false}), "diabetes"),
        ("ridge", json!({"alpha": 3.0}), "diabetes"),
        ("ridge", json!({"alpha": 0.5, "fit_intercept": false}), "diabetes"),
        ("lasso", tight(json!({"alpha": 0.3})), "diabetes"),
        ("lasso", tight(json!({"alpha": 0.3, "positive": true})), "diabetes"),
        ("elastic_net", tight(json!({"alpha": 0.01, "l1_ratio": 0.4})), "diabetes"),
        ("elastic_net", json!({"alpha": 0.01, "l1_ratio": 0}), "diabetes"),
        ("naive_bayes", json!({}), "wine"),
        ("naive_bayes", json!({"kind": "bernoulli", "binarize": 2.0}), "wine"),
        ("naive_bayes", json!({"kind": "multinomial"}), "wine"),
        ("naive_bayes", json!({"kind": "multinomial"}), "breast_cancer"),
        ("knn", json!({"n_neighbors": 7, "weights": "distance"}), "wine"),
        ("knn", json!({}), "diabetes"),
    ];
    for (name, with, set) in cases {
        for weighted in [false, true] {
            let (whole, gone, x, _) = both(name, &with, set, weighted);
            let found = apart(&whole, &gone, &x);
            assert!(found < 1e-8, "{name} {with} weighted: {weighted}: {found}");
            if let (Some(a), Some(b)) = (whole.importance(), gone.importance()) {
                assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-8), "{name}: {a:?}, not {b:?}");
            }
        }
    }
}

/// Features that depend on each other, and one that is constant in one part: the coefficients of least norm.
#[test]
fn features_that_depend_on_each_other_come_to_the_same_coefficients() {
    let rows = 60;
    let one_hot = |level: usize| (0..rows).map(move |row| if row % 3 == level { 1.0 } else { 0.0 });
    let late = (0..rows).map(|row| if row < 30 { 7.0 } else { (row % 5) as f64 });
    let values = one_hot(0).chain(one_hot(1)).chain(one_hot(2)).chain(late).collect();
    let x = Matrix::new(["a", "b", "c", "late"].map(String::from).to_vec(), rows, values);
    let y = Target::Numbers((0..rows).map(|row| ((row * 37) % 11) as f64).collect());
    let (first, second): (Vec<usize>, Vec<usize>) = (0..rows).partition(|row| *row < 30);
    let model = model("linear_regression", &json!({}));
    let fit = |part: &[usize], last: Option<&Estimator>| {
        let (x, y) = (x.take(part), y.take(part));
        let data = Training::new(&x, &y).remembering();
        last.map_or_else(|| model.fit(&data), |last| model.update(last, &data)).expect("a model")
    };
    let gone = fit(&second, Some(&fit(&first, None)));
    let whole = model.fit(&Training::new(&x, &y)).expect("a model");
    let ((a, a0), (b, b0)) = (gone.coefficients().expect("a line"), whole.coefficients().expect("a line"));
    for (a, b) in a[0].iter().chain(a0).zip(b[0].iter().chain(b0)) {
        assert!((a - b).abs() < 1e-8, "{a}, not {b}");
    }
}

/// As far as a parabola tells the loss of the rows of before: within four points of probability, half a point on average.
#[test]
fn logistic_regression_comes_near_to_what_all_rows_come_to() {
    for (set, with) in [
        ("breast_cancer", json!({"c": 0.1, "tol": 1e-8, "max_iter": 1000})),
        ("wine", json!({"c": 0.1, "tol": 1e-8, "max_iter": 1000})),
        ("iris", json!({"penalty": "l1", "c": 1.0, "tol": 1e-8, "max_iter": 10000})),
        ("iris", json!({"fit_intercept": false, "tol": 1e-8, "max_iter": 1000})),
    ] {
        for weighted in [false, true] {
            let (whole, gone, x, _) = both("logistic_regression", &with, set, weighted);
            let found = apart(&whole, &gone, &x);
            let (a, b) = (values(&whole, &x), values(&gone, &x));
            let mean = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64;
            assert!(found < 0.04 && mean < 0.005, "{set} {with} weighted: {weighted}: {found}, on average {mean}");
        }
    }
}

#[test]
fn a_network_goes_on_and_does_not_forget_all() {
    let with = json!({"hidden_layer_sizes": [16], "max_iter": 30, "alpha": 0.01});
    for solver in ["adam", "sgd"] {
        let mut with = with.clone();
        with["solver"] = solver.into();
        let model = model("neural_network", &with);
        let (x, y, _, parts) = parts("breast_cancer");
        let x = standardize(&x, &(0..x.rows()).collect::<Vec<_>>());
        let Target::Classes { codes, .. } = &y else { panic!("classes") };
        let loss = |estimator: &Estimator, rows: &[usize]| {
            let said = values(estimator, &x.take(rows));
            let own = |(nth, row): (usize, &usize)| -said[2 * nth + codes[*row] as usize].max(1e-12).ln();
            rows.iter().enumerate().map(own).sum::<f64>() / rows.len() as f64
        };
        let part = |rows: &[usize], last: Option<&Estimator>| {
            let (x, y) = (x.take(rows), y.take(rows));
            let data = Training::new(&x, &y).remembering().seeded(2);
            last.map_or_else(|| model.fit(&data), |last| model.update(last, &data)).expect("a network")
        };
        let first = part(&parts[0], None);
        let second = part(&parts[1], Some(&first));
        second.check().expect("sound");
        assert!(loss(&second, &parts[1]) < loss(&first, &parts[1]), "{solver}");
        // The rows of before are told far better than by a coin still.
        assert!(loss(&second, &parts[0]) < 0.5 * 2.0f64.ln(), "{solver}");
        assert_eq!(second, part(&parts[1], Some(&first)), "{solver}");
        let Estimator::Resumable(Resumable { memory: Memory::Course(_), .. }) = &second else { panic!("a course") };
    }
    let (x, y, _, parts) = parts("diabetes");
    let model = model("neural_network", &json!({"max_iter": 20}));
    let of = |rows: &[usize]| (x.take(rows), y.take(rows));
    let (x0, y0) = of(&parts[0]);
    let first = model.fit(&Training::new(&x0, &y0).remembering()).expect("a network");
    let (x1, y1) = of(&parts[1]);
    let second = model.update(&first, &Training::new(&x1, &y1).remembering()).expect("a network");
    let error = |estimator: &Estimator| {
        let Target::Numbers(y) = &y1 else { panic!("numbers") };
        values(estimator, &x1).iter().zip(y).map(|(a, b)| (a - b).powi(2)).sum::<f64>()
    };
    assert!(error(&second) < error(&first));
}

#[test]
fn what_is_remembered_does_not_grow_and_is_left_out_where_it_is_not_wanted() {
    for entry in catalogue() {
        let set = if entry.tasks.contains(&crate::learn::Task::Classification) { "iris" } else { "diabetes" };
        let (x, y, _, parts) = parts(set);
        let model = model(entry.name, &Json::Null);
        let size = |estimator: &Estimator| {
            let Estimator::Resumable(resumable) = estimator else { return 0 };
            serde_json::to_string(&resumable.memory).expect("JSON").matches(',').count()
        };
        let of = |rows: &[usize]| (x.take(rows), y.take(rows));
        let (x0, y0) = of(&parts[0]);
        let plain = model.fit(&Training::new(&x0, &y0)).expect("a fit");
        assert!(!matches!(plain, Estimator::Resumable(_)), "{}", entry.name);
        if !model.remembers() {
            continue;
        }
        assert!(entry.updates, "{}", entry.name);
        let first = model.fit(&Training::new(&x0, &y0).remembering()).expect("a fit");
        assert_eq!(first.clone().settled(), plain, "{}", entry.name);
        let (x1, y1) = of(&parts[1]);
        let second = model.update(&first, &Training::new(&x1, &y1).remembering()).expect("an update");
        assert_eq!(size(&first), size(&second), "{}", entry.name);
        let fault = model.update(&plain, &Training::new(&x1, &y1)).expect_err("nothing remembered");
        assert_eq!(fault.code, "no-update", "{}", entry.name);
    }
}
