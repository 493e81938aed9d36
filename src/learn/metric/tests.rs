//! The metrics, held against scikit-learn.

use super::*;
use crate::learn::chance::Chance;
use crate::learn::reference;
use serde_json::Value as Json;

fn floats(value: &Json) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|item| item.as_f64().expect("a number")).collect()
}

fn case(value: &Json) -> (Target, Prediction, u32) {
    if let Some(predicted) = value.get("predicted") {
        return (Target::Numbers(floats(&value["truth"])), Prediction::Numbers(floats(predicted)), 0);
    }
    let codes = floats(&value["truth"]).into_iter().map(|code| code as u32).collect();
    let count = value["count"].as_u64().expect("count") as usize;
    let rows = value["probabilities"].as_array().expect("rows");
    let values = rows.iter().flat_map(floats).collect();
    let positive = value["positive"].as_u64().unwrap_or(0) as u32;
    (Target::Classes { codes, count }, Prediction::Probabilities { classes: count, values }, positive)
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let mut checked = 0;
    let files = [reference::json("metrics"), reference::json("judgement")];
    for (name, value) in files.iter().flat_map(|file| file.as_object().expect("cases")) {
        let (truth, prediction, positive) = case(value);
        let scored = Scored { truth: &truth, prediction: &prediction, positive };
        for (metric, expected) in value["expected"].as_object().expect("scores") {
            let found = score(find_metric(metric).expect("metric"), &scored).expect("score");
            let expected = expected.as_f64().expect("number");
            assert!((found - expected).abs() < 1e-9, "{name}: {metric} {found}, not {expected}");
            checked += 1;
        }
    }
    assert_eq!(checked, 5 * 16 + 4 + 5 * 5 + 2 * 5 + 1);
}

#[test]
fn reports_are_those_of_scikit_learn() {
    for (name, value) in reference::json("metrics").as_object().expect("cases") {
        let (truth, prediction, positive) = case(value);
        let scored = Scored { truth: &truth, prediction: &prediction, positive };
        let sheet = Sheet::new(&scored, None).expect("a sheet");
        let Some(expected) = value.get("confusion") else {
            assert_eq!(report(&sheet).expect_err("fault").code, "wrong-task");
            continue;
        };
        let matrix = confusion(&sheet).expect("matrix");
        assert_eq!(&serde_json::to_value(matrix).expect("json"), expected, "{name}");
        let found = report(&sheet).expect("report");
        for (class, line) in found.classes.iter().enumerate() {
            let expected = &value["report"][class.to_string()];
            let of = |key: &str| expected[key].as_f64().expect("number");
            assert!((line.precision - of("precision")).abs() < 1e-9, "{name} {class}");
            assert!((line.recall - of("recall")).abs() < 1e-9, "{name} {class}");
            assert!((line.f1 - of("f1-score")).abs() < 1e-9, "{name} {class}");
            assert_eq!(line.support as f64, of("support"));
        }
        let overall = found.overall;
        let of = |line: &str, key: &str| value["report"][line][key].as_f64().expect("number");
        for (line, average) in [("macro avg", overall.macro_avg), ("weighted avg", overall.weighted_avg)] {
            assert!((average.precision - of(line, "precision")).abs() < 1e-9, "{name} {line}");
            assert!((average.recall - of(line, "recall")).abs() < 1e-9, "{name} {line}");
            assert!((average.f1 - of(line, "f1-score")).abs() < 1e-9, "{name} {line}");
        }
        let accuracy = value["report"]["accuracy"].as_f64().expect("number");
        assert!((overall.accuracy - accuracy).abs() < 1e-9, "{name}");
    }
}

