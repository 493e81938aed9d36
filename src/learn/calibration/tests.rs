//! Calibrations against scikit-learn's, and what must hold of any.

use super::*;
use crate::learn::linear::{Constant, Logistic};
use crate::learn::reference;
use serde_json::Value as Json;

fn floats(value: &Json) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

/// An estimator whose probabilities are what it is given: how it came to them counts only for the scale.
fn of_probabilities(classes: usize) -> Estimator {
    Estimator::Constant(Constant { task: Task::Classification, values: vec![1.0 / classes as f64; classes] })
}

fn of_log_odds() -> Estimator {
    Estimator::Logistic(Logistic {
        count: 2,
        present: vec![0, 1],
        columns: 1,
        coefficients: vec![1.0],
        intercepts: vec![0.0],
        means: vec![0.0; 1],
        importance: vec![1.0],
    })
}

#[test]
fn calibrations_equal_scikit_learns() {
    let cases = reference::json("fuse");
    for case in cases["calibration"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let classes = case["classes"].as_u64().expect("a count") as usize;
        let codes: Vec<u32> = floats(&case["codes"]).into_iter().map(|code| code as u32).collect();
        let values = floats(&case["values"]);
        let weights = case["weights"].as_array().map(|_| floats(&case["weights"]));
        let how = if case["method"] == "isotonic" { Calibrate::Isotonic } else { Calibrate::Sigmoid };
        let estimator = if case["log_odds"] == true { of_log_odds() } else { of_probabilities(classes) };
        let held = HeldOut { codes: &codes, classes, values: &values, weights: weights.as_deref() };
        let calibration = Calibration::fit(how, &estimator, &held).expect("a calibration");
        let mut asked = floats(&case["asked"]);
        asked.chunks_mut(classes).for_each(|row| calibration.apply(row));
        for (place, (ours, theirs)) in asked.iter().zip(floats(&case["answers"])).enumerate() {
            assert!((ours - theirs).abs() < 1e-6, "{name} {place}: {ours}, {theirs}");
        }
    }
}

#[test]
fn any_calibration_rises_and_stays_within_one() {
    let chances: Vec<f64> = (0..200u32).map(|row| f64::from((row * 37) % 101) / 100.0).collect();
    let codes: Vec<u32> =
        chances.iter().enumerate().map(|(row, p)| u32::from(*p * 100.0 > (row * 53 % 97) as f64)).collect();
    let values: Vec<f64> = chances.iter().flat_map(|p| [1.0 - p, *p]).collect();
    let held = HeldOut { codes: &codes, classes: 2, values: &values, weights: None };
    for how in [Calibrate::Isotonic, Calibrate::Sigmoid] {
        for estimator in [of_probabilities(2), of_log_odds()] {
            let calibration = Calibration::fit(how, &estimator, &held).expect("a calibration");
            let mut before = 0.0;
            for nth in 0..=1000 {
                let chance = f64::from(nth) / 1000.0;
                let mut row = [1.0 - chance, chance];
                calibration.apply(&mut row);
                assert!(row[1] >= before && row[1] <= 1.0 && (row[0] + row[1] - 1.0).abs() < 1e-15, "{row:?}");
                before = row[1];
            }
            let calibrated = Calibrated { inner: Box::new(estimator), calibration };
            assert!(calibrated.is_sound());
        }
    }
}

#[test]
fn odd_rows_give_a_sensible_calibration() {
    for how in [Calibrate::Isotonic, Calibrate::Sigmoid] {
        for (codes, values) in [
            (vec![1u32], vec![0.0, 1.0]),
            (vec![0, 0, 0], vec![0.5; 6]),
            (vec![0, 1], vec![1.0, 0.0, 0.0, 1.0]),
            (vec![1, 0], vec![1.0, 0.0, 0.0, 1.0]),
        ] {
            let held = HeldOut { codes: &codes, classes: 2, values: &values, weights: None };
            for estimator in [of_probabilities(2), of_log_odds()] {
                let calibration = Calibration::fit(how, &estimator, &held).expect("a calibration");
                for chance in [0.0, 1e-300, 0.5, 1.0] {
                    let mut row = [1.0 - chance, chance];
                    calibration.apply(&mut row);
                    assert!(row.iter().all(|value| (0.0..=1.0).contains(value)), "{how:?} {codes:?} {row:?}");
                }
            }
        }
    }
    let held = HeldOut { codes: &[], classes: 2, values: &[], weights: None };
    let none = Calibration::fit(Calibrate::Sigmoid, &of_probabilities(2), &held);
    assert_eq!(none.expect_err("a fault").code, "no-rows");
}
