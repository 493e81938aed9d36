//! Ensembles against what their parts say, and weights against scipy's.

use super::*;
use crate::learn::linear::Constant;
use crate::learn::{Prediction, reference};
use serde_json::json;

fn checked(with: Json) -> Fusion {
    let params: Params = serde_json::from_value(with).expect("hyper-parameters");
    Fusion::check(&params).expect("checked")
}

fn floats(value: &Json) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number")).collect()
}

fn constant(task: Task, values: &[f64]) -> Estimator {
    Estimator::Constant(Constant { task, values: values.to_vec() })
}

/// An ensemble of estimators that read no features.
fn of(with: Json, members: &[Estimator], hard: bool) -> Estimator {
    let (task, outputs) = (members[0].task(), members[0].outputs());
    let last = checked(with).fixed(task, members.len(), outputs).expect("nothing to learn");
    let hard = hard.then_some(Hard { threshold: None, positive: 1 });
    let member = |estimator: &Estimator| Member { columns: vec![0], estimator: estimator.clone(), hard };
    Estimator::Ensemble(Ensemble::new(1, members.iter().map(member).collect(), last))
}

fn said(estimator: &Estimator) -> Vec<f64> {
    estimator.check().expect("sound");
    let x = Matrix::new(vec!["a".into()], 3, vec![1.0, 2.0, 3.0]);
    let mut row = vec![0.0; estimator.outputs()];
    estimator.predict_row(&[1.0], &mut row);
    let (Prediction::Probabilities { values, .. } | Prediction::Numbers(values)) =
        estimator.predict(&x).expect("a prediction");
    assert!(values.chunks(row.len()).all(|one| one == row), "a row says what rows say");
    row
}

#[test]
fn votes_and_means_are_what_they_say() {
    let two = [[0.4, 0.6], [0.45, 0.55], [0.9, 0.1]].map(|values| constant(Task::Classification, &values));
    let plain = |method: &str| json!({"of": ["a", "b", "c"], "method": method});
    let near = |found: Vec<f64>, expected: &[f64]| {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{found:?} {expected:?}");
    };
    near(said(&of(plain("vote"), &two, true)), &[1.0 / 3.0, 2.0 / 3.0]);
    near(said(&of(plain("average"), &two, false)), &[1.75 / 3.0, 1.25 / 3.0]);
    let weighted = json!({"of": ["a", "b", "c"], "method": "average", "weights": [3, 1, 0]});
    near(said(&of(weighted, &two, false)), &[0.4125, 0.5875]);
    let three = [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]].map(|values| constant(Task::Classification, &values));
    near(said(&of(plain("average"), &three, false)), &[0.4, 0.4, 0.2]);
    near(said(&of(plain("vote"), &three, true)), &[0.5, 0.5, 0.0]);
    let numbers = [[1.0], [4.0]].map(|values| constant(Task::Regression, &values));
    near(said(&of(plain("average"), &numbers, false)), &[2.5]);
}

