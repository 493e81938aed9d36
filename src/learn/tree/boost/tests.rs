//! What boosting must do, and how near it is to LightGBM and scikit-learn.

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::Boosted;
use crate::data::Matrix;
use crate::learn::{Estimator, Prediction, Scored, Target, Training, find_metric, find_model, reference, score};
use crate::source::Fault;

fn try_fit(with: Json, data: &Training) -> Result<Estimator, Fault> {
    let entry = find_model("gradient_boosting").expect("model");
    (entry.check)(with).unwrap_or_else(|faults| panic!("{faults:?}")).fit(data)
}

fn fit(with: Json, data: &Training) -> Estimator {
    let estimator = try_fit(with, data).expect("estimator");
    estimator.check().expect("sound");
    estimator
}

fn boosted(estimator: &Estimator) -> &Boosted {
    let Estimator::Boosted(boosted) = estimator else { panic!("boosted") };
    boosted
}

fn answers(estimator: &Estimator, x: &Matrix) -> Vec<f64> {
    let (Prediction::Numbers(values) | Prediction::Probabilities { values, .. }) = estimator.predict(x).expect("rows");
    values
}

/// A number in 0..1 that looks drawn by chance.
fn noise(of: usize) -> f64 {
    let mixed = (of as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// Rows of `columns` numbers, and a number that depends on the first three.
fn table(rows: usize, columns: usize) -> (Matrix, Vec<f64>) {
    let values: Vec<f64> = (0..rows * columns).map(noise).collect();
    let x = Matrix::new((0..columns).map(|name| format!("c{name}")).collect(), rows, values);
    let y = (0..rows).map(|row| {
        let [a, b, c] = [0, 1, 2].map(|column| x.at(row, column));
        3.0 * a + (6.0 * b).sin() + if c > 0.6 { a * 2.0 } else { 0.0 } + 0.3 * noise(row + 7_000_000)
    });
    let y = y.collect();
    (x, y)
}

/// Classes by quantiles of numbers.
fn classes(numbers: &[f64], count: u32) -> Target {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |value: &f64| sorted.partition_point(|other| other < value) * count as usize / sorted.len();
    Target::Classes { codes: numbers.iter().map(|value| rank(value) as u32).collect(), count: count as usize }
}

/// The best cuts, one after another, found by trying all of them: what each row is answered by one round at rate 1 with
/// squared error.
fn by_hand(x: &Matrix, y: &[f64], weights: &[f64], leaves: usize, least: usize) -> Vec<f64> {
    let mean = |rows: &[usize]| {
        let total: f64 = rows.iter().map(|&row| weights[row]).sum();
        rows.iter().map(|&row| weights[row] * y[row]).sum::<f64>() / total
    };
    let error = |rows: &[usize]| {
        let mean = mean(rows);
        rows.iter().map(|&row| weights[row] * (y[row] - mean).powi(2)).sum::<f64>()
    };
    let mut parts: Vec<Vec<usize>> = vec![(0..x.rows()).collect()];
    while parts.len() < leaves {
        let mut best = (1e-9, 0, Vec::new(), Vec::new());
        for (nth, part) in parts.iter().enumerate() {
            let own = error(part);
            for column in 0..x.columns() {
                for &cut in part {
                    for missing in [true, false] {
                        let value = |&&row: &&usize| {
                            let value = x.at(row, column);
                            if value.is_nan() { missing } else { value <= x.at(cut, column) }
                        };
                        let (left, right): (Vec<usize>, Vec<usize>) = part.iter().partition(value);
                        if left.len().min(right.len()) < least {
                            continue;
                        }
                        let gain = own - error(&left) - error(&right);
                        if gain > best.0 {
                            best = (gain, nth, left, right);
                        }
                    }
                }
            }
        }
        if best.2.is_empty() {
            break;
        }
        parts[best.1] = best.2;
        parts.push(best.3);
    }
    let mut answers = vec![0.0; x.rows()];
    for part in parts {
        let mean = mean(&part);
        part.iter().for_each(|&row| answers[row] = mean);
    }
    answers
}

#[test]
fn one_round_is_the_tree_that_trying_all_cuts_finds() {
    let (x, y) = table(90, 4);
    let mut values = x.values().to_vec();
    values.iter_mut().step_by(11).for_each(|value| *value = f64::NAN);
    let holed = Matrix::new(x.names().to_vec(), 90, values);
    let weights: Vec<f64> = (0..90).map(|row| [1.0, 0.3, 2.5][row % 3]).collect();
    for x in [&x, &holed] {
        for weights in [&[1.0; 90][..], &weights] {
            for (leaves, least) in [(2, 1), (9, 1), (31, 1), (12, 5)] {
                let with = json!({"n_estimators": 1, "learning_rate": 1, "max_leaf_nodes": leaves,
                    "min_samples_leaf": least, "min_sum_hessian": 0});
                let target = Target::Numbers(y.clone());
                let found = answers(&fit(with, &Training::new(x, &target).weighted(weights)), x);
                let expected = by_hand(x, &y, weights, leaves, least);
                for (a, b) in found.iter().zip(&expected) {
                    assert!((a - b).abs() < 1e-6, "{leaves} {least}: {a} {b}");
                }
            }
        }
    }
}

#[test]
fn categories_are_parted_as_well_as_any_set_of_them() {
    // 6 categories whose means are in no order, 20 rows each: all 2^5 ways are tried.
    let level = |row: usize| row % 6;
    let means = [3.0, -1.0, 7.0, 0.5, -2.0, 4.0];
    let y: Vec<f64> = (0..120).map(|row| means[level(row)] + noise(row)).collect();
    let x = Matrix::new(vec!["a".into()], 120, (0..120).map(|row| level(row) as f64).collect());
    let x = x.with_levels(vec![Some(8)]);
    let stump = json!({"n_estimators": 1, "learning_rate": 1, "max_leaf_nodes": 2});
    let target = Target::Numbers(y.clone());
    let estimator = fit(stump, &Training::new(&x, &target));
    let error = |answers: &[f64]| answers.iter().zip(&y).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
    let best = (1..63u32).map(|set| {
        let side = |left: bool| {
            let rows = (0..120).filter(|row| (set >> level(*row) & 1 == 1) == left);
            rows.clone().map(|row| y[row]).sum::<f64>() / rows.count() as f64
        };
        let means = [side(false), side(true)];
        error(&(0..120).map(|row| means[(set >> level(row) & 1) as usize]).collect::<Vec<_>>())
    });
    let best = best.fold(f64::INFINITY, f64::min);
    assert!((error(&answers(&estimator, &x)) - best).abs() < 1e-6);
    // A category that never came, one that doesn't exist, and none at all go the same way.
    let odd = Matrix::new(vec!["a".into()], 4, vec![7.0, 100.0, f64::NAN, -1.0]).with_levels(vec![Some(8)]);
    let answers = answers(&estimator, &odd);
    assert!(answers[1..].iter().all(|answer| *answer == answers[1]), "{answers:?}");
}

#[test]
fn leaves_hold_as_many_rows_as_said_however_curvatures_differ() {
    let (x, y) = table(3000, 4);
    let target = classes(&y, 2);
    for least in [20, 150] {
        let estimator = fit(json!({"n_estimators": 40, "min_samples_leaf": least}), &Training::new(&x, &target));
        let trees = &boosted(&estimator).trees;
        let mut row = [0.0; 4];
        for tree in 0..trees.len() {
            let mut held = std::collections::BTreeMap::<u32, usize>::new();
            for index in 0..x.rows() {
                x.row(index, &mut row);
                *held.entry(trees.leaf(tree, &row)).or_default() += 1;
            }
            assert!(held.values().all(|&rows| rows >= least), "{tree}: {held:?}");
            assert!(held.len() > 2 && held.len() <= 31, "{}", held.len());
        }
    }
}

#[test]
fn more_rounds_never_raise_the_training_loss() {
    let (x, y) = table(400, 4);
    let counts = Target::Numbers(y.iter().map(|value| (value * 2.0).max(0.0).floor()).collect());
    for (target, loss, metric) in [
        (Target::Numbers(y.clone()), Some("squared_error"), "mse"),
        (Target::Numbers(y.clone()), Some("absolute_error"), "mae"),
        (counts, Some("poisson"), ""),
        (classes(&y, 2), None, "log_loss"),
        (classes(&y, 4), None, "log_loss"),
    ] {
        let mut before = f64::INFINITY;
        for rounds in [1, 2, 3, 5, 8, 13, 21, 34, 55] {
            let with = json!({"n_estimators": rounds, "loss": loss, "learning_rate": 0.2});
            let prediction = fit(with, &Training::new(&x, &target)).predict(&x).expect("prediction");
            let loss = match (&prediction, &target) {
                (Prediction::Numbers(means), Target::Numbers(truth)) if metric.is_empty() => {
                    means.iter().zip(truth).map(|(mean, truth)| mean - truth * mean.ln()).sum::<f64>()
                }
                _ => {
                    let scored = Scored { truth: &target, prediction: &prediction, positive: 1 };
                    score(find_metric(metric).expect("metric"), &scored).expect("score")
                }
            };
            assert!(loss <= before + 1e-12, "{metric} {rounds}: {loss} after {before}");
            before = loss;
        }
    }
}

#[test]
fn a_row_twice_is_a_weight_of_two_and_a_row_without_weight_is_none() {
    let (x, y) = table(300, 4);
    let twice: Vec<usize> =
        (0..300).filter(|row| row % 5 != 2).flat_map(|row| vec![row; 1 + usize::from(row % 3 == 0)]).collect();
    let weights: Vec<f64> =
        (0..300).map(|row| if row % 5 == 2 { 0.0 } else { 1.0 + f64::from(u8::from(row % 3 == 0)) }).collect();
    for (target, loss) in [
        (Target::Numbers(y.clone()), Some("squared_error")),
        (Target::Numbers(y.iter().map(|value| value.abs()).collect()), Some("poisson")),
        (classes(&y, 2), None),
        (classes(&y, 3), None),
    ] {
        // Rows of a leaf are counted, not weighed.
        let with = json!({"n_estimators": 10, "min_samples_leaf": 1, "max_leaf_nodes": 6, "loss": loss});
        let one = fit(with.clone(), &Training::new(&x, &target).weighted(&weights));
        let (more, answer) = (x.take(&twice), target.take(&twice));
        let two = fit(with.clone(), &Training::new(&more, &answer));
        for (a, b) in answers(&one, &x).iter().zip(answers(&two, &x)) {
            assert!((a - b).abs() < 1e-5, "{loss:?}: {a} {b}");
        }
        // All weights as large again, and so the penalty: nothing changes.
        let [l2, least] = [0.5, 1e-3].map(|value| [value, value * 1e9]);
        let scaled: Vec<f64> = weights.iter().map(|weight| weight * 1e9).collect();
        let [a, b] = [(l2[0], least[0], &weights), (l2[1], least[1], &scaled)].map(|(l2, least, weights)| {
            let mut with = with.clone();
            (with["l2_regularization"], with["min_sum_hessian"]) = (json!(l2), json!(least));
            answers(&fit(with, &Training::new(&x, &target).weighted(weights)), &x)
        });
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5), "{loss:?}");
    }
}

