//! What a score hides, drawn: ROC, precision and recall, lift, reliability, residuals.

use super::plot::{Plot, bars, beside, short};
use crate::engine::ModelReport;
use crate::learn::{ClassCurves, Curves, Reliability, Residuals};

/// The widest and the narrowest inside of a plot.
const WIDE: usize = 42;
const NARROW: usize = 16;

/// The curves of a model for a terminal of so many columns. Of more than two classes those of the one that is told apart
/// worst are drawn.
pub fn curves(model: &ModelReport, width: usize) -> String {
    let Some(Curves { classes, reliability, residuals }) = &model.curves else { return String::new() };
    let columns = width.saturating_sub(8).clamp(NARROW, WIDE);
    let mut blocks = Vec::new();
    let worst = classes.iter().min_by(|a, b| area(a).total_cmp(&area(b)));
    if let Some(worst) = worst {
        let name = model.classes.get(worst.class).map_or("?", |class| class.class.as_str());
        let of = if classes.len() > 1 { format!("`{name}`, told apart worst") } else { format!("`{name}`") };
        blocks.extend(of_class(worst, &of, columns));
    }
    blocks.extend(reliability.as_ref().map(|found| calibration(found, columns)));
    blocks.extend(residuals.iter().flat_map(|found| [scatter(found, columns), histogram(found, columns)]));
    beside(blocks, width)
}

/// The area under a ROC curve, by trapezoids.
fn area(curves: &ClassCurves) -> f64 {
    let points: Vec<(f64, f64)> = curves.roc.fpr.iter().copied().zip(curves.roc.tpr.iter().copied()).collect();
    points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
}

fn pairs<'a>(x: &'a [f64], y: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    x.iter().copied().zip(y.iter().copied())
}

fn of_class(curves: &ClassCurves, of: &str, columns: usize) -> Vec<Vec<String>> {
    let unit = [0.0, 1.0];
    let mut roc = Plot::new(format!("ROC of {of}: area {:.4}", area(curves)), "false positives", unit, unit, columns);
    roc.guide((0.0, 0.0), (1.0, 1.0));
    roc.line(pairs(&curves.roc.fpr, &curves.roc.tpr));
    let found = &curves.precision_recall;
    let mut precision = Plot::new("precision by recall".to_owned(), "recall", unit, unit, columns);
    precision.line(pairs(&found.recall, &found.precision));
    let gain = &curves.gain;
    let most = gain.lift.iter().copied().fold(1.0, f64::max);
    let title = "lift: likeliest rows first".to_owned();
    let mut lift = Plot::new(title, "share of rows", unit, [0.0, most], columns);
    lift.guide((0.0, 1.0), (1.0, 1.0));
    lift.line(pairs(&gain.rows, &gain.lift));
    vec![roc.lines(), precision.lines(), lift.lines()]
}

fn calibration(found: &Reliability, columns: usize) -> Vec<String> {
    let title = format!("reliability: calibration error {:.4}", found.ece);
    let mut plot = Plot::new(title, "probability said", [0.0, 1.0], [0.0, 1.0], columns);
    plot.guide((0.0, 0.0), (1.0, 1.0));
    plot.line(found.bins.iter().map(|bin| (bin.said, bin.came)));
    plot.lines()
}

/// From the lowest to the highest of some numbers.
fn range(values: &[f64]) -> [f64; 2] {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [low, high]
}

fn scatter(found: &Residuals, columns: usize) -> Vec<String> {
    let x = range(&found.predicted);
    let y = range(&found.residual).map(|end| if end.is_finite() { end } else { 0.0 });
    let y = [y[0].min(0.0), y[1].max(0.0)];
    let mut plot = Plot::new("residual (truth less prediction)".to_owned(), "predicted", x, y, columns);
    plot.guide((x[0], 0.0), (x[1], 0.0));
    plot.dots(pairs(&found.predicted, &found.residual));
    plot.lines()
}

fn histogram(found: &Residuals, columns: usize) -> Vec<String> {
    let most = found.histogram.iter().map(|bin| bin.rows).max().unwrap_or_default().max(1);
    let row = |bin: &crate::learn::ResidualBin| {
        (format!("{} to {}", short(bin.from), short(bin.to)), bin.rows as f64 / most as f64, bin.rows.to_string())
    };
    let rows: Vec<_> = found.histogram.iter().map(row).collect();
    bars("residuals, in rows", &rows, columns + 8)
}
