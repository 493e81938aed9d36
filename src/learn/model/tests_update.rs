//! What going on from a model of before means.

use serde_json::{Value as Json, json};

use super::*;
use crate::data::Matrix;
use crate::learn::{Prediction, Target};

fn model(name: &str, with: Json) -> Box<dyn CheckedModel> {
    (find(name).expect("model").check)(with).unwrap_or_else(|faults| panic!("{name}: {faults:?}"))
}

fn table(rows: u32) -> (Matrix, [Target; 3]) {
    let a = (0..rows).map(|row| f64::from(row * 73 % 200));
    let b = (0..rows).map(|row| f64::from(row * 31 % 17));
    let x = Matrix::new(["a", "b"].map(String::from).to_vec(), rows as usize, a.chain(b).collect());
    let of = |row: u32| u32::from(x.at(row as usize, 0) > 120.0) + u32::from(x.at(row as usize, 1) > 9.0);
    let two = Target::Classes { codes: (0..rows).map(|row| of(row).min(1)).collect(), count: 2 };
    let three = Target::Classes { codes: (0..rows).map(of).collect(), count: 3 };
    let numbers = Target::Numbers((0..rows).map(|row| 1e3 * f64::from(of(row)) + f64::from(row % 7)).collect());
    (x, [two, three, numbers])
}

fn values(estimator: &Estimator, x: &Matrix) -> Vec<f64> {
    estimator.check().expect("sound");
    match estimator.predict(x).expect("a prediction") {
        Prediction::Probabilities { values, .. } | Prediction::Numbers(values) => values,
    }
}

#[test]
fn more_rounds_are_as_good_as_many_from_the_start() {
    let (x, answers) = table(240);
    for y in &answers {
        let data = Training::new(&x, y).seeded(3);
        for with in [json!({}), json!({"subsample": 0.5, "max_features": 1})] {
            let rounds = |count: usize| {
                let mut with = with.clone();
                with["n_estimators"] = count.into();
                model("gradient_boosting", with)
            };
            let whole = rounds(10).fit(&data).expect("an estimator");
            let half = rounds(4).fit(&data).expect("an estimator");
            let both = rounds(6).update(&half, &data).expect("an estimator");
            assert_eq!(values(&whole, &x), values(&both, &x));
            let shares = both.importance().expect("shares");
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{shares:?}");
        }
    }
    let counts = Target::Numbers((0..240).map(|row| f64::from(row % 5)).collect());
    let data = Training::new(&x, &counts);
    let rounds = |count: usize| model("gradient_boosting", json!({"loss": "poisson", "n_estimators": count}));
    let half = rounds(5).fit(&data).expect("an estimator");
    let (both, whole) = (rounds(5).update(&half, &data), rounds(10).fit(&data));
    let (both, whole) = (values(&both.expect("an estimator"), &x), values(&whole.expect("an estimator"), &x));
    assert!(both.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-9 * b.abs()));
}

#[test]
fn more_trees_are_averaged_with_those_before() {
    let (x, answers) = table(200);
    for name in ["random_forest", "extra_trees"] {
        for y in &answers {
            let data = Training::new(&x, y).seeded(1);
            let four = model(name, json!({"n_estimators": 4, "bootstrap": true}));
            let before = four.fit(&data).expect("an estimator");
            let both = four.update(&before, &data).expect("an estimator");
            let Estimator::Forest(forest) = &both else { panic!("a forest") };
            assert_eq!(forest.trees.len(), 8);
            assert_eq!(both, four.update(&before, &data).expect("an estimator"));
            // The new trees are others, grown on the rows of today.
            assert_ne!(values(&both, &x), values(&before, &x));
            let few = x.take(&[0, 1, 2]);
            let fewer = y.take(&[0, 1, 2]);
            if fewer.task() == Task::Regression {
                let other = four.update(&before, &Training::new(&few, &fewer)).expect("an estimator");
                let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
                assert_ne!(mean(&values(&other, &x)), mean(&values(&both, &x)));
            }
        }
    }
}

#[test]
fn models_of_another_kind_are_refused() {
    let (x, [two, three, numbers]) = table(100);
    let of = |name: &str| model(name, Json::Null);
    let code = |name: &str, previous: &Estimator, y: &Target| {
        of(name).update(previous, &Training::new(&x, y)).expect_err("a fault").code
    };
    let line = of("logistic_regression").fit(&Training::new(&x, &two)).expect("an estimator");
    for entry in catalogue() {
        let y = if entry.tasks.contains(&Task::Classification) { &two } else { &numbers };
        let able = of(entry.name)
            .fit(&Training::new(&x, y).remembering())
            .is_ok_and(|own| of(entry.name).update(&own, &Training::new(&x, y)).is_ok());
        assert_eq!(able, entry.updates, "{}", entry.name);
        assert_eq!(code(entry.name, &line, y), "no-update", "{}", entry.name);
    }
    for name in ["random_forest", "gradient_boosting"] {
        let own = of(name).fit(&Training::new(&x, &two)).expect("an estimator");
        assert_eq!(code(name, &own, &three), "no-update", "{name}");
        assert_eq!(code(name, &own, &numbers), "no-update", "{name}");
    }
}
