//! Explanations of every model, bare and as parts of others: what they say adds up to what the model says.

use serde_json::{Value as Json, json};

use super::{CheckedModel, catalogue, find};
use crate::data::Matrix;
use crate::learn::reference::{standardize, table};
use crate::learn::{
    Background, Calibrate, Calibrated, Calibration, Ensemble, Estimator, Explanation, Hard, HeldOut, How, Member, Mix,
    Of, Prediction, Scale, Target, Task, Training, Transform, Transformed,
};

fn model(name: &str, with: &Json) -> Box<dyn CheckedModel> {
    (find(name).expect("a model").check)(with.clone()).unwrap_or_else(|_| panic!("{name}"))
}

/// Two classes, three of them, and numbers; each feature by its mean and spread.
fn sets() -> Vec<(Matrix, Target)> {
    let sets = ["breast_cancer", "iris", "diabetes"].map(table);
    sets.into_iter().map(|(x, y)| (standardize(&x, &(0..x.rows()).collect::<Vec<_>>()), y)).collect()
}

fn row(x: &Matrix, row: usize) -> Vec<f64> {
    let mut into = vec![0.0; x.columns()];
    x.row(row, &mut into);
    into
}

fn background(x: &Matrix) -> Background {
    Background::new((0..8).map(|nth| row(x, nth * x.rows() / 8)).collect())
}

fn said(estimator: &Estimator, row: &[f64]) -> Vec<f64> {
    let mut into = vec![0.0; estimator.outputs()];
    estimator.predict_row(row, &mut into);
    into
}

/// What an explanation's sums stand for, as the answer that they lead to.
fn told(explanation: &Explanation) -> Vec<f64> {
    let outputs = explanation.base.len();
    let sum = |output: usize| {
        let (base, values) = explanation.output(output);
        base + values.iter().sum::<f64>()
    };
    let sums: Vec<f64> = (0..outputs).map(sum).collect();
    let each = |of: fn(f64) -> f64| sums.iter().map(|sum| of(*sum)).collect();
    match explanation.scale {
        Scale::LogOdds if outputs == 2 => each(|odds| 1.0 / (1.0 + (-odds).exp())),
        Scale::LogOdds => {
            let most = sums.iter().fold(f64::NEG_INFINITY, |most, odds| most.max(*odds));
            let total: f64 = sums.iter().map(|odds| (odds - most).exp()).sum();
            sums.into_iter().map(|odds| (odds - most).exp() / total).collect()
        }
        // Of a target that was brought to another scale, the answer there is compared.
        _ => sums,
    }
}

/// Explains some rows, and compares the sums with what `truth` says.
fn adds_up(what: &str, estimator: &Estimator, truth: &Estimator, x: &Matrix) -> Explanation {
    let background = background(x);
    let mut last = None;
    for at in [1, 40, 97, 149] {
        let row = row(x, at);
        let found = estimator.explain(&row, &background).unwrap_or_else(|fault| panic!("{what}: {}", fault.message));
        for (found, said) in told(&found).iter().zip(said(truth, &row)) {
            assert!((found - said).abs() < 1e-9 * (1.0 + said.abs()), "{what}: {found}, not {said}");
        }
        last = Some(found);
    }
    last.expect("an explanation")
}

fn few(name: &str) -> Json {
    match name {
        "random_forest" | "extra_trees" | "gradient_boosting" => json!({"n_estimators": 10}),
        "neural_network" => json!({"hidden_layer_sizes": [8], "max_iter": 10}),
        _ => Json::Null,
    }
}

#[test]
fn every_model_is_explained_and_adds_up() {
    let sampled = ["knn", "neural_network", "svm"];
    for entry in catalogue() {
        for (x, y) in sets().iter().filter(|(_, y)| entry.tasks.contains(&y.task())) {
            let estimator = model(entry.name, &few(entry.name)).fit(&Training::new(x, y).seeded(1)).expect("fitted");
            let found = adds_up(entry.name, &estimator, &estimator, x);
            let how = if sampled.contains(&entry.name) { How::Sampled } else { How::Exact };
            assert_eq!((found.of, found.method), (Of::Answer, how), "{}", entry.name);
            assert_eq!(found, estimator.explain(&row(x, 149), &background(x)).expect("again"), "{}", entry.name);
        }
    }
    for kind in ["bernoulli", "gaussian"] {
        for (x, y) in sets().iter().filter(|(_, y)| y.task() == Task::Classification) {
            let estimator = model("naive_bayes", &json!({"kind": kind})).fit(&Training::new(x, y)).expect("fitted");
            let found = adds_up(kind, &estimator, &estimator, x);
            assert_eq!((found.scale, found.method), (Scale::LogOdds, How::Exact));
        }
    }
}

