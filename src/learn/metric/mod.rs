//! How well predictions fit the truth: the catalogue of metrics.

mod classes;
mod numbers;
mod ranking;

use super::{Prediction, Target, Task};
use crate::source::{Fault, nearest, suggest};

pub use classes::{ClassReport, Report, confusion, report};

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

impl Direction {
    /// Whether score `a` is better than `b`; equals are not.
    pub fn better(self, a: f64, b: f64) -> bool {
        match self {
            Direction::Higher => a > b,
            Direction::Lower => a < b,
        }
    }
}

/// What is judged.
#[derive(Clone, Copy)]
pub struct Scored<'a> {
    /// The true answers.
    pub truth: &'a Target,
    /// What the model says of the same rows.
    pub prediction: &'a Prediction,
    /// The positive class' index, where there are two. Not read otherwise.
    pub positive: u32,
}

/// One metric.
pub struct MetricEntry {
    /// Its name in the language.
    pub name: &'static str,
    /// What it judges.
    pub task: Task,
    /// Whether more is better.
    pub direction: Direction,
    /// What it says, in a line.
    pub summary: &'static str,
    compute: fn(&Scored) -> Result<f64, Fault>,
}

const fn high(name: &'static str, compute: fn(&Scored) -> Result<f64, Fault>, summary: &'static str) -> MetricEntry {
    MetricEntry { name, task: Task::Classification, direction: Direction::Higher, summary, compute }
}

const fn number(
    name: &'static str,
    direction: Direction,
    compute: fn(&Scored) -> Result<f64, Fault>,
    summary: &'static str,
) -> MetricEntry {
    MetricEntry { name, task: Task::Regression, direction, summary, compute }
}

static METRICS: [MetricEntry; 20] = [
    high("accuracy", classes::accuracy, "the share of rows whose class is right"),
    high("balanced_accuracy", classes::balanced_accuracy, "the mean of the classes' recalls"),
    high("precision", classes::precision, "how many called positive are; for more than two classes the macro average"),
    high("precision_macro", classes::precision_macro, "the classes' precisions, each counting the same"),
    high("precision_micro", classes::micro, "precision over all classes' rows together, which is the accuracy"),
    high("precision_weighted", classes::precision_weighted, "the classes' precisions, each counting by its rows"),
    high("recall", classes::recall, "how many positives are found; for more than two classes the macro average"),
    high("recall_macro", classes::recall_macro, "the classes' recalls, each counting the same"),
    high("recall_micro", classes::micro, "recall over all classes' rows together, which is the accuracy"),
    high("recall_weighted", classes::recall_weighted, "the classes' recalls, each counting by its rows"),
    high("f1", classes::f1, "the harmonic mean of precision and recall; for more than two classes the macro average"),
    high("f1_macro", classes::f1_macro, "the classes' f1, each counting the same"),
    high("f1_micro", classes::micro, "f1 over all classes' rows together, which is the accuracy"),
    high("f1_weighted", classes::f1_weighted, "the classes' f1, each counting by its rows"),
    high(
        "roc_auc",
        ranking::roc_auc,
        "how likely a positive ranks above a negative; else the mean of each class against the rest",
    ),
    MetricEntry {
        name: "log_loss",
        task: Task::Classification,
        direction: Direction::Lower,
        summary: "the mean of -ln of the true class' probability",
        compute: ranking::log_loss,
    },
    number("mse", Direction::Lower, numbers::mse, "the mean squared error"),
    number("rmse", Direction::Lower, numbers::rmse, "the root of the mean squared error"),
    number("mae", Direction::Lower, numbers::mae, "the mean absolute error"),
    number("r2", Direction::Higher, numbers::r2, "the share of the variance that is explained"),
];

/// Metrics of the language that are to come.
const LATER: &[&str] = &["pr_auc", "brier", "mcc", "kappa", "medae", "mape", "wape", "explained_variance", "max_error"];

/// What people call a metric elsewhere, and its name here.
const SYNONYMS: &[(&str, &str)] = &[
    ("auc", "roc_auc"),
    ("auroc", "roc_auc"),
    ("rocauc", "roc_auc"),
    ("acc", "accuracy"),
    ("f1_score", "f1"),
    ("f_measure", "f1"),
    ("sensitivity", "recall"),
    ("tpr", "recall"),
    ("ppv", "precision"),
    ("cross_entropy", "log_loss"),
    ("logloss", "log_loss"),
    ("neg_log_loss", "log_loss"),
    ("mean_squared_error", "mse"),
    ("neg_mean_squared_error", "mse"),
    ("root_mean_squared_error", "rmse"),
    ("neg_root_mean_squared_error", "rmse"),
    ("mean_absolute_error", "mae"),
    ("neg_mean_absolute_error", "mae"),
    ("r2_score", "r2"),
    ("r_squared", "r2"),
];