#[test]
fn one_class_has_no_roc_auc_and_no_rows_no_score() {
    let truth = Target::Classes { codes: vec![1, 1], count: 2 };
    let prediction = Prediction::Probabilities { classes: 2, values: vec![0.5; 4] };
    let scored = Scored { truth: &truth, prediction: &prediction, positive: 1 };
    let auc = find_metric("roc_auc").expect("metric");
    assert_eq!(score(auc, &scored).expect_err("fault").code, "one-class");
    let (truth, prediction) = (Target::Numbers(vec![]), Prediction::Numbers(vec![]));
    let scored = Scored { truth: &truth, prediction: &prediction, positive: 0 };
    assert_eq!(score(find_metric("r2").expect("metric"), &scored).expect_err("fault").code, "no-rows");
    assert_eq!(score(auc, &scored).expect_err("fault").code, "wrong-task");
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    let help = |name| find_metric(name).err().and_then(|fault| fault.help).expect("help");
    assert_eq!(help("auc"), "did you mean `roc_auc`?");
    assert_eq!(help("acuracy"), "did you mean `accuracy`?");
    assert_eq!(help("matthews_corrcoef"), "did you mean `mcc`?");
    assert_eq!(help("average_precision"), "did you mean `pr_auc`?");
}

#[test]
fn curves_are_those_of_scikit_learn() {
    let value = &reference::json("judgement")["curves"];
    let (truth, prediction, positive) = case(value);
    let scored = Scored { truth: &truth, prediction: &prediction, positive };
    let curves = Curves::of(&Sheet::new(&scored, None).expect("a sheet"));
    let found = &curves.classes[0];
    let close = |ours: &[f64], theirs: &Json| {
        let theirs = floats(theirs);
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.iter().zip(&theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-12), "{ours:?} {theirs:?}");
    };
    close(&found.roc.fpr, &value["roc"]["fpr"]);
    close(&found.roc.tpr, &value["roc"]["tpr"]);
    close(&found.roc.threshold.iter().flatten().copied().collect::<Vec<_>>(), &value["roc"]["threshold"]);
    // scikit-learn ends where all positives are found; we go on to the last row.
    let known = floats(&value["precision_recall"]["recall"]).len();
    close(&found.precision_recall.recall[..known], &value["precision_recall"]["recall"]);
    close(&found.precision_recall.precision[..known], &value["precision_recall"]["precision"]);
    close(&found.precision_recall.threshold[..known], &value["precision_recall"]["threshold"]);
    assert_eq!(
        (found.gain.rows.last(), found.gain.found.last(), found.gain.lift.last()),
        (Some(&1.0), Some(&1.0), Some(&1.0))
    );
}

/// Rows of two classes whose probabilities tell them apart more or less.
fn some_rows(rows: usize, skill: f64) -> (Target, Prediction) {
    let mut chance = Chance::new(3, 0);
    let mut draw = || chance.below(1_000_000) as f64 / 1_000_000.0;
    let codes: Vec<u32> = (0..rows).map(|_| u32::from(draw() < 0.3)).collect();
    let values = codes.iter().flat_map(|code| {
        let positive = (1.0 - skill) * draw() + skill * f64::from(*code);
        [1.0 - positive, positive]
    });
    let prediction = Prediction::Probabilities { classes: 2, values: values.collect() };
    (Target::Classes { codes, count: 2 }, prediction)
}

#[test]
fn curves_of_many_rows_are_thinned_and_keep_their_ends() {
    let (truth, prediction) = some_rows(5000, 0.2);
    let scored = Scored { truth: &truth, prediction: &prediction, positive: 1 };
    let curves = Curves::of(&Sheet::new(&scored, None).expect("a sheet"));
    let found = &curves.classes[0];
    for points in [found.roc.fpr.len(), found.precision_recall.recall.len(), found.gain.rows.len()] {
        assert!((100..=200).contains(&points), "{points}");
    }
    assert_eq!((found.roc.fpr[0], found.roc.tpr.last()), (0.0, Some(&1.0)));
    assert!(found.roc.tpr.is_sorted() && found.gain.rows.is_sorted());
    let reliability = curves.reliability.expect("bins");
    assert_eq!(reliability.bins.iter().map(|bin| bin.rows).sum::<u64>(), 5000);
    let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
    let (truth, prediction) = (Target::Numbers(numbers.clone()), Prediction::Numbers(vec![10.0; 1000]));
    let residuals = Curves::of(
        &Sheet::new(&Scored { truth: &truth, prediction: &prediction, positive: 0 }, None).expect("a sheet"),
    );
    let residuals = residuals.residuals.expect("residuals");
    assert_eq!((residuals.predicted.len(), residuals.residual.len()), (200, 200));
    assert_eq!(residuals.histogram.iter().map(|bin| bin.rows).sum::<u64>(), 1000);
    assert_eq!((residuals.histogram[0].from, residuals.histogram[19].to), (-10.0, 989.0));
}

