//! Networks held against scikit-learn's, and what must hold of any.

use std::sync::Mutex;

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::{Network, Output};
use crate::data::Matrix;
use crate::learn::{Estimator, Scored, Target, Training, Watch, find_metric, find_model, reference, score};
use crate::source::Fault;

fn try_fit(with: Json, data: &Training) -> Result<Estimator, Fault> {
    let model =
        (find_model("neural_network").expect("model").check)(with).unwrap_or_else(|faults| panic!("{faults:?}"));
    model.fit(data)
}

fn fit(with: Json, data: &Training) -> Estimator {
    try_fit(with, data).expect("estimator")
}

fn standardized(set: &str) -> (Matrix, Target) {
    let (x, y) = reference::table(set);
    let all: Vec<usize> = (0..x.rows()).collect();
    (reference::standardize(&x, &all), y)
}

fn hyper(kind: &str) -> Json {
    match kind {
        "relu" => json!({"hidden_layer_sizes": [30]}),
        "tanh, two layers" => json!({"hidden_layer_sizes": [20, 10], "activation": "tanh", "max_iter": 100}),
        "logistic, sgd" => json!({"hidden_layer_sizes": 20, "activation": "logistic", "solver": "sgd",
            "learning_rate_init": 0.1, "batch_size": 50}),
        "adaptive sgd" => json!({"hidden_layer_sizes": [20], "solver": "sgd", "learning_rate": "adaptive",
            "learning_rate_init": 0.05, "max_iter": 60}),
        "early" => json!({"hidden_layer_sizes": [30], "early_stopping": true, "validation_fraction": 0.2,
            "learning_rate_init": 0.01}),
        other => panic!("{other}"),
    }
}

#[test]
fn mean_scores_are_those_of_scikit_learn_within_their_noise() {
    let (all, splits) = (reference::json("kernel"), reference::json("splits"));
    let kinds: Vec<(&String, &Json)> =
        all.as_object().expect("entries").iter().filter(|(key, _)| key.contains(": network")).collect();
    assert_eq!(kinds.len(), 17);
    kinds.into_par_iter().for_each(|(key, entry)| {
        let (set, kind) = key.split_once(": network ").expect("set: kind");
        let (x, y) = reference::table(set);
        let scores = splits[set].as_array().expect("splits")[..10].par_iter().enumerate().map(|(seed, test)| {
            let test: Vec<usize> = serde_json::from_value(test.clone()).expect("rows");
            let train: Vec<usize> = (0..x.rows()).filter(|row| test.binary_search(row).is_err()).collect();
            let x = reference::standardize(&x, &train);
            let (seen, answers) = (x.take(&train), y.take(&train));
            let estimator = fit(hyper(kind), &Training::new(&seen, &answers).seeded(seed as u64));
            let prediction = estimator.predict(&x.take(&test)).expect("prediction");
            let metric = find_metric(if set == "diabetes" { "r2" } else { "accuracy" }).expect("metric");
            score(metric, &Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 }).expect("score")
        });
        let mean = scores.sum::<f64>() / 10.0;
        let number = |name: &str| entry[name].as_f64().expect("a number");
        // Two standard errors of the reference's own mean over seeds.
        let noise = (2.0 * number("error")).max(0.005);
        assert!((mean - number("mean")).abs() <= noise, "{key}: {mean}, not {} ± {noise}", number("mean"));
    });
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads_and_others_from_another_seed() {
    for (set, with) in [
        ("wine", json!({"max_iter": 20})),
        // Batches of several blocks.
        ("breast_cancer", json!({"max_iter": 10, "batch_size": 600})),
        ("diabetes", json!({"max_iter": 10, "early_stopping": true})),
    ] {
        let (x, y) = standardized(set);
        let bytes = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            let estimator = pool.install(|| fit(with.clone(), &Training::new(&x, &y).seeded(seed)));
            serde_json::to_string(&estimator).expect("JSON")
        };
        let one = bytes(1, 4);
        assert!(one == bytes(2, 4) && one == bytes(8, 4), "{set} {with}");
        assert_ne!(one, bytes(1, 5));
    }
}

