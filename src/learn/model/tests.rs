//! What all models must do, and how near they are to scikit-learn's.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::data::Matrix;
use crate::learn::{Prediction, Scored, Target, balanced_weights, find_metric, reference, score};

pub(super) fn model(name: &str, with: Json) -> Box<dyn CheckedModel> {
    (find(name).expect("model").check)(with).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

fn classes(codes: &[u32], count: usize) -> Target {
    Target::Classes { codes: codes.to_vec(), count }
}

fn one_column(values: &[f64]) -> Matrix {
    Matrix::new(vec!["a".into()], values.len(), values.to_vec())
}

fn targets(rows: usize) -> [Target; 2] {
    [
        classes(&(0..rows as u32).map(|row| row % 2).collect::<Vec<_>>(), 2),
        Target::Numbers((0..rows).map(|row| row as f64 * 1.5).collect()),
    ]
}

#[test]
fn the_catalogue_is_whole() {
    struct Name;
    impl ModelVisitor for Name {
        type Out = (&'static str, usize);
        fn visit<M: Model>(self) -> Self::Out {
            (M::NAME, M::HYPER.len())
        }
    }
    for entry in catalogue() {
        let example: Json = serde_yaml::from_str(entry.example).expect("YAML");
        let checked = (entry.check)(example).unwrap_or_else(|faults| panic!("{faults:?}"));
        let default = model(entry.name, Json::Null);
        let canonical = default.canonical();
        let keys: Vec<&String> = canonical.as_object().expect("a map").keys().collect();
        let names: Vec<&str> = entry.hyper.iter().map(|hyper| hyper.name).collect();
        assert_eq!(keys, names, "{}", entry.name);
        assert_eq!(checked.name(), entry.name);
        assert_eq!(with_model(entry.name, Name), Some((entry.name, names.len())));
        let schema = (entry.schema)();
        let properties = schema.get("properties").and_then(Json::as_object).expect("properties");
        assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), names);
        assert!(entry.synonyms.iter().all(|(_, ours)| names.contains(ours)), "{}", entry.name);
        assert!((entry.check)(json!({"nonsense": 1})).is_err());
    }
    assert!(with_model("forrest", Name).is_none());
}

#[test]
fn wrong_values_are_told_all_at_once_with_their_keys() {
    let routes = |name: &str, with: Json| -> Vec<String> {
        let faults = (find(name).expect("model").check)(with).err().expect("faults");
        faults.iter().map(|fault| fault.route.to_string()).collect()
    };
    let with = json!({"n_estimators": 0, "max_depth": 0, "max_features": 1.5, "bootstrap": false, "max_samples": 3});
    assert_eq!(routes("random_forest", with), ["n_estimators", "max_depth", "max_features", "max_samples"]);
    let with = json!({"c": -1.0, "max_iter": 0, "l1_ratio": 0.5});
    assert_eq!(routes("logistic_regression", with), ["c", "max_iter", "l1_ratio"]);
    let with = json!({"max_features": "some"});
    let fault = &(find("random_forest").expect("model").check)(with).err().expect("faults")[0];
    assert!(fault.to_string().contains("`sqrt`, `log2`, `all`, a whole number"), "{fault}");
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    let help = |name| find(name).err().and_then(|fault| fault.help).expect("help");
    for name in ["rf", "RandomForestClassifier", "random-forest", "randon_forest"] {
        assert_eq!(help(name), "did you mean `random_forest`?");
    }
    assert_eq!(help("GaussianNB"), "did you mean `naive_bayes`?");
    assert_eq!(find("forrest").err().expect("fault").code, "unknown-model");
}

