//! The answer that reads no features: what any other model has to beat.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HyperParameter, Model};
use crate::learn::linear::Constant;
use crate::learn::{Estimator, Target, Task, Training, nature};
use crate::source::Fault;

/// What is always answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// `prior` for classes, `mean` for numbers.
    #[default]
    Default,
    /// Each class with its share of the rows; so the most frequent class is the answer.
    Prior,
    /// The most frequent class, with certainty.
    MostFrequent,
    /// The mean.
    Mean,
    /// The median.
    Median,
}

/// The hyper-parameters as written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// What is always answered.
    pub strategy: Strategy,
}

/// The same answer for every row.
#[derive(Debug, Serialize)]
pub struct Baseline {
    strategy: Strategy,
}

impl Model for Baseline {
    const NAME: &'static str = "baseline";
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "the most frequent class, or the mean: what any other model has to beat";
    const EXAMPLE: &'static str = "{strategy: default}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = false;
    const FEATURES: bool = false;
    const HYPER: &'static [HyperParameter] = &[HyperParameter {
        name: "strategy",
        default: "default",
        range: "default, prior, most_frequent, mean, median",
        summary: "what is always answered; `default` is `prior` for classes and `mean` for numbers",
    }];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[("method", "strategy")];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        Ok(Self { strategy: params.strategy })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let values = match (data.y, self.strategy) {
            (Target::Classes { codes, count }, Strategy::Default | Strategy::Prior) => shares(data, codes, *count),
            (Target::Classes { codes, count }, Strategy::MostFrequent) => {
                let most = crate::learn::argmax(&shares(data, codes, *count));
                (0..*count as u32).map(|class| if class == most { 1.0 } else { 0.0 }).collect()
            }
            (Target::Numbers(numbers), Strategy::Default | Strategy::Mean) => {
                vec![nature::mean(data, |row| numbers[row])]
            }
            (Target::Numbers(numbers), Strategy::Median) => vec![median(data, numbers)],
            (y, _) => return Err(unfit(self.strategy, y.task())),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Fault::new("numbers-too-large", "the target's numbers are too large for a mean"));
        }
        Ok(Estimator::Constant(Constant { task: data.y.task(), values }))
    }
}

fn unfit(strategy: Strategy, task: Task) -> Fault {
    let name = match strategy {
        Strategy::Mean => "mean",
        Strategy::Median => "median",
        Strategy::Prior => "prior",
        Strategy::MostFrequent => "most_frequent",
        Strategy::Default => "default",
    };
    Fault::new("wrong-task", format!("the strategy `{name}` does no {}", task.name()))
        .within("strategy")
        .help("leave `strategy` out")
}

fn shares(data: &Training, codes: &[u32], count: usize) -> Vec<f64> {
    let mut weights = vec![0.0; count];
    for (row, &code) in codes.iter().enumerate() {
        weights[code as usize] += data.weight(row);
    }
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

/// The number below which half of the weight is; between two numbers where that is exactly so.
fn median(data: &Training, numbers: &[f64]) -> f64 {
    let mut order: Vec<(f64, f64)> = numbers.iter().enumerate().map(|(row, &y)| (y, data.weight(row))).collect();
    order.retain(|(_, weight)| *weight > 0.0);
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = order.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (nth, (y, weight)) in order.iter().enumerate() {
        below += weight;
        if below == half && nth + 1 < order.len() {
            return y / 2.0 + order[nth + 1].0 / 2.0;
        }
        if below >= half {
            return *y;
        }
    }
    order.last().map_or(0.0, |(y, _)| *y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    #[test]
    fn medians_follow_weights() {
        let x = Matrix::new(vec![], 4, vec![]);
        let y = Target::Numbers(vec![9.0, 1.0, 3.0, 5.0]);
        let Target::Numbers(numbers) = &y else { panic!("numbers") };
        assert_eq!(median(&Training::new(&x, &y), numbers), 4.0);
        assert_eq!(median(&Training::new(&x, &y).weighted(&[0.0, 1.0, 5.0, 1.0]), numbers), 3.0);
    }
}
