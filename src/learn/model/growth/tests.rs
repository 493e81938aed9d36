//! How near models of trees are to scikit-learn's, and what they refuse.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::super::{CheckedModel, find};
use crate::data::Matrix;
use crate::learn::{Estimator, Prediction, Scored, Target, Task, Training, find_metric, reference, score};

fn model(name: &str, with: &Json) -> Box<dyn CheckedModel> {
    (find(name).expect("model").check)(with.clone()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

/// The rows of a set, and hyper-parameters without the mark that every tenth value is taken away, as in make_trees.py.
fn rows(set: &str, with: &Json) -> (Matrix, Target, Json) {
    let ((x, y), mut with) = (reference::table(set), with.clone());
    let holes = with.as_object_mut().expect("a map").remove("missing").is_some();
    let gone = |row: usize, column: usize| holes && (7 * row + 13 * column).is_multiple_of(10);
    let cell = |column: usize, row: usize| if gone(row, column) { f64::NAN } else { x.at(row, column) };
    let values = (0..x.columns()).flat_map(|column| (0..x.rows()).map(move |row| (column, row)));
    let values = values.map(|(column, row)| cell(column, row)).collect();
    (Matrix::new(x.names().to_vec(), x.rows(), values), y, with)
}

fn fact(estimator: &Estimator, name: &str) -> f64 {
    let facts = estimator.facts();
    facts.iter().find(|(other, _)| *other == name).expect("a fact").1
}

#[test]
fn trees_without_chance_are_those_of_scikit_learn() {
    let all = reference::json("trees");
    for case in all["exact"].as_array().expect("cases") {
        let set = case["set"].as_str().expect("a set");
        let (x, y, with) = rows(set, &case["with"]);
        let estimator = model("decision_tree", &with).fit(&Training::new(&x, &y).seeded(5)).expect("estimator");
        assert_eq!(fact(&estimator, "leaves"), case["leaves"].as_f64().expect("leaves"), "{set} {with}");
        assert_eq!(fact(&estimator, "depth"), case["depth"].as_f64().expect("depth"), "{set} {with}");
        let said = match estimator.predict(&x).expect("prediction") {
            Prediction::Numbers(numbers) => numbers,
            classes => classes.probability(0).expect("the first class"),
        };
        let expected: Vec<f64> = serde_json::from_value(case["says"].clone()).expect("numbers");
        for (said, expected) in said.iter().zip(&expected) {
            assert!((said - expected).abs() <= 1e-7 * (1.0 + expected.abs()), "{set} {with}: {said}, not {expected}");
        }
    }
}

#[test]
fn mean_scores_over_10_splits_are_those_of_scikit_learn() {
    let (all, splits) = (reference::json("trees"), reference::json("splits"));
    let cases = all["scores"].as_array().expect("cases");
    cases.par_iter().for_each(|case| {
        let (set, name) = (case["set"].as_str().expect("a set"), case["model"].as_str().expect("a model"));
        let (x, y, mut with) = rows(set, &case["with"]);
        if y.task() == Task::Regression {
            with.as_object_mut().expect("a map").remove("criterion");
        }
        if name != "decision_tree" {
            with["n_estimators"] = json!(20);
        }
        let metric = find_metric(if y.task() == Task::Regression { "r2" } else { "accuracy" }).expect("metric");
        let splits = &splits[set].as_array().expect("splits")[..10];
        let scores = splits.par_iter().enumerate().map(|(seed, test)| {
            let test: Vec<usize> = serde_json::from_value(test.clone()).expect("rows");
            let train: Vec<usize> = (0..x.rows()).filter(|row| test.binary_search(row).is_err()).collect();
            let (seen, answers) = (x.take(&train), y.take(&train));
            let data = Training::new(&seen, &answers).seeded(seed as u64);
            let prediction = model(name, &with).fit(&data).expect("fit").predict(&x.take(&test)).expect("prediction");
            score(metric, &Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 }).expect("score")
        });
        let mean = scores.collect::<Vec<f64>>().iter().sum::<f64>() / splits.len() as f64;
        let expected = case["score"].as_f64().expect("score");
        // A lone tree hangs on chance more than an average of twenty, and R² of a tree that knows its rows by heart most.
        let noise = match (name, y.task()) {
            ("decision_tree", Task::Regression) => 0.1,
            _ if with.get("splitter").is_some() => 0.04,
            _ => 0.02,
        };
        assert!((mean - expected).abs() < noise, "{set} {name} {with}: {mean}, not {expected}");
    });
}

#[test]
fn wrong_values_are_told_with_their_keys() {
    let with = json!({
        "max_leaf_nodes": 1, "min_samples_split": 1, "min_samples_leaf": 1.5, "min_weight_fraction_leaf": 0.7,
        "monotone": {"a": 2, "b": -1}, "ccp_alpha": -1.0
    });
    for name in ["decision_tree", "random_forest", "extra_trees"] {
        let faults = (find(name).expect("model").check)(with.clone()).err().expect("faults");
        let routes: Vec<String> = faults.iter().map(|fault| fault.route.to_string()).collect();
        let expected = [
            "max_leaf_nodes",
            "min_samples_split",
            "min_samples_leaf",
            "min_weight_fraction_leaf",
            "monotone.a",
            "ccp_alpha",
        ];
        assert_eq!(routes, expected, "{name}");
    }
    let faults = (find("extra_trees").expect("model").check)(json!({"oob_score": true})).err().expect("faults");
    assert_eq!(faults[0].route.to_string(), "oob_score");
}

#[test]
fn constraints_that_make_no_sense_are_refused() {
    let (x, y) = reference::table("diabetes");
    let fault = |x: &Matrix, y: &Target, with: Json| {
        model("random_forest", &with).fit(&Training::new(x, y)).expect_err("fault")
    };
    let unknown = fault(&x, &y, json!({"monotone": {"bni": 1}}));
    assert_eq!((unknown.code, unknown.help.as_deref()), ("unknown-column", Some("did you mean `bmi`?")));
    let levels = (0..x.columns()).map(|column| (column == 2).then_some(500)).collect();
    assert_eq!(fault(&x.clone().with_levels(levels), &y, json!({"monotone": {"bmi": 1}})).code, "wrong-type");
    let (x, y) = reference::table("iris");
    assert_eq!(fault(&x, &y, json!({"monotone": {"petal_width": 1}})).code, "wrong-task");
    assert_eq!(fault(&x, &y, json!({"criterion": "squared_error"})).code, "wrong-task");
}

#[test]
fn out_of_bag_scores_are_near_those_of_rows_never_seen() {
    let mut found = BTreeMap::new();
    for (set, low, high) in [("breast_cancer", 0.94, 0.98), ("diabetes", 0.35, 0.48), ("wine", 0.95, 1.0)] {
        let (x, y) = reference::table(set);
        let estimator = model("random_forest", &json!({"oob_score": true})).fit(&Training::new(&x, &y)).expect("fit");
        let score = fact(&estimator, "oob_score");
        assert!((low..=high).contains(&score), "{set}: {score}");
        found.insert(set, score);
    }
    assert_eq!(found.len(), 3);
}
