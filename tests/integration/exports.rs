//! Every form of model that has a form in ONNX, exported from small pipelines and asked by onnxruntime about a thousand
//! records: whole numbers and others, texts, missing values, and categories that the train rows didn't have.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::Value as Json;

use crate::mill::Mill;
use crate::onnx::{penguin_records, python, script};

/// Ops before the models: all that a request goes through, and that has a form there.
const WORKED: &str = "
      - rename: {year: season}
      - cast: {flipper_length_mm: float}
      - filter: bill_length_mm > 32 OR island <> 'Dream'
      - drop_duplicates: all
      - derive:
          ratio: bill_length_mm / bill_depth_mm
          slender: CASE WHEN flipper_length_mm > 200 AND bill_depth_mm < 16 THEN 1 ELSE 0 END
          heavy: bill_length_mm * bill_depth_mm > 800
      - split: {test: 0.25}
      - drop_missing: [bill_depth_mm]
      - drop_outliers: {bill_depth_mm: {zscore: 4}}
      - fill_missing: {bill_length_mm: {with: median, indicator: no_bill}, flipper_length_mm: 200.5, numeric: mean, categorical: mode}
      - bin: {season: {edges: [2006, 2007.5, 2010], as: half}}
      - one_hot: categorical
      - drop: [slender]
      - standardize: numeric
      - select: {best: 9, by: f_test}
";

/// Trees read categories and missing values as they are.
const RAW: &str = "
      - drop: [year]
      - split: {test: 0.25}
";

/// Categories made numbers, and numbers made others.
const ENCODED: &str = "
      - drop: [year]
      - derive: {place: island}
      - split: {test: 0.25}
      - fill_missing: {numeric: median, categorical: mode}
      - group_rare: {place: {min_share: 0.2, as: other}}
      - count_encode: {columns: [place], share: true}
      - target_encode: categorical
      - standardize: numeric
      - pca: {columns: numeric, components: 4}
";

/// A pipeline of three tables and such train steps, each deployed by its name.
fn pipeline(target: &str, before: &str, steps: &[(&str, &str)]) -> String {
    let mut text = format!(
        "name: exports\ntarget: {target}\nsources:\n  penguins: {{path: data/penguins.csv, missing: [NA]}}\nsteps:\n  known: {{clean: penguins, ops: [drop_missing: [{before}]]}}\n"
    );
    for (table, ops) in [("worked", WORKED), ("raw", RAW), ("encoded", ENCODED)] {
        // What the target is, isn't a feature.
        let ops: Vec<&str> = ops.lines().collect();
        text.push_str(&format!("  {table}:\n    transform: known\n    ops:{}\n", ops.join("\n")));
    }
    for (name, with) in steps {
        let open = if with.contains("train:") { String::new() } else { "train: worked, ".to_owned() };
        text.push_str(&format!("  {name}: {{{open}{with}}}\n"));
    }
    for (name, _) in steps {
        text.push_str(&format!("  to_{name}: {{deploy: {name}, as: {name}}}\n"));
    }
    text
}

/// Runs the pipeline, exports its models and has both sides answer the records; what the script tells of each model.
fn compare(python: &str, text: &str, steps: &[(&str, &str)]) -> Vec<Json> {
    let mill = Mill::new();
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/penguins.csv"));
    mill.file("data/penguins.csv", &table.expect("a table"))
        .file("pipelines/exports.yaml", text)
        .file("records.csv", &penguin_records());
    let run = mill.run(&["exports"]);
    assert_eq!(run["status"], "done", "{run:#}");
    let pairs: Vec<[PathBuf; 2]> = steps
        .par_iter()
        .map(|(name, _)| {
            let (model, scored) = (format!("{name}.onnx"), format!("{name}.csv"));
            mill.fine(&["export", name, "-o", &model]);
            mill.fine(&["predict", name, "--in", "records.csv", "-o", &scored]);
            [mill.at(&model), mill.at(&scored)]
        })
        .collect();
    let arguments: Vec<&Path> = pairs.iter().flatten().map(PathBuf::as_path).collect();
    script(python, "score.py", &arguments).as_array().expect("a list").clone()
}

