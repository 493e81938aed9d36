//! The catalogue of metrics, by name.

use super::sheet::Draw;
use super::{Direction, MetricEntry, Sheet, classes, numbers, ranking};
use crate::learn::Task;
use crate::source::{Fault, nearest, suggest};

type Compute = fn(&Sheet, &Draw) -> Result<f64, Fault>;

const fn high(name: &'static str, compute: Compute, summary: &'static str) -> MetricEntry {
    MetricEntry { name, task: Task::Classification, direction: Direction::Higher, summary, compute }
}

const fn low(name: &'static str, compute: Compute, summary: &'static str) -> MetricEntry {
    MetricEntry { name, task: Task::Classification, direction: Direction::Lower, summary, compute }
}

const fn number(name: &'static str, direction: Direction, compute: Compute, summary: &'static str) -> MetricEntry {
    MetricEntry { name, task: Task::Regression, direction, summary, compute }
}

static METRICS: [MetricEntry; 30] = [
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
    high(
        "pr_auc",
        ranking::pr_auc,
        "the average precision over all thresholds; else the mean of each class against the rest",
    ),
    low("log_loss", ranking::log_loss, "the mean of -ln of the true class' probability"),
    low("brier", ranking::brier, "the mean squared distance of probabilities from what came true"),
    low("ece", ranking::ece, "how far probabilities are from the shares that came true, in ten bins"),
    high("mcc", classes::mcc, "the correlation of classes and labels, from -1 to 1"),
    high("kappa", classes::kappa, "the agreement of classes and labels beyond chance"),
    number("mse", Direction::Lower, numbers::mse, "the mean squared error"),
    number("rmse", Direction::Lower, numbers::rmse, "the root of the mean squared error"),
    number("mae", Direction::Lower, numbers::mae, "the mean absolute error"),
    number("medae", Direction::Lower, numbers::medae, "the median absolute error"),
    number("mape", Direction::Lower, numbers::mape, "the mean of the absolute error as a share of the truth"),
    number("wape", Direction::Lower, numbers::wape, "the sum of absolute errors as a share of the sum of the truth"),
    number("r2", Direction::Higher, numbers::r2, "the share of the variance that is explained"),
    number(
        "explained_variance",
        Direction::Higher,
        numbers::explained_variance,
        "as `r2`, but an error that all rows share doesn't count",
    ),
    number("max_error", Direction::Lower, numbers::max_error, "the largest absolute error"),
];

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
    ("average_precision", "pr_auc"),
    ("average_precision_score", "pr_auc"),
    ("auprc", "pr_auc"),
    ("ap", "pr_auc"),
    ("brier_score", "brier"),
    ("brier_score_loss", "brier"),
    ("neg_brier_score", "brier"),
    ("matthews_corrcoef", "mcc"),
    ("matthews", "mcc"),
    ("cohen_kappa", "kappa"),
    ("cohen_kappa_score", "kappa"),
    ("expected_calibration_error", "ece"),
    ("calibration_error", "ece"),
    ("median_absolute_error", "medae"),
    ("neg_median_absolute_error", "medae"),
    ("mean_absolute_percentage_error", "mape"),
    ("neg_mean_absolute_percentage_error", "mape"),
    ("wmape", "wape"),
    ("explained_variance_score", "explained_variance"),
    ("max_absolute_error", "max_error"),
    ("neg_max_error", "max_error"),
];

/// Every metric, in the order of the language page.
pub fn metrics() -> &'static [MetricEntry] {
    &METRICS
}

/// The metric of that name.
///
/// # Errors
/// If there is none, with the name that was probably meant.
pub fn find_metric(name: &str) -> Result<&'static MetricEntry, Fault> {
    if let Some(entry) = METRICS.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    let names = || METRICS.iter().map(|entry| entry.name);
    let meant = SYNONYMS.iter().find(|(other, _)| *other == name.to_lowercase());
    let help = match meant.map(|(_, ours)| *ours).or_else(|| nearest(name, names())) {
        Some(ours) => Some(format!("did you mean `{ours}`?")),
        None => suggest(name, names()),
    };
    Err(Fault::new("unknown-metric", format!("there is no metric `{name}`")).maybe_help(help))
}