#[test]
fn bad_rows_are_refused_by_name_and_odd_ones_fitted() {
    for entry in catalogue() {
        let fit = |x: &Matrix, y: &Target| model(entry.name, Json::Null).fit(&Training::new(x, y));
        for y in targets(4).iter().filter(|y| entry.tasks.contains(&y.task())) {
            let code = |x: &Matrix, y: &Target| fit(x, y).expect_err("fault").code;
            assert_eq!(code(&one_column(&[1.0, f64::INFINITY, 2.0, 3.0]), y), "not-finite");
            for lacking in [one_column(&[1.0, f64::NAN, 2.0, 3.0]), one_column(&[f64::NAN; 4])] {
                match fit(&lacking, y) {
                    Ok(estimator) if entry.missing => sound(&estimator, &lacking),
                    other => assert_eq!(other.expect_err("fault").code, "not-finite"),
                }
            }
            assert_eq!(code(&one_column(&[]), &y.take(&[])), "no-rows");
            assert_eq!(code(&one_column(&[1.0]), y), "rows-differ");
            // More columns than rows, a constant column, and a constant target are no faults.
            let wide: Vec<f64> = (0..40).map(|cell| if cell < 4 { 1.0 } else { f64::from(cell * cell % 7) }).collect();
            let wide = Matrix::new((0..10).map(|name| name.to_string()).collect(), 4, wide);
            sound(&fit(&wide, y).expect("estimator"), &wide);
            let flat = one_column(&[2.0; 4]);
            sound(&fit(&flat, y).expect("estimator"), &flat);
            let huge = one_column(&[1e300, -1e300, 1e-300, 0.0]);
            match fit(&huge, y) {
                Ok(estimator) => sound(&estimator, &huge),
                Err(fault) => assert_eq!(fault.code, "numbers-too-large"),
            }
        }
        let x = one_column(&[1.0, 2.0, 3.0]);
        if entry.tasks.contains(&Task::Regression) {
            let estimator = fit(&x, &Target::Numbers(vec![0.1; 3])).expect("estimator");
            let mut into = [0.0];
            estimator.predict_row(&[5.0], &mut into);
            assert!((into[0] - 0.1).abs() < 1e-12, "{}: {}", entry.name, into[0]);
            match fit(&x, &Target::Numbers(vec![1e300, -1e300, 1e200])) {
                Ok(estimator) => sound(&estimator, &x),
                Err(fault) => assert!(["numbers-too-large", "no-solution"].contains(&fault.code)),
            }
        } else {
            assert_eq!(fit(&x, &Target::Numbers(vec![0.1; 3])).expect_err("fault").code, "wrong-task");
        }
        if entry.name != "baseline" && entry.tasks.contains(&Task::Classification) {
            assert_eq!(fit(&x, &classes(&[1, 1, 1], 2)).expect_err("fault").code, "one-class");
        }
    }
}