/// Holds each model's answers within `slack`, every label too; networks are run in 32 bits here.
fn hold(target: &str, steps: &[(&str, &str)]) {
    let Some(python) = python() else { return };
    let told = compare(&python, &pipeline(target, target, steps), steps);
    assert_eq!(told.len(), steps.len());
    let mut wrong = Vec::new();
    for ((name, with), told) in steps.iter().zip(&told) {
        let slack = if with.contains("neural_network") { 1e-5 } else { 1e-6 };
        let refused = told["refused"].as_u64().expect("a number");
        let few = if with.contains("train: ") { refused == 0 } else { (20..900).contains(&refused) };
        let near = told["worst"].as_f64().is_some_and(|worst| worst < slack);
        let labels = told.get("labels_differ").is_none_or(|differ| differ == 0);
        if told["rows"] != 1000 || told["refused_differ"] != 0 || !few || !near || !labels {
            wrong.push(format!("{name}: {told}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[test]
fn models_of_three_classes_are_the_same_in_onnxruntime() {
    hold(
        "species",
        &[
            ("logistic", "model: logistic_regression"),
            ("lasso", "model: logistic_regression, with: {penalty: l1, c: 0.1}"),
            ("gaussian", "model: naive_bayes"),
            ("bernoulli", "model: naive_bayes, with: {kind: bernoulli}"),
            ("sure", "model: svm"),
            ("sure_line", "model: svm, with: {kernel: linear}"),
            ("rbf", "model: svm, with: {probability: false}"),
            ("linear_machine", "model: svm, with: {kernel: linear, probability: false}"),
            ("poly", "model: svm, with: {kernel: poly, probability: false}"),
            ("near", "model: knn, with: {n_neighbors: 7}"),
            ("nearer", "model: knn, with: {weights: distance, metric: manhattan}"),
            ("network", "model: neural_network, with: {hidden_layer_sizes: [16, 8], max_iter: 40}"),
            ("tree", "train: raw, model: decision_tree, with: {criterion: entropy, max_depth: 6}"),
            ("forest", "train: raw, model: random_forest, with: {n_estimators: 31, max_depth: 6}"),
            ("extra", "train: raw, model: extra_trees, with: {n_estimators: 31, min_samples_leaf: 3}"),
            ("boosted", "train: raw, model: gradient_boosting, with: {n_estimators: 20}"),
            ("steps", "train: raw, model: random_forest, with: {n_estimators: 31}, calibrate: isotonic, cv: 3"),
            ("curve", "train: raw, model: gradient_boosting, with: {n_estimators: 9}, calibrate: sigmoid, cv: 3"),
            ("blend", "model: ensemble, with: {of: [logistic, gaussian, sure], method: weighted}, cv: 3"),
            ("components", "train: encoded, model: logistic_regression"),
            ("vote", "model: ensemble, with: {of: [logistic, gaussian, near], method: vote}"),
            ("stack", "model: ensemble, with: {of: [logistic, network], method: stack}, cv: 3"),
            ("never", "model: baseline"),
        ],
    );
}

#[test]
fn models_of_two_classes_are_the_same_in_onnxruntime() {
    hold(
        "sex",
        &[
            ("logistic", "model: logistic_regression, threshold: 0.37"),
            ("machine", "model: svm"),
            ("line_machine", "model: svm, with: {kernel: linear}, threshold: {maximize: f1}, cv: 3"),
            ("sigmoid_machine", "model: svm, with: {kernel: sigmoid, gamma: 0.01}, calibrate: sigmoid, cv: 3"),
            ("components", "train: encoded, model: svm"),
            ("bayes", "model: naive_bayes, calibrate: isotonic, cv: 3"),
            ("near", "model: knn, with: {weights: distance}"),
            ("network", "model: neural_network, with: {hidden_layer_sizes: [8], activation: tanh, max_iter: 40}"),
            ("forest", "train: raw, model: random_forest, with: {n_estimators: 31, max_depth: 5}, threshold: 0.61"),
            ("boosted", "train: raw, model: gradient_boosting, with: {n_estimators: 25}, calibrate: isotonic, cv: 3"),
            (
                "blend",
                "model: ensemble, with: {of: [logistic, bayes], method: average, weights: [2, 1]}, threshold: {cost: {fn: 5, fp: 1}}, cv: 3",
            ),
        ],
    );
}

#[test]
fn models_of_numbers_are_the_same_in_onnxruntime() {
    hold(
        "body_mass_g",
        &[
            ("line", "model: linear_regression"),
            ("ridge", "model: ridge, target_transform: log1p"),
            ("lasso", "model: lasso, target_transform: sqrt"),
            ("elastic", "model: elastic_net, with: {alpha: 0.01}, target_transform: log"),
            ("machine", "model: svm, with: {c: 500}"),
            ("line_machine", "model: svm, with: {kernel: linear, c: 100}"),
            ("near", "model: knn, with: {metric: manhattan}"),
            ("nearer", "model: knn, with: {weights: distance, n_neighbors: 9}"),
            ("network", "model: neural_network, with: {hidden_layer_sizes: [16], activation: logistic, max_iter: 60}"),
            ("tree", "train: raw, model: decision_tree, with: {max_depth: 6}"),
            ("forest", "train: raw, model: random_forest, with: {n_estimators: 20, min_samples_leaf: 3}"),
            ("extra", "train: raw, model: extra_trees, with: {n_estimators: 20}, target_transform: log1p"),
            ("boosted", "train: raw, model: gradient_boosting, with: {n_estimators: 40}"),
            ("components", "train: encoded, model: ridge"),
            ("poisson", "train: raw, model: gradient_boosting, with: {n_estimators: 30, loss: poisson}"),
            ("median", "train: raw, model: gradient_boosting, with: {n_estimators: 30, loss: absolute_error}"),
            ("blend", "model: ensemble, with: {of: [line, near, machine], method: weighted}, cv: 3"),
            ("stack", "model: ensemble, with: {of: [line, near], method: stack}, cv: 3"),
            ("never", "model: baseline"),
        ],
    );
}
