//! Whether a trial is so far behind that the rest of its folds can be spared (the median rule of Golovin et al. 2017, with
//! a margin).

/// How many trials must have ended before any is ended early.
pub const WARM_UP: usize = 5;

/// Whether a trial whose first folds scored `so_far` is clearly worse than the trials that are `done` with all folds: its
/// mean is below the median of theirs over the same folds by more than a score usually varies from fold to fold (the
/// median of their standard deviations). More is better. Never before [`WARM_UP`] trials are done.
pub fn falls_behind(so_far: &[f64], done: &[Vec<f64>]) -> bool {
    if so_far.is_empty() || done.len() < WARM_UP {
        return false;
    }
    let means = done.iter().map(|folds| mean(&folds[..so_far.len().min(folds.len())])).collect();
    let margins = done.iter().map(|folds| std(folds)).collect();
    mean(so_far) < median(means) - median(margins)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn std(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { 0.5 * (values[half - 1] + values[half]) }
}
