//! From which probability on a row is called positive: fitted on rows that the model hasn't learned from.

use serde::Serialize;

use super::metric::find_metric;
use crate::source::Fault;

/// What a threshold is best for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// A metric of labels, the higher the better.
    Maximize(&'static str),
    /// What mistakes cost together, the lower the better.
    Cost {
        /// Of a positive row that is called negative.
        #[serde(rename = "fn")]
        missed: f64,
        /// Of a negative row that is called positive.
        #[serde(rename = "fp")]
        alarm: f64,
    },
}

impl Goal {
    /// A metric as a goal.
    ///
    /// # Errors
    /// If there is no such metric, or a threshold doesn't change it.
    pub fn maximize(name: &str) -> Result<Self, Fault> {
        let entry = find_metric(name)?;
        if Counts::default().metric(entry.name).is_some() {
            return Ok(Goal::Maximize(entry.name));
        }
        let message = format!("`{name}` doesn't depend on a threshold");
        Err(Fault::new("wrong-metric", message).help("take a metric of labels, as `f1` or `balanced_accuracy`"))
    }

    /// How good these counts are: more is better.
    fn worth(self, counts: &Counts) -> f64 {
        match self {
            Goal::Maximize(name) => counts.metric(name).expect("it was found to be one of labels"),
            Goal::Cost { missed, alarm } => -(missed * counts.missed + alarm * counts.alarms),
        }
    }
}

/// Rows by what they are and what they are called, each by its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Counts {
    /// Positive, and called so.
    hits: f64,
    /// Positive, and not called so.
    missed: f64,
    /// Called positive, and not so.
    alarms: f64,
    /// Neither.
    quiet: f64,
}

/// Precision, recall and f1 of one class.
struct OfClass {
    precision: f64,
    recall: f64,
    f1: f64,
    /// The weight of its rows.
    support: f64,
    /// Whether any row is of it or is called so.
    occurs: bool,
}

/// 0 of 0 is 0.
fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

impl Counts {
    fn total(&self) -> f64 {
        self.hits + self.missed + self.alarms + self.quiet
    }

    fn class(hits: f64, missed: f64, alarms: f64) -> OfClass {
        OfClass {
            precision: share(hits, hits + alarms),
            recall: share(hits, hits + missed),
            f1: share(2.0 * hits, 2.0 * hits + alarms + missed),
            support: hits + missed,
            occurs: hits + missed + alarms > 0.0,
        }
    }

    /// A metric of two classes' labels, as `score` gives it; `None` if it isn't one of labels.
    fn metric(&self, name: &str) -> Option<f64> {
        let positive = Self::class(self.hits, self.missed, self.alarms);
        let negative = Self::class(self.quiet, self.alarms, self.missed);
        let both = [&positive, &negative];
        let mean = |pick: fn(&OfClass) -> f64, counts: fn(&OfClass) -> bool| {
            let found: Vec<f64> = both.into_iter().filter(|class| counts(class)).map(pick).collect();
            share(found.iter().sum(), found.len() as f64)
        };
        let weighted = |pick: fn(&OfClass) -> f64| {
            share(both.into_iter().map(|class| class.support * pick(class)).sum(), self.total())
        };
        let occurs = |class: &OfClass| class.occurs;
        Some(match name {
            "accuracy" | "precision_micro" | "recall_micro" | "f1_micro" => share(self.hits + self.quiet, self.total()),
            "balanced_accuracy" => mean(|class| class.recall, |class| class.support > 0.0),
            "precision" => positive.precision,
            "recall" => positive.recall,
            "f1" => positive.f1,
            "precision_macro" => mean(|class| class.precision, occurs),
            "recall_macro" => mean(|class| class.recall, occurs),
            "f1_macro" => mean(|class| class.f1, occurs),
            "precision_weighted" => weighted(|class| class.precision),
            "recall_weighted" => weighted(|class| class.recall),
            "f1_weighted" => weighted(|class| class.f1),
            "mcc" => self.mcc(),
            "kappa" => self.kappa(),
            _ => return None,
        })
    }

    /// Matthews' correlation of truth and label.
    fn mcc(&self) -> f64 {
        let (is, isnt) = (self.hits + self.missed, self.alarms + self.quiet);
        let (called, uncalled) = (self.hits + self.alarms, self.missed + self.quiet);
        share(self.hits * self.quiet - self.alarms * self.missed, (is * isnt).sqrt() * (called * uncalled).sqrt())
    }

    /// Cohen's agreement beyond chance.
    fn kappa(&self) -> f64 {
        let total = self.total();
        let (is, called) = (share(self.hits + self.missed, total), share(self.hits + self.alarms, total));
        let expected = is * called + (1.0 - is) * (1.0 - called);
        share(share(self.hits + self.quiet, total) - expected, 1.0 - expected)
    }
}