#[test]
fn weights_equal_scipys() {
    let reference = reference::json("fuse");
    for case in reference["weights"].as_array().expect("cases") {
        let name = case["name"].as_str().expect("a name");
        let columns = case["answers"].as_array().expect("answers");
        let rows = floats(&case["truth"]).len();
        let values = columns.iter().flat_map(floats).collect();
        let x = Matrix::new((0..columns.len()).map(|nth| nth.to_string()).collect(), rows, values);
        let truth = floats(&case["truth"]);
        let y = match case["classes"].as_u64() {
            Some(count) => {
                Target::Classes { codes: truth.iter().map(|code| *code as u32).collect(), count: count as usize }
            }
            None => Target::Numbers(truth),
        };
        let fusion = checked(json!({"of": ["a", "b"], "method": "weighted"}));
        let Estimator::Mix(mix) = fusion.fit(&Training::new(&x, &y)).expect("weights") else { panic!("a mean") };
        assert!((mix.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        for (ours, theirs) in mix.weights.iter().zip(floats(&case["weights"])) {
            assert!((ours - theirs).abs() < 1e-5, "{name}: {:?}, {}", mix.weights, case["weights"]);
        }
    }
}

#[test]
fn weights_of_odd_answers_are_weights() {
    let fusion = checked(json!({"of": ["a", "b"], "method": "weighted"}));
    let y = Target::Classes { codes: vec![0, 1, 1], count: 2 };
    let numbers = Target::Numbers(vec![1e300, -1e300, 0.0]);
    for values in [[0.5; 6], [1.0, 0.0, 0.0, 0.0, 1.0, 1.0], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0], [1e-300; 6]] {
        let x = Matrix::new(vec!["a".into(), "b".into()], 3, values.to_vec());
        for y in [&y, &numbers] {
            let Estimator::Mix(mix) = fusion.fit(&Training::new(&x, y)).expect("weights") else { panic!("a mean") };
            assert!(mix.weights.iter().all(|weight| (0.0..=1.0).contains(weight)), "{:?}", mix.weights);
            assert!((mix.weights.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", mix.weights);
        }
    }
    // Of members that say the same none is better.
    let x = Matrix::new(vec!["a".into(), "b".into()], 3, vec![0.2, 0.7, 0.9, 0.2, 0.7, 0.9]);
    let Estimator::Mix(mix) = fusion.fit(&Training::new(&x, &y)).expect("weights") else { panic!("a mean") };
    assert_eq!(mix.weights, [0.5, 0.5]);
    let none = Matrix::new(vec!["a".into()], 0, vec![]);
    let fault = fusion.fit(&Training::new(&none, &y.take(&[]))).expect_err("a fault");
    assert_eq!(fault.code, "no-rows");
}

#[test]
fn a_stack_learns_whom_to_believe() {
    let fusion = checked(json!({"of": ["a", "b"], "method": "stack"}));
    let codes: Vec<u32> = (0..40).map(|row| row % 2).collect();
    let right = codes.iter().map(|code| 0.3 + 0.4 * f64::from(*code));
    let idle = (0..40).map(|row| f64::from(row % 7) / 7.0);
    let x = Matrix::new(vec!["a".into(), "b".into()], 40, right.chain(idle).collect());
    let last = fusion.fit(&Training::new(&x, &Target::Classes { codes, count: 2 })).expect("a model");
    let member =
        |column| Member { columns: vec![column], estimator: constant(Task::Classification, &[0.5, 0.5]), hard: None };
    let ensemble = Ensemble::new(2, vec![member(0), member(1)], last);
    assert!(ensemble.weights()[0] > 0.8, "{:?}", ensemble.weights());
}

#[test]
fn wrong_hyper_parameters_are_told_with_their_keys() {
    let told = |with: Json| -> Vec<String> {
        let params: Params = serde_json::from_value(with).expect("hyper-parameters");
        Fusion::check(&params).expect_err("faults").iter().map(|fault| fault.route.to_string()).collect()
    };
    assert_eq!(
        told(json!({"of": ["a"], "method": "weighted", "weights": [1], "final": "knn"})),
        ["of", "weights", "final"]
    );
    assert_eq!(told(json!({"of": ["a", "b"], "weights": [1]})), ["weights"]);
    assert_eq!(told(json!({"of": ["a", "b"], "weights": [1, -1]})), ["weights"]);
    assert_eq!(told(json!({"of": ["a", "b"], "weights": [0, 0]})), ["weights"]);
    assert_eq!(told(json!({"of": ["a", "b"], "method": "stack", "final": "ensemble"})), ["final"]);
    assert!(checked(json!({"of": ["a", "b"], "method": "vote"})).unfit(Task::Regression).is_some());
    let last = json!({"of": ["a", "b"], "method": "stack", "final": "linear_regression"});
    assert!(checked(last).unfit(Task::Classification).is_some());
}
