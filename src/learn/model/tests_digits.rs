//! Every learner of classes on handwritten digits: ten classes, 64 pixels, and as many rows as columns allow to be sure.

use rayon::prelude::*;
use serde_json::Value as Json;

use super::tests::model;
use crate::data::Matrix;
use crate::learn::{Scored, Target, Training, find_metric, reference, score};

/// A third of the rows trains, and another one tests.
const SPLITS: [(usize, usize); 6] = [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)];

/// Pixels from 0 to 1.
fn digits() -> (Matrix, Target) {
    let (x, y) = reference::table("digits");
    let values = x.values().iter().map(|pixel| pixel / 16.0).collect();
    (Matrix::new(x.names().to_vec(), x.rows(), values), y)
}

/// The mean accuracy over the splits, each with a seed of its own.
fn accuracy(name: &str, with: &Json, x: &Matrix, y: &Target) -> f64 {
    let mut with = with.clone();
    if name == "svm" {
        // Probabilities change no label.
        with["probability"] = false.into();
    }
    let scores = SPLITS.par_iter().enumerate().map(|(seed, &(train, test))| {
        let third = |from: usize| (from..x.rows()).step_by(3).collect::<Vec<_>>();
        let (train, test) = (third(train), third(test));
        let (seen, answers) = (x.take(&train), y.take(&train));
        let data = Training::new(&seen, &answers).seeded(seed as u64);
        let estimator = model(name, with.clone()).fit(&data).expect("estimator");
        let prediction = estimator.predict(&x.take(&test)).expect("prediction");
        let scored = Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 };
        score(find_metric("accuracy").expect("metric"), &scored).expect("score")
    });
    let scores: Vec<f64> = scores.collect();
    scores.iter().sum::<f64>() / SPLITS.len() as f64
}

#[test]
fn digits_are_told_as_well_as_by_scikit_learn_and_lightgbm() {
    let ((x, y), entries) = (digits(), reference::json("digits"));
    assert_eq!((x.rows(), x.columns()), (1797, 64));
    let entries = entries.as_array().expect("entries").clone();
    assert_eq!(entries.len(), 14);
    let wrong: Vec<String> = entries
        .par_iter()
        .filter_map(|entry| {
            let name = entry["model"].as_str().expect("a name");
            let of = |figure: &str| entry[figure].as_f64();
            let found = accuracy(name, &entry["with"], &x, &y);
            let theirs = of("score").expect("a score");
            // Three deviations of such a mean from seed to seed. Without chance a row or two of 3,594 may differ.
            // Between two libraries, boosted trees differ by their bins alone.
            let room = match (of("deviation"), of("lightgbm")) {
                (Some(deviation), _) => 3.0 * deviation,
                (None, Some(_)) => 0.01,
                (None, None) => 0.0006,
            };
            let (low, high) =
                (of("lightgbm").unwrap_or(theirs).min(theirs), of("lightgbm").unwrap_or(theirs).max(theirs));
            let near = (low - room..=high + room).contains(&found);
            (!near).then(|| format!("{name} {}: {found}, not {theirs} by {room}", entry["with"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