#[test]
fn columns_that_tell_nothing_change_nothing() {
    let (x, y) = table(500, 3);
    let target = Target::Numbers(y);
    let flat = [vec![4.0; 500], x.values().to_vec(), vec![f64::NAN; 500]].concat();
    let names = ["k", "c0", "c1", "c2", "n"].map(String::from).to_vec();
    let wide = Matrix::new(names, 500, flat);
    let (one, two) = (fit(Json::Null, &Training::new(&x, &target)), fit(Json::Null, &Training::new(&wide, &target)));
    assert_eq!(answers(&one, &x), answers(&two, &wide));
    let importance = two.importance().expect("importance");
    assert_eq!((importance[0], importance[4]), (0.0, 0.0));
    assert_eq!(one.importance().expect("importance"), &importance[1..4]);
    // Nothing else to learn from: everybody gets the mean.
    let empty = Matrix::new(vec!["n".into()], 500, vec![f64::NAN; 500]);
    let estimator = fit(Json::Null, &Training::new(&empty, &target));
    let Target::Numbers(y) = &target else { panic!("numbers") };
    let mean = y.iter().sum::<f64>() / 500.0;
    assert!(answers(&estimator, &empty).iter().all(|answer| (answer - mean).abs() < 1e-9));
}

#[test]
fn missing_values_are_an_answer_of_their_own() {
    let (x, mut y) = table(600, 3);
    let mut values = x.values().to_vec();
    for row in (0..600).step_by(4) {
        values[row] = f64::NAN;
        y[row] += 40.0;
    }
    let x = Matrix::new(x.names().to_vec(), 600, values);
    let (estimator, mut into) = (fit(Json::Null, &Training::new(&x, &Target::Numbers(y))), [0.0]);
    for (value, high) in [(f64::NAN, true), (0.01, false), (0.99, false), (9.0, false)] {
        estimator.predict_row(&[value, 0.5, 0.5], &mut into);
        assert_eq!(into[0] > 30.0, high, "{value}: {}", into[0]);
    }
}

