//! Contributions held against the `shap` package: `tests/reference/shap.json` holds trees that were grown here, rows, and what
//! shap's `TreeExplainer` says of them. To grow them anew: `GRISTMILL_UPDATE=1 cargo test --lib -- tests_shap`, and then
//! `python tests/reference/make_shap.py`.

use serde_json::{Value as Json, json};

use super::{Trees, shap};
use crate::data::Matrix;
use crate::learn::{Estimator, Target, Training, find_model, reference};

/// A set's first rows: a power of two, so that each node's share of them is a float of few digits. Some cells are empty.
fn rows(set: &str, count: usize) -> (Matrix, Target) {
    let (x, y) = reference::table(set);
    // Sets may be sorted by class.
    let all = x.rows();
    let picked: Vec<usize> = (0..count).map(|nth| nth * all / count).collect();
    let (x, y) = (x.take(&picked), y.take(&picked));
    let mut values = x.values().to_vec();
    values.iter_mut().enumerate().filter(|(cell, _)| cell % 17 == 3).for_each(|(_, value)| *value = f64::NAN);
    (Matrix::new(x.names().to_vec(), count, values), y)
}

fn grown(model: &str, with: Json, x: &Matrix, y: &Target) -> Trees {
    let model = (find_model(model).expect("a model").check)(with).unwrap_or_else(|_| panic!("{model}"));
    match model.fit(&Training::new(x, y).seeded(5)).expect("trees") {
        Estimator::Forest(forest) => forest.trees,
        Estimator::Boosted(boosted) => boosted.trees,
        other => panic!("no trees: {other:?}"),
    }
}

/// Trees of each kind with rows to explain, as JSON; no value is null.
fn cases() -> Json {
    let cases = [
        ("decision_tree", json!({"max_depth": 6}), "diabetes", 256),
        ("random_forest", json!({"n_estimators": 5, "max_depth": 7}), "iris", 128),
        ("extra_trees", json!({"n_estimators": 4, "max_depth": 5}), "diabetes", 256),
        (
            "gradient_boosting",
            json!({"n_estimators": 6, "max_leaf_nodes": 8, "min_samples_leaf": 5}),
            "breast_cancer",
            512,
        ),
        ("gradient_boosting", json!({"n_estimators": 4, "max_depth": 4, "min_samples_leaf": 5}), "diabetes", 256),
    ];
    let case = |(model, with, set, count): (&str, Json, &str, usize)| {
        let (x, y) = rows(set, count);
        let trees = grown(model, with, &x, &y);
        let row = |nth: usize| {
            let mut row = vec![0.0; x.columns()];
            x.row(nth * count / 12, &mut row);
            row
        };
        json!({"of": format!("{model}, {set}"), "rows": (0..12).map(row).collect::<Vec<_>>(), "trees": trees})
    };
    cases.into_iter().map(case).collect()
}

#[test]
fn contributions_are_those_of_the_shap_package() {
    if std::env::var_os("GRISTMILL_UPDATE").is_some() {
        let path = [env!("CARGO_MANIFEST_DIR"), "tests", "reference", "shap.json"];
        let path: std::path::PathBuf = path.iter().collect();
        return std::fs::write(path, format!("{}\n", cases())).expect("written");
    }
    let known = reference::json("shap");
    let list = |json: &Json| -> Vec<f64> {
        json.as_array().expect("a list").iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
    };
    let mut compared = 0;
    for case in known.as_array().expect("cases") {
        let trees: Trees = serde_json::from_value(case["trees"].clone()).expect("trees");
        assert!(trees.is_sound(), "{}", case["of"]);
        let (outputs, columns) = (trees.outputs(), trees.columns());
        let told = list(&case["base"]);
        let answers = case["contributions"].as_array().expect("run tests/reference/make_shap.py");
        for (row, wanted) in case["rows"].as_array().expect("rows").iter().zip(answers) {
            let (row, wanted) = (list(row), list(wanted));
            let (mut base, mut into) = (vec![0.0; outputs], vec![0.0; outputs * columns]);
            for tree in 0..trees.len() {
                assert!(shap::add(&trees, tree, &row, &mut base, &mut into));
            }
            for (found, wanted) in into.iter().zip(&wanted).chain(base.iter().zip(&told)) {
                let size = wanted.abs().max(1.0);
                assert!((found - wanted).abs() < 1e-9 * size, "{}: {found}, not {wanted}", case["of"]);
                compared += 1;
            }
        }
    }
    assert!(compared > 900, "{compared}");
}