/// The best threshold for these rows: `positive` says what each is, `chances` what the model says. Thresholds are tried
/// halfway between probabilities that occur. Of equally good ones the nearest to 0.5 is taken, and of two as near the lower.
///
/// # Errors
/// If the rows are all positive or all negative: then nothing tells one threshold from another.
pub fn best_threshold(goal: Goal, positive: &[bool], chances: &[f64], weights: Option<&[f64]>) -> Result<f64, Fault> {
    let weight = |row: usize| weights.map_or(1.0, |weights| weights[row]);
    let mut rows: Vec<usize> = (0..positive.len()).filter(|row| weight(*row) > 0.0).collect();
    let first = rows.first().map(|row| positive[*row]);
    if first.is_none() || rows.iter().all(|row| Some(positive[*row]) == first) {
        return Err(Fault::new("one-class", "the held-out rows are all of one class, so no threshold can be fitted")
            .help("hold out more rows, or split with `stratify`"));
    }
    // By row within equals, so that sums come out the same however the rows are sorted.
    rows.sort_by(|a, b| chances[*b].total_cmp(&chances[*a]).then(a.cmp(b)));
    let mut counts = Counts::default();
    for &row in &rows {
        *(if positive[row] { &mut counts.missed } else { &mut counts.quiet }) += weight(row);
    }
    let mut best: Option<(f64, f64)> = None;
    let mut consider = |threshold: f64, counts: &Counts| {
        let worth = goal.worth(counts);
        let nearer = |other: f64| {
            let (here, there) = ((threshold - 0.5).abs(), (other - 0.5).abs());
            here < there || (here == there && threshold < other)
        };
        if best.is_none_or(|(most, other)| worth > most || (worth == most && nearer(other))) {
            best = Some((worth, threshold));
        }
    };
    let highest = chances[rows[0]];
    if highest < 1.0 {
        consider(between(1.0, highest), &counts);
    }
    for (place, &row) in rows.iter().enumerate() {
        let weight = weight(row);
        if positive[row] {
            counts.hits += weight;
            counts.missed -= weight;
        } else {
            counts.alarms += weight;
            counts.quiet -= weight;
        }
        let next = rows.get(place + 1).map(|next| chances[*next]);
        match next {
            Some(next) if next == chances[row] => {}
            Some(next) => consider(between(chances[row], next), &settled(&counts)),
            None => consider(0.0, &settled(&counts)),
        }
    }
    Ok(best.expect("there is a row").1)
}

/// Halfway between two probabilities; the upper one where no number lies between.
fn between(upper: f64, lower: f64) -> f64 {
    let half = lower + (upper - lower) / 2.0;
    if half > lower { half } else { upper }
}

/// What is taken away in steps may leave a little less than nothing.
fn settled(counts: &Counts) -> Counts {
    Counts { missed: counts.missed.max(0.0), quiet: counts.quiet.max(0.0), ..*counts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::chance::Chance;
    use crate::learn::{Prediction, Scored, Target, metrics, score};

    fn drawn(rows: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
        let mut chance = Chance::new(seed, 0);
        let positive: Vec<bool> = (0..rows).map(|_| chance.below(3) == 0).collect();
        let of = |is: bool, chance: &mut Chance| (chance.below(20) + usize::from(is) * 6) as f64 / 26.0;
        let chances = positive.iter().map(|is| of(*is, &mut chance)).collect();
        (positive, chances)
    }

    /// The metric at a threshold, by the catalogue's own way.
    fn at(name: &str, positive: &[bool], chances: &[f64], threshold: f64) -> f64 {
        let truth = Target::Classes { codes: positive.iter().map(|is| u32::from(*is)).collect(), count: 2 };
        let called = chances.iter().map(|chance| if *chance >= threshold { [0.0, 1.0] } else { [1.0, 0.0] });
        let prediction = Prediction::Probabilities { classes: 2, values: called.flatten().collect() };
        let scored = Scored { truth: &truth, prediction: &prediction, positive: 1 };
        score(find_metric(name).expect("a metric"), &scored).expect("a score")
    }

    #[test]
    fn the_best_threshold_is_the_best_of_all_that_can_be_told_apart() {
        for seed in 0..4 {
            let (positive, chances) = drawn(80, seed);
            for metric in metrics() {
                let Ok(goal) = Goal::maximize(metric.name) else { continue };
                let found = best_threshold(goal, &positive, &chances, None).expect("a threshold");
                let reached = at(metric.name, &positive, &chances, found);
                for threshold in (0..=52).map(|half| f64::from(half) / 52.0 + 1e-9) {
                    let other = at(metric.name, &positive, &chances, threshold);
                    assert!(other <= reached + 1e-12, "{}: {other} at {threshold}, {reached}", metric.name);
                }
            }
        }
    }

    #[test]
    fn costs_say_which_mistakes_to_make() {
        let (positive, chances) = drawn(200, 9);
        let of = |missed, alarm| {
            best_threshold(Goal::Cost { missed, alarm }, &positive, &chances, None).expect("a threshold")
        };
        assert!(of(5.0, 1.0) < of(1.0, 1.0) && of(1.0, 1.0) <= of(1.0, 5.0));
        let found = of(1.0, 0.0);
        assert!(positive.iter().zip(&chances).all(|(is, chance)| !is || *chance >= found));
    }

    #[test]
    fn weights_are_rows_and_none_is_no_row() {
        let (positive, chances) = drawn(60, 2);
        let goal = Goal::maximize("f1").expect("a goal");
        let weights: Vec<f64> = (0..60).map(|row| f64::from(row % 3)).collect();
        let rows: Vec<usize> = (0..60).flat_map(|row| std::iter::repeat_n(row, row % 3)).collect();
        let twice = |of: &[f64]| rows.iter().map(|row| of[*row]).collect::<Vec<_>>();
        let is: Vec<bool> = rows.iter().map(|row| positive[*row]).collect();
        assert_eq!(
            best_threshold(goal, &positive, &chances, Some(&weights)).expect("a threshold"),
            best_threshold(goal, &is, &twice(&chances), None).expect("a threshold")
        );
    }

    #[test]
    fn of_equals_the_nearest_to_a_half_is_taken() {
        let goal = Goal::maximize("accuracy").expect("a goal");
        let found = best_threshold(goal, &[false, false, true, true], &[0.1, 0.4, 0.8, 0.9], None);
        assert_eq!(found.expect("a threshold"), 0.6000000000000001);
        let one = best_threshold(goal, &[true, true], &[0.1, 0.4], None);
        assert_eq!(one.expect_err("a fault").code, "one-class");
        assert_eq!(Goal::maximize("roc_auc").expect_err("a fault").code, "wrong-metric");
    }
}