#[test]
fn monotone_features_only_rise_or_fall() {
    let (x, y) = table(800, 4);
    let with = json!({"monotone": {"c0": -1, "c1": 1}, "min_samples_leaf": 5});
    for target in [Target::Numbers(y.clone()), classes(&y, 2)] {
        let estimator = fit(with.clone(), &Training::new(&x, &target));
        let free = fit(json!({"min_samples_leaf": 5}), &Training::new(&x, &target));
        let (mut breaks, mut into) = (0, vec![0.0; estimator.outputs()]);
        for at in 0..60 {
            for (column, direction) in [(0, -1.0), (1, 1.0)] {
                let mut last = f64::NEG_INFINITY;
                let mut free_last = f64::NEG_INFINITY;
                for step in 0..=40 {
                    let mut row = [0, 1, 2, 3].map(|nth| noise(at * 4 + nth));
                    row[column] = f64::from(step) / 40.0;
                    estimator.predict_row(&row, &mut into);
                    let answer = into[into.len() - 1] * direction;
                    assert!(answer >= last - 1e-12, "{column}: {answer} after {last}");
                    last = answer;
                    free.predict_row(&row, &mut into);
                    breaks += usize::from(into[into.len() - 1] * direction < free_last);
                    free_last = into[into.len() - 1] * direction;
                }
            }
        }
        assert!(breaks > 100, "without it they fall and rise: {breaks}");
    }
}