/// Every metric, in the order of the language page.
pub fn metrics() -> &'static [MetricEntry] {
    &METRICS
}

/// The metric of that name.
///
/// # Errors
/// If there is none, or none yet, with the name that was probably meant.
pub fn find_metric(name: &str) -> Result<&'static MetricEntry, Fault> {
    if let Some(entry) = METRICS.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    if LATER.contains(&name) {
        return Err(Fault::new("not-supported", format!("the metric `{name}` is not supported yet")));
    }
    let names = || METRICS.iter().map(|entry| entry.name);
    let meant = SYNONYMS.iter().find(|(other, _)| *other == name.to_lowercase());
    let help = match meant.map(|(_, ours)| *ours).or_else(|| nearest(name, names())) {
        Some(ours) => Some(format!("did you mean `{ours}`?")),
        None => suggest(name, names()),
    };
    Err(Fault::new("unknown-metric", format!("there is no metric `{name}`")).maybe_help(help))
}

/// The score of a prediction.
///
/// # Errors
/// If the metric is for another task, there are no rows or not as many on both sides, or the metric has no value on
/// these rows (`roc_auc` of a single class, `r2` of a single row).
pub fn score(metric: &MetricEntry, scored: &Scored) -> Result<f64, Fault> {
    if scored.truth.task() != metric.task {
        return Err(Fault::new(
            "wrong-task",
            format!("`{}` judges a {}, and this is a {}", metric.name, metric.task.name(), scored.truth.task().name()),
        ));
    }
    fitting(scored.truth, scored.prediction)?;
    let value = (metric.compute)(scored)?;
    if value.is_finite() {
        return Ok(value);
    }
    Err(Fault::new("no-score", format!("`{}` has no finite value on these rows", metric.name)))
}

/// Checks that truth and prediction go together.
fn fitting(truth: &Target, prediction: &Prediction) -> Result<(), Fault> {
    let same = match (truth, prediction) {
        (Target::Classes { codes, count }, Prediction::Probabilities { classes, .. }) => {
            count == classes && codes.iter().all(|&code| (code as usize) < *count)
        }
        (Target::Numbers(_), Prediction::Numbers(_)) => true,
        _ => false,
    };
    if !same {
        return Err(Fault::new("answers-differ", "the predictions are of other classes than the truth"));
    }
    if truth.rows() != prediction.rows() {
        return Err(Fault::new("rows-differ", format!("{} predictions for {} rows", prediction.rows(), truth.rows())));
    }
    if truth.rows() == 0 {
        return Err(Fault::new("no-rows", "there are no rows to judge on"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let cases = reference::json("metrics");
        let mut checked = 0;
        for (name, value) in cases.as_object().expect("cases") {
            let (truth, prediction, positive) = case(value);
            let scored = Scored { truth: &truth, prediction: &prediction, positive };
            for (metric, expected) in value["expected"].as_object().expect("scores") {
                let found = score(find_metric(metric).expect("metric"), &scored).expect("score");
                let expected = expected.as_f64().expect("number");
                assert!((found - expected).abs() < 1e-9, "{name}: {metric} {found}, not {expected}");
                checked += 1;
            }
        }
        assert_eq!(checked, 5 * 16 + 4);
    }

    #[test]
    fn reports_are_those_of_scikit_learn() {
        for (name, value) in reference::json("metrics").as_object().expect("cases") {
            let (truth, prediction, _) = case(value);
            let Some(expected) = value.get("confusion") else {
                assert_eq!(report(&truth, &prediction).expect_err("fault").code, "wrong-task");
                continue;
            };
            let matrix = confusion(&truth, &prediction).expect("matrix");
            assert_eq!(&serde_json::to_value(matrix).expect("json"), expected, "{name}");
            let found = report(&truth, &prediction).expect("report");
            for (class, line) in found.classes.iter().enumerate() {
                let expected = &value["report"][class.to_string()];
                let of = |key: &str| expected[key].as_f64().expect("number");
                assert!((line.precision - of("precision")).abs() < 1e-9, "{name} {class}");
                assert!((line.recall - of("recall")).abs() < 1e-9, "{name} {class}");
                assert!((line.f1 - of("f1-score")).abs() < 1e-9, "{name} {class}");
                assert_eq!(line.support as f64, of("support"));
            }
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
        assert_eq!(find_metric("mcc").err().expect("fault").code, "not-supported");
    }
}