#[test]
fn a_batch_in_blocks_is_the_batch_in_one() {
    // With one batch a step, weights of two and rows twice are the same sums, here over one block and over two.
    let (x, y) = standardized("iris");
    let weights: Vec<f64> = (0..150).map(|row| if row < 120 { 2.0 } else { 1.0 }).collect();
    let twice: Vec<usize> = (0..150).flat_map(|row| vec![row; weights[row] as usize]).collect();
    let (more, answers) = (x.take(&twice), y.take(&twice));
    let with = json!({"max_iter": 5, "batch_size": 1000, "shuffle": false, "tol": 0.0});
    let one = fit(with.clone(), &Training::new(&x, &y).weighted(&weights).seeded(2));
    let two = fit(with, &Training::new(&more, &answers).seeded(2));
    let (Estimator::Network(one), Estimator::Network(two)) = (one, two) else { panic!("networks") };
    for (a, b) in one.parameters.iter().zip(&two.parameters) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Listener {
    epochs: Mutex<usize>,
    warnings: Mutex<Vec<&'static str>>,
    stop: bool,
}

impl Watch for Listener {
    fn progress(&self, done: usize, _: usize, unit: &'static str) {
        assert_eq!(unit, "epochs");
        *self.epochs.lock().expect("lock") = done;
    }

    fn cancelled(&self) -> bool {
        self.stop
    }

    fn warn(&self, warning: Fault) {
        self.warnings.lock().expect("lock").push(warning.code);
    }
}

#[test]
fn a_fit_tells_its_epochs_and_what_went_wrong() {
    let (raw, y) = reference::table("wine");
    let (x, _) = standardized("wine");
    let hear = |with: Json, x: &Matrix, stop: bool| {
        let listener = Listener { stop, ..Listener::default() };
        let fitted = try_fit(with, &Training::new(x, &y).watched(&listener)).map_err(|fault| fault.code);
        let (epochs, warnings) =
            (*listener.epochs.lock().expect("lock"), listener.warnings.lock().expect("lock").clone());
        (fitted.err(), epochs, warnings)
    };
    assert_eq!(hear(json!({"max_iter": 3}), &x, false), (None, 3, vec!["not-converged"]));
    let (fault, epochs, warnings) = hear(json!({"max_iter": 5000, "tol": 0.01}), &x, false);
    assert!(fault.is_none() && epochs < 500 && warnings.is_empty(), "{epochs} {warnings:?}");
    assert_eq!(hear(json!({"max_iter": 3}), &raw, false).2, ["not-scaled", "not-converged"]);
    assert_eq!(hear(json!({}), &x, true).0, Some("interrupted"));
    let wild = json!({"solver": "sgd", "learning_rate_init": 1e6, "activation": "identity"});
    assert_eq!(hear(wild, &raw, false).0, Some("diverged"));
}

#[test]
fn numbers_of_any_size_are_learned_as_well() {
    let (x, y) = standardized("diabetes");
    let Target::Numbers(numbers) = &y else { panic!("numbers") };
    let r2 = |scale: f64, shift: f64| {
        let y = Target::Numbers(numbers.iter().map(|y| y * scale + shift).collect());
        let prediction = fit(json!({"max_iter": 50}), &Training::new(&x, &y)).predict(&x).expect("prediction");
        score(find_metric("r2").expect("metric"), &Scored { truth: &y, prediction: &prediction, positive: 0 })
            .expect("r2")
    };
    let plain = r2(1.0, 0.0);
    assert!(plain > 0.4, "{plain}");
    for (scale, shift) in [(1e9, 0.0), (1e-9, 1.0), (1.0, 1e6)] {
        assert!((r2(scale, shift) - plain).abs() < 0.01);
    }
}

#[test]
fn too_few_rows_to_hold_some_out_are_refused() {
    let x = Matrix::new(vec!["a".into()], 4, vec![1.0, 2.0, 3.0, 4.0]);
    let y = Target::Classes { codes: vec![0, 1, 0, 1], count: 2 };
    let fault = try_fit(json!({"early_stopping": true}), &Training::new(&x, &y)).expect_err("fault");
    assert_eq!(fault.code, "too-few-rows");
}

#[test]
fn a_row_far_out_gets_an_answer_that_is_a_number() {
    let (x, y) = standardized("iris");
    let estimator = fit(json!({"max_iter": 20}), &Training::new(&x, &y));
    for far in [1e300, -1e300, 1e18, f64::MAX] {
        let mut into = [0.0; 3];
        estimator.predict_row(&[far, -far, far, 1.0], &mut into);
        assert!((into.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{into:?}");
    }
}

#[test]
fn networks_that_do_not_hang_together_are_told() {
    let (x, y) = standardized("iris");
    let Estimator::Network(network) = fit(json!({"max_iter": 2}), &Training::new(&x, &y)) else { panic!("a network") };
    let broken = |change: &dyn Fn(&mut Network)| {
        let mut network = network.clone();
        change(&mut network);
        Estimator::Network(network).check().expect_err("broken").code
    };
    for change in [
        &(|network: &mut Network| network.parameters.truncate(1)) as &dyn Fn(&mut Network),
        &|network| network.sizes[1] = usize::MAX,
        &|network| network.sizes[1] = 0,
        &|network| network.sizes.truncate(1),
        &|network| network.output = Output::Number { scale: 1.0, shift: 0.0 },
        &|network| network.output = Output::Classes { count: 2, present: vec![0, 1, 2] },
    ] {
        assert_eq!(broken(change), "broken-model");
    }
}