#[test]
fn the_same_bytes_come_from_any_number_of_threads() {
    let (x, y) = table(30_000, 9);
    for (target, with) in [
        (Target::Numbers(y.clone()), json!({"n_estimators": 6})),
        (classes(&y, 2), json!({"n_estimators": 6, "subsample": 0.7, "max_features": 0.5})),
        (classes(&y, 3), json!({"n_estimators": 6, "early_stopping": true, "n_iter_no_change": 2})),
    ] {
        let bytes = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("pool");
            let estimator = pool.install(|| fit(with.clone(), &Training::new(&x, &target).seeded(5)));
            serde_json::to_string(&estimator).expect("JSON")
        };
        let one = bytes(1);
        assert!(one == bytes(2) && one == bytes(8), "{with}");
    }
}

#[test]
fn many_rows_are_answered_bit_for_bit_as_one_by_one() {
    let (x, y) = table(700, 4);
    let mut values = x.values().to_vec();
    values[..700].iter_mut().for_each(|value| *value = (*value * 70.0).floor());
    let plain = Matrix::new(x.names().to_vec(), 700, values.clone());
    values[700..].iter_mut().step_by(9).for_each(|value| *value = f64::NAN);
    values[..700].iter_mut().step_by(13).for_each(|value| *value = f64::NAN);
    let holed = Matrix::new(x.names().to_vec(), 700, values);
    let levels = vec![Some(70), None, None, None];
    for x in [plain.clone(), holed.clone(), plain.with_levels(levels.clone()), holed.with_levels(levels)] {
        for target in [Target::Numbers(y.clone()), classes(&y, 2), classes(&y, 3)] {
            for with in
                [json!({"n_estimators": 5}), json!({"n_estimators": 3, "max_leaf_nodes": null, "min_samples_leaf": 1})]
            {
                let estimator = fit(with, &Training::new(&x, &target));
                let (many, outputs) = (answers(&estimator, &x), estimator.outputs());
                let (mut row, mut into) = (vec![0.0; 4], vec![0.0; outputs]);
                for (index, many) in many.chunks(outputs).enumerate() {
                    x.row(index, &mut row);
                    estimator.predict_row(&row, &mut into);
                    assert_eq!(into, many);
                }
            }
        }
    }
}