fn interval(rows: usize, metric: &str) -> Interval {
    let (truth, prediction) = some_rows(rows, 0.2);
    let sheet = Sheet::new(&Scored { truth: &truth, prediction: &prediction, positive: 1 }, None).expect("a sheet");
    intervals(&[find_metric(metric).expect("a metric")], &sheet)[0].expect("an interval")
}

#[test]
fn an_interval_is_as_wide_as_theory_says_and_the_same_on_any_threads() {
    for rows in [200, 1000] {
        let found = interval(rows, "accuracy");
        let (truth, prediction) = some_rows(rows, 0.2);
        let scored = Scored { truth: &truth, prediction: &prediction, positive: 1 };
        let accuracy = score(find_metric("accuracy").expect("a metric"), &scored).expect("a score");
        let half = 1.96 * (accuracy * (1.0 - accuracy) / rows as f64).sqrt();
        assert!((found.low - (accuracy - half)).abs() < 0.15 * half, "{found:?} {accuracy} {half}");
        assert!((found.high - (accuracy + half)).abs() < 0.15 * half, "{found:?} {accuracy} {half}");
    }
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| (interval(300, "roc_auc"), interval(300, "log_loss")))
    };
    assert_eq!(on(1), on(4));
}

#[test]
fn what_two_models_share_does_not_count_when_they_are_compared() {
    let (truth, better) = some_rows(400, 0.2);
    let Prediction::Probabilities { classes, values } = &better else { unreachable!("classes") };
    // Wrong in ten more rows, and else the same.
    let mut values = values.clone();
    for row in 0..10 {
        values.swap(2 * row, 2 * row + 1);
    }
    let worse = Prediction::Probabilities { classes: *classes, values };
    let sheet = |prediction| Sheet::new(&Scored { truth: &truth, prediction, positive: 1 }, None).expect("a sheet");
    let accuracy = find_metric("accuracy").expect("a metric");
    let found = paired(accuracy, &sheet(&better), &sheet(&worse)).expect("compared");
    let difference = found.difference.expect("an interval");
    assert!(difference.low <= found.first - found.second && found.first - found.second <= difference.high);
    let alone = interval(400, "accuracy");
    assert!(difference.high - difference.low < (alone.high - alone.low) / 1.5, "{difference:?} {alone:?}");
    let same = paired(accuracy, &sheet(&better), &sheet(&better)).expect("compared");
    assert_eq!(same.difference, Some(Interval { low: 0.0, high: 0.0 }));
}

#[test]
fn a_threshold_moves_labels_and_no_probability() {
    let (truth, prediction) = some_rows(500, 0.3);
    let scored = Scored { truth: &truth, prediction: &prediction, positive: 1 };
    let of = |threshold: Option<f64>, metric: &str| {
        Sheet::new(&scored, threshold).expect("a sheet").score(find_metric(metric).expect("a metric")).expect("a score")
    };
    assert_eq!(of(Some(0.0), "recall"), 1.0);
    assert!(of(Some(0.2), "recall") > of(Some(0.6), "recall"));
    assert_eq!(of(None, "roc_auc"), of(Some(0.9), "roc_auc"));
}

#[test]
fn a_share_of_nothing_is_not_a_score_of_the_rows() {
    let truth = Target::Classes { codes: vec![0, 0, 0], count: 2 };
    let prediction = Prediction::Probabilities { classes: 2, values: vec![0.9, 0.1, 0.8, 0.2, 0.3, 0.7] };
    let sheet = Sheet::new(&Scored { truth: &truth, prediction: &prediction, positive: 1 }, None).expect("a sheet");
    let defined = |name: &str| sheet.is_defined(find_metric(name).expect("a metric"));
    assert_eq!(["recall", "precision", "f1", "accuracy"].map(defined), [false, true, true, true]);
}