#[test]
fn a_calibrated_model_is_explained_before_its_calibration() {
    for (x, y) in sets().iter().filter(|(_, y)| y.task() == Task::Classification) {
        let Target::Classes { codes, count } = y else { panic!("classes") };
        for name in ["logistic_regression", "random_forest", "knn"] {
            let inner = model(name, &few(name)).fit(&Training::new(x, y)).expect("fitted");
            let Prediction::Probabilities { values, .. } = inner.predict(x).expect("said") else { panic!("classes") };
            let held = HeldOut { codes, classes: *count, values: &values, weights: None };
            let calibration = Calibration::fit(Calibrate::Isotonic, &inner, &held).expect("calibrated");
            let whole = Estimator::Calibrated(Calibrated { inner: Box::new(inner.clone()), calibration });
            if name == "knn" {
                let found = adds_up(name, &whole, &whole, x);
                assert_eq!((found.of, found.method), (Of::Answer, How::Sampled));
            } else {
                let found = adds_up(name, &whole, &inner, x);
                assert_eq!((found.of, found.method), (Of::ScoreBeforeCalibration, How::Exact));
            }
        }
    }
}

#[test]
fn a_transformed_target_is_explained_on_its_scale() {
    let (x, y) = sets().pop().expect("numbers");
    let Target::Numbers(numbers) = &y else { panic!("numbers") };
    for (transform, scale) in [
        (Transform::Log, Scale::Logarithm),
        (Transform::Log1p, Scale::Log1p),
        (Transform::Sqrt, Scale::Root),
        (Transform::YeoJohnson, Scale::YeoJohnson),
        (Transform::Quantile, Scale::Quantile),
    ] {
        let transform = transform.fit(numbers).expect("a scale");
        let there: Vec<f64> = numbers.iter().map(|y| transform.there(*y).expect("a place")).collect();
        let there = Target::Numbers(there);
        for (name, scale) in [("ridge", scale), ("gradient_boosting", scale), ("knn", Scale::Number)] {
            let inner = model(name, &few(name)).fit(&Training::new(&x, &there)).expect("fitted");
            let whole =
                Estimator::Transformed(Transformed { inner: Box::new(inner.clone()), transform: transform.clone() });
            let found = if scale == Scale::Number {
                adds_up(name, &whole, &whole, &x)
            } else {
                // On its scale it is what the model inside says.
                adds_up(name, &whole, &inner, &x)
            };
            assert_eq!(found.scale, scale, "{name}");
        }
    }
}

/// A mean of members, each of which reads some of the features.
fn fused(names: [&str; 2], hard: bool, x: &Matrix, y: &Target) -> Estimator {
    let columns = x.columns() as u32;
    let own = [(0..columns - 1).collect::<Vec<u32>>(), (1..columns).collect()];
    let member = |(name, columns): (&str, Vec<u32>)| {
        let picked = columns.iter().flat_map(|column| x.column(*column as usize)).copied().collect();
        let names = columns.iter().map(|column| x.names()[*column as usize].clone()).collect();
        let seen = Matrix::new(names, x.rows(), picked);
        let estimator = model(name, &few(name)).fit(&Training::new(&seen, y)).expect("fitted");
        Member { columns, estimator, hard: hard.then_some(Hard { threshold: None, positive: 1 }) }
    };
    let members: Vec<Member> = names.into_iter().zip(own).map(member).collect();
    let outputs = members[0].estimator.outputs();
    let last = Estimator::Mix(Mix { task: y.task(), outputs, weights: vec![0.75, 0.25] });
    Estimator::Ensemble(Ensemble::new(x.columns(), members, last))
}

#[test]
fn a_mean_is_explained_by_its_members_where_they_say_sums() {
    for (x, y) in sets() {
        let classes = y.task() == Task::Classification;
        let trees = fused(["random_forest", "extra_trees"], false, &x, &y);
        assert_eq!(adds_up("trees", &trees, &trees, &x).method, How::Exact);
        let names = if classes { ["random_forest", "logistic_regression"] } else { ["ridge", "gradient_boosting"] };
        let mixed = fused(names, false, &x, &y);
        // Log-odds don't add up to a mean of probabilities.
        let how = if classes { How::Sampled } else { How::Exact };
        assert_eq!(adds_up("mixed", &mixed, &mixed, &x).method, how);
        if classes {
            let votes = fused(["random_forest", "extra_trees"], true, &x, &y);
            assert_eq!(adds_up("votes", &votes, &votes, &x).method, How::Sampled);
        }
    }
}