#[test]
fn early_stopping_keeps_the_best_rounds() {
    let (x, y) = table(600, 3);
    // Half of the answers are noise, so that many rounds learn that by heart.
    let noisy: Vec<f64> = y.iter().enumerate().map(|(row, y)| y + 6.0 * noise(row + 99)).collect();
    let rounds = |estimator: &Estimator| boosted(estimator).rounds();
    for target in [Target::Numbers(noisy.clone()), classes(&noisy, 2), classes(&noisy, 3)] {
        let with = json!({"n_estimators": 400, "early_stopping": true, "learning_rate": 0.3});
        let stopped = fit(with.clone(), &Training::new(&x, &target).seeded(1));
        assert!((1..200).contains(&rounds(&stopped)), "{}", rounds(&stopped));
        assert_eq!(stopped.facts()[0], ("rounds", rounds(&stopped) as f64));
        let other = fit(with.clone(), &Training::new(&x, &target).seeded(2));
        assert_ne!(stopped, other, "other rows are held out");
        let mut exact = with;
        exact["n_estimators"] = json!(rounds(&stopped));
        let exact = fit(exact, &Training::new(&x, &target).seeded(1));
        assert_eq!(answers(&stopped, &x), answers(&exact, &x));
    }
}

#[test]
fn each_loss_finds_what_it_looks_for() {
    let (x, y) = table(4000, 3);
    let skewed: Vec<f64> = y.iter().enumerate().map(|(row, y)| y - 2.0 * noise(row + 31).ln()).collect();
    let target = Target::Numbers(skewed.clone());
    for level in [0.1, 0.5, 0.9] {
        let estimator = fit(json!({"loss": "quantile", "quantile": level}), &Training::new(&x, &target));
        let below = answers(&estimator, &x).iter().zip(&skewed).filter(|(answer, y)| y <= answer).count();
        assert!((below as f64 / 4000.0 - level).abs() < 0.03, "{level}: {below}");
    }
    let median = fit(json!({"loss": "absolute_error"}), &Training::new(&x, &target));
    assert_eq!(median, fit(json!({"loss": "quantile", "quantile": 0.5}), &Training::new(&x, &target)));
    let counts = Target::Numbers(skewed.iter().map(|y| y.max(0.0).floor()).collect());
    let Target::Numbers(truth) = &counts else { panic!("numbers") };
    let means = answers(&fit(json!({"loss": "poisson"}), &Training::new(&x, &counts)), &x);
    assert!(means.iter().all(|mean| *mean > 0.0));
    let total = |values: &[f64]| values.iter().sum::<f64>();
    assert!((total(&means) / total(truth) - 1.0).abs() < 0.01);
}

#[test]
fn what_cannot_be_learned_is_told() {
    let (x, y) = table(40, 3);
    let fault = |with: Json, target: &Target| try_fit(with, &Training::new(&x, target)).expect_err("fault");
    let numbers = Target::Numbers(y.clone());
    let negative = Target::Numbers(y.iter().map(|y| y - 5.0).collect());
    assert_eq!(fault(json!({"loss": "poisson"}), &negative).code, "negative-target");
    assert_eq!(fault(json!({"loss": "poisson"}), &Target::Numbers(vec![0.0; 40])).code, "constant-target");
    assert_eq!(fault(json!({"loss": "poisson"}), &classes(&y, 2)).code, "wrong-task");
    let unknown = fault(json!({"monotone": {"c7": 1}}), &numbers);
    assert_eq!((unknown.code, unknown.route.to_string().as_str()), ("unknown-column", "monotone.c7"));
    assert_eq!(fault(json!({"monotone": {"c1": 1}}), &classes(&y, 3)).code, "wrong-task");
    let large = Target::Numbers((0..40).map(|row| if row % 2 == 0 { 1.7e308 } else { -1.7e308 }).collect());
    let estimator = fit(json!({"min_samples_leaf": 1}), &Training::new(&x, &large));
    assert!(answers(&estimator, &x).iter().all(|answer| answer.is_finite() && answer.abs() > 1e307));
    // A class a row, as many as are taken.
    let rows = 1000;
    let x = Matrix::new(vec!["a".into()], rows, (0..rows).map(|row| row as f64).collect());
    let many = Target::Classes { codes: (0..rows as u32).collect(), count: 1000 };
    let estimator = fit(json!({"n_estimators": 1}), &Training::new(&x, &many));
    assert!(answers(&estimator, &x.take(&[5])).iter().all(|share| share.is_finite()));
}

