//! Scales against scikit-learn's.

use super::*;
use crate::learn::{Target, Training, find_model, reference};

#[test]
fn what_goes_there_comes_back() {
    let numbers = [1e-9, 0.5, 1.0, 3.0, 1e6];
    for transform in Transform::ALL {
        let scale = transform.fit(&numbers).expect("a scale");
        assert_eq!(scale.transform(), transform);
        for y in numbers {
            let back = scale.back(scale.there(y).expect("it has a place"));
            assert!((back - y).abs() <= y.max(1e-3) * 1e-9, "{}: {y} {back}", transform.name());
        }
        assert_eq!(scale.there(f64::NAN), None, "{}", transform.name());
        assert!(scale.back(1e9).is_finite() && scale.back(-1e9).is_finite(), "{}", transform.name());
    }
    for scale in [TargetScale::Log1p, TargetScale::Log, TargetScale::Sqrt] {
        assert_eq!(scale.there(-1.0), None);
        assert!(scale.back(-1e9) >= -1.0);
        let back = scale.back(scale.there(1e300).expect("it has a place"));
        assert!((back / 1e300 - 1.0).abs() < 1e-12);
    }
    assert_eq!((TargetScale::Log.there(0.0), TargetScale::Sqrt.there(0.0)), (None, Some(0.0)));
}

#[test]
fn numbers_that_are_all_the_same_or_few_have_a_scale_too() {
    for transform in [Transform::YeoJohnson, Transform::Quantile] {
        for numbers in [vec![7.0; 5], vec![-2.0], vec![0.0, 1.0]] {
            let scale = transform.fit(&numbers).expect("a scale");
            for y in &numbers {
                let back = scale.back(scale.there(*y).expect("it has a place"));
                assert!((back - y).abs() < 1e-9, "{} {numbers:?}: {back}", transform.name());
            }
        }
        assert!(scale_of_huge(transform));
    }
}

/// Whether huge numbers have a scale, or are told.
fn scale_of_huge(transform: Transform) -> bool {
    match transform.fit(&[1e308, -1e308, 1e307]) {
        Ok(scale) => scale.there(1e307).is_none_or(f64::is_finite),
        Err(fault) => fault.code == "no-scale",
    }
}

fn floats(json: &serde_json::Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|number| number.as_f64().expect("a number")).collect()
}

#[test]
fn powers_and_places_are_those_of_scikit_learn() {
    for (name, case) in reference::json("transform")["scales"].as_object().expect("cases") {
        let y = floats(&case["y"]);
        let TargetScale::YeoJohnson(power) = Transform::YeoJohnson.fit(&y).expect("a scale") else { panic!("{name}") };
        let lambda = case["lambda"].as_f64().expect("a number");
        assert!((power.lambda - lambda).abs() < 1e-6, "{name}: {} {lambda}", power.lambda);
        for (transform, key) in [(Transform::YeoJohnson, "yeo_johnson"), (Transform::Quantile, "quantile")] {
            let scale = transform.fit(&y).expect("a scale");
            for (y, wanted) in y.iter().zip(floats(&case[key])) {
                let found = scale.there(*y).expect("it has a place");
                assert!((found - wanted).abs() < 1e-5, "{name} {key} {y}: {found} {wanted}");
            }
            for (z, wanted) in floats(&case["z"]).into_iter().zip(floats(&case[&format!("{key}_back")])) {
                let found = scale.back(z);
                let near = 1e-5 * wanted.abs().max(1.0);
                assert!((found - wanted).abs() < near, "{name} {key} back {z}: {found} {wanted}");
            }
        }
    }
}

#[test]
fn regressions_on_a_scale_are_those_of_scikit_learn() {
    let (x, y) = reference::table("diabetes");
    let Target::Numbers(y) = y else { panic!("numbers") };
    let line = (find_model("linear_regression").expect("a model").check)(serde_json::Value::Null)
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    let known = reference::json("transform");
    for transform in Transform::ALL {
        let scale = transform.fit(&y).expect("a scale");
        let there = Target::Numbers(y.iter().map(|y| scale.there(*y).expect("a place")).collect());
        let inner = Box::new(line.fit(&Training::new(&x, &there)).expect("a fit"));
        let estimator = Estimator::Transformed(Transformed { inner, transform: scale });
        estimator.check().expect("it is sound");
        let crate::learn::Prediction::Numbers(said) = estimator.predict(&x).expect("said") else { panic!("numbers") };
        for (found, wanted) in said.iter().zip(floats(&known["predictions"][transform.name()])) {
            assert!((found - wanted).abs() < 1e-4, "{}: {found} {wanted}", transform.name());
        }
    }
}