#[test]
fn numbers_and_weights_of_any_size_are_fitted_or_refused() {
    for entry in catalogue() {
        for power in [-308, -160, -20, 20, 100, 153, 160, 300, 308] {
            let size = 10f64.powi(power);
            let cells =
                [1.0, -1.2, 0.3, 0.4, 1.1, 0.9, 2.0, 3.0, 5.0, 7.0, 2.0, 1.0].map(|cell: f64| cell * size / 7.0);
            let x = Matrix::new(vec!["a".into(), "b".into()], 6, cells.to_vec());
            let mixed = [&cells[..6], &[2.0, 3.0, 5.0, 7.0, 2.0, 1.0]].concat();
            let mixed = Matrix::new(vec!["a".into(), "b".into()], 6, mixed);
            let numbers = Target::Numbers(cells[3..9].to_vec());
            for y in targets(6).iter().chain([&numbers]).filter(|y| entry.tasks.contains(&y.task())) {
                for x in [&x, &mixed] {
                    for weights in [[1.0; 6], [1e-300, 1.0, 1e-300, 1.0, 0.0, 1.0], [1e300, 1.0, 1.0, 1.0, 0.0, 1e300]]
                    {
                        let data = Training::new(x, y).weighted(&weights);
                        match model(entry.name, Json::Null).fit(&data) {
                            Ok(estimator) => sound(&estimator, x),
                            Err(fault) => assert!(!fault.message.is_empty()),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn classes_that_part_cleanly_stay_finite_without_a_penalty() {
    let x = one_column(&[1.0, 2.0, 3.0, 4.0]);
    for codes in [[0, 0, 1, 1], [0, 2, 1, 1]] {
        let y = classes(&codes, 3);
        let estimator =
            model("logistic_regression", json!({"penalty": "none"})).fit(&Training::new(&x, &y)).expect("fit");
        sound(&estimator, &x);
        assert_eq!(estimator.predict(&x).expect("prediction").labels(), Some(codes.to_vec()));
    }
}

/// Says finite things of each row, the same one by one, and survives a round trip.
fn sound(estimator: &Estimator, x: &Matrix) {
    estimator.check().expect("sound");
    let bytes = serde_json::to_string(estimator).expect("JSON");
    let back: Estimator = serde_json::from_str(&bytes).expect("estimator");
    assert_eq!(&back, estimator);
    let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) = back.predict(x).expect("prediction");
    let (mut row, mut into) = (vec![0.0; x.columns()], vec![0.0; estimator.outputs()]);
    for (index, values) in values.chunks(estimator.outputs()).enumerate() {
        x.row(index, &mut row);
        estimator.predict_row(&row, &mut into);
        assert_eq!(into, values);
        assert!(values.iter().all(|value| value.is_finite()), "{values:?}");
        if estimator.task() == Task::Classification {
            assert!((values.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
    }
    let total: f64 = estimator.importance().unwrap_or_default().iter().sum();
    assert!(total.abs() < 1e-12 || (total - 1.0).abs() < 1e-12, "{total}");
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    for (set, name) in [
        ("penguins", "random_forest"),
        ("diabetes", "random_forest"),
        ("diabetes", "decision_tree"),
        ("wine", "extra_trees"),
        ("penguins", "gradient_boosting"),
        ("penguins", "logistic_regression"),
        ("diabetes", "linear_regression"),
    ] {
        let (x, y) = reference::table(set);
        let with =
            if ["random_forest", "extra_trees"].contains(&name) { json!({"n_estimators": 9}) } else { Json::Null };
        let bytes = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            let fit = || model(name, with.clone()).fit(&Training::new(&x, &y).seeded(3));
            serde_json::to_string(&pool.install(fit).expect("estimator")).expect("JSON")
        };
        let one = bytes(1);
        assert!(one == bytes(2) && one == bytes(8), "{set} {name}");
    }
}

#[test]
fn a_row_twice_is_a_weight_of_two() {
    for (set, name, with) in [
        ("iris", "logistic_regression", json!({"tol": 1e-9, "max_iter": 2000})),
        ("breast_cancer", "logistic_regression", json!({"tol": 1e-9, "max_iter": 2000})),
        ("diabetes", "linear_regression", Json::Null),
    ] {
        let (x, y) = reference::table(set);
        let all: Vec<usize> = (0..x.rows()).collect();
        let x = reference::standardize(&x, &all);
        let twice: Vec<usize> = (0..x.rows()).flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)]).collect();
        let weights: Vec<f64> = (0..x.rows()).map(|row| if row % 3 == 0 { 2.0 } else { 1.0 }).collect();
        let (more, answers) = (x.take(&twice), y.take(&twice));
        let one = model(name, with.clone()).fit(&Training::new(&x, &y).weighted(&weights)).expect("fit");
        let two = model(name, with).fit(&Training::new(&more, &answers)).expect("fit");
        let (a, b) = (one.coefficients().expect("linear").0, two.coefficients().expect("linear").0);
        for (a, b) in a.concat().iter().zip(b.concat()) {
            assert!((a - b).abs() < 1e-6 * (1.0 + a.abs()), "{set}: {a} {b}");
        }
    }
}

/// The rows' table of one entry of coefficients.json, and what to fit to it.
fn variant(key: &str) -> (Matrix, Target, Option<Vec<f64>>, &'static str, Json) {
    let (set, kind) = key.split_once(": ").expect("set: kind");
    let (x, y) = reference::table(set);
    let all: Vec<usize> = (0..x.rows()).collect();
    let raw = x.clone();
    let x = reference::standardize(&x, &all);
    let mut with = json!({"tol": 1e-9, "max_iter": 20000});
    let (mut weights, mut x) = (None, x);
    match kind {
        "c 0.05" => with["c"] = json!(0.05),
        "no intercept" => with["fit_intercept"] = json!(false),
        "l1" => (with["c"], with["penalty"]) = (json!(0.1), json!("l1")),
        "elastic" => (with["c"], with["penalty"]) = (json!(0.1), json!("elasticnet")),
        "raw" => x = raw,
        "weighted" => weights = Some((0..x.rows()).map(|row| 1.0 + (row % 3) as f64).collect()),
        "one hot" => x = one_hot(&x),
        "balanced" => {
            let Target::Classes { codes, count } = &y else { panic!("classes") };
            weights = Some(balanced_weights(codes, *count));
        }
        _ => {}
    }
    if set != "diabetes" {
        return (x, y, weights, "logistic_regression", with);
    }
    let with = json!({"fit_intercept": kind != "no intercept"});
    (x, y, weights, "linear_regression", with)
}

/// The first column cut in four and one-hot encoded behind the others, as make.py does.
fn one_hot(x: &Matrix) -> Matrix {
    let mut sorted = x.column(0).to_vec();
    sorted.sort_by(f64::total_cmp);
    let quantile = |share: f64| {
        let at = share * (sorted.len() - 1) as f64;
        let low = sorted[at as usize];
        low + (sorted[at as usize + 1] - low) * at.fract()
    };
    let edges = [quantile(0.25), quantile(0.5), quantile(0.75)];
    let part = |value: f64| edges.iter().filter(|edge| value >= **edge).count();
    let mut values = x.values()[x.rows()..].to_vec();
    for wanted in 0..4 {
        values.extend(x.column(0).iter().map(|&value| if part(value) == wanted { 1.0 } else { 0.0 }));
    }
    let names = (0..x.columns() + 3).map(|name| name.to_string()).collect();
    Matrix::new(names, x.rows(), values)
}

#[test]
fn coefficients_are_those_of_scikit_learn() {
    let all = reference::json("coefficients");
    let all: Vec<(&String, &Json)> = all.as_object().expect("variants").iter().collect();
    all.into_par_iter().for_each(|(key, expected)| {
        let (x, y, weights, name, with) = variant(key);
        let data = Training { weights: weights.as_deref(), ..Training::new(&x, &y) };
        let estimator = model(name, with).fit(&data).expect("estimator");
        let (coefficients, intercepts) = estimator.coefficients().expect("linear");
        let floats = |value: &Json| -> Vec<f64> { serde_json::from_value(value.clone()).expect("floats") };
        let rows = expected["coefficients"].as_array().expect("rows");
        assert_eq!(rows.len(), coefficients.len(), "{key}");
        let expected_intercepts = floats(&expected["intercepts"]);
        let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-4 * (1.0 + b.abs()), "{key}: {a}, not {b}");
        for (found, row) in coefficients.iter().zip(rows) {
            found.iter().zip(floats(row)).for_each(|(a, b)| near(*a, b));
        }
        // Intercepts of more than two classes mean the same after any shift of all of them.
        let middle =
            |values: &[f64]| if values.len() > 1 { values.iter().sum::<f64>() / values.len() as f64 } else { 0.0 };
        let (ours, theirs) = (middle(intercepts), middle(&expected_intercepts));
        intercepts.iter().zip(&expected_intercepts).for_each(|(a, b)| near(a - ours, b - theirs));
    });
}

#[test]
fn mean_scores_over_20_splits_are_those_of_scikit_learn() {
    let (splits, scores) = (reference::json("splits"), reference::json("scores"));
    let mut jobs = Vec::new();
    for (set, models) in scores.as_object().expect("sets") {
        let table = reference::table(set);
        for name in models.as_object().expect("models").keys() {
            let seeds = splits[set].as_array().expect("splits").iter().enumerate();
            jobs.extend(
                seeds.map(|(seed, test)| (set.clone(), name.clone(), seed as u64, test.clone(), table.clone())),
            );
        }
    }
    let found: Vec<(String, String, f64)> = jobs
        .into_par_iter()
        .map(|(set, name, seed, test, (x, y))| {
            let test: Vec<usize> = serde_json::from_value(test).expect("rows");
            let train: Vec<usize> = (0..x.rows()).filter(|row| test.binary_search(row).is_err()).collect();
            let x = reference::standardize(&x, &train);
            let with = if name == "random_forest" { json!({"n_estimators": 50}) } else { Json::Null };
            let (seen, answers) = (x.take(&train), y.take(&train));
            let estimator = model(&name, with).fit(&Training::new(&seen, &answers).seeded(seed)).expect("estimator");
            let prediction = estimator.predict(&x.take(&test)).expect("prediction");
            let scored = Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 };
            let metric = if y.task() == Task::Regression { "r2" } else { "accuracy" };
            (set, name, score(find_metric(metric).expect("metric"), &scored).expect("score"))
        })
        .collect();
    let mut means: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for (set, name, value) in &found {
        *means.entry((set, name)).or_default() += value / 20.0;
    }
    assert_eq!(means.len(), 10);
    for ((set, name), mean) in means {
        let expected = scores[set][name].as_f64().expect("score");
        assert!((mean - expected).abs() < 0.01, "{set} {name}: {mean}, not {expected}");
    }
}