#[test]
fn broken_trees_are_told() {
    let (x, y) = table(200, 3);
    let sound =
        serde_json::to_value(fit(json!({"n_estimators": 2}), &Training::new(&x, &classes(&y, 3)))).expect("JSON");
    for (key, value) in [
        ("start", json!([0.0])),
        ("present", json!([0, 1, 3])),
        ("present", json!([0, 2, 1])),
        ("count", json!(2)),
        ("link", json!("log")),
        ("importance", json!([1.0])),
    ] {
        let mut broken = sound.clone();
        broken["boosted"][key] = value;
        let broken: Estimator = serde_json::from_value(broken).expect("estimator");
        assert_eq!(broken.check().expect_err("fault").code, "broken-model", "{key}");
    }
}

/// A data set as make_boost.py changes it.
fn variant(set: &str, variant: &str) -> (Matrix, Target) {
    let (x, y) = reference::table(set);
    let rows = x.rows();
    let mut values = x.values().to_vec();
    if variant == "missing" {
        for column in 0..2 {
            values[column * rows..(column + 1) * rows].iter_mut().skip(column).step_by(7).for_each(|v| *v = f64::NAN);
        }
    }
    let mut levels = vec![None; x.columns()];
    if variant == "categories" {
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by(|&a, &b| x.at(a, 0).total_cmp(&x.at(b, 0)));
        for (rank, row) in order.into_iter().enumerate() {
            values[row] = [5.0, 2.0, 7.0, 0.0, 3.0, 6.0, 1.0, 4.0][rank * 8 / rows];
        }
        levels[0] = Some(8);
    }
    (Matrix::new(x.names().to_vec(), rows, values).with_levels(levels), y)
}

/// Mean scores over 20 splits. A split's score deviates by 0.01 to 0.09, and the libraries' means differ from one another
/// by up to a quarter of that, as they do from ours.
#[test]
fn mean_scores_are_those_of_lightgbm_and_scikit_learn() {
    let (splits, expected) = (reference::json("splits"), reference::json("boost"));
    let entries: Vec<(&String, &Json)> = expected.as_object().expect("entries").iter().collect();
    assert_eq!(entries.len(), 13);
    let wrong: Vec<String> = entries
        .into_par_iter()
        .flat_map_iter(|(key, theirs)| {
            let (set, kind) = key.split_once(": ").expect("set: variant");
            let (x, y) = variant(set, kind);
            let metrics: &[&str] = if set == "diabetes" { &["r2"] } else { &["accuracy", "log_loss"] };
            let mut means = vec![0.0; metrics.len()];
            for (seed, test) in splits[set].as_array().expect("splits").iter().enumerate() {
                let test: Vec<usize> = serde_json::from_value(test.clone()).expect("rows");
                let train: Vec<usize> = (0..x.rows()).filter(|row| test.binary_search(row).is_err()).collect();
                let (seen, answer) = (x.take(&train), y.take(&train));
                let estimator = fit(json!({"n_estimators": 60}), &Training::new(&seen, &answer).seeded(seed as u64));
                let prediction = estimator.predict(&x.take(&test)).expect("prediction");
                let scored = Scored { truth: &y.take(&test), prediction: &prediction, positive: 1 };
                for (mean, metric) in means.iter_mut().zip(metrics) {
                    *mean += score(find_metric(metric).expect("metric"), &scored).expect("score") / 20.0;
                }
            }
            let mut wrong = Vec::new();
            for (nth, metric) in metrics.iter().enumerate() {
                let of = |library: &str, figure: &str| theirs[library][figure][nth].as_f64().expect("figure");
                let [a, b] = ["lightgbm", "sklearn"].map(|library| of(library, "mean"));
                let room = 0.3 * of("lightgbm", "deviation").max(of("sklearn", "deviation"));
                if means[nth] < a.min(b) - room || means[nth] > a.max(b) + room {
                    wrong.push(format!("{key} {metric}: {}, not {a} or {b} by {room}", means[nth]));
                }
            }
            wrong
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
