//! Estimators that are a few numbers: a constant, a weighted sum, and log-odds.

use serde::{Deserialize, Serialize};

use super::estimator::Fitted;
use super::nature::Nature;
use super::{Explanation, Scale, Task};
use crate::data::elementary::exp;

/// The same answer for every row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constant {
    /// What it answers.
    pub task: Task,
    /// Each class' probability, or one number.
    pub values: Vec<f64>,
}

impl Fitted for Constant {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> Option<usize> {
        None
    }

    fn outputs(&self) -> usize {
        self.values.len()
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, _: &[f64], into: &mut [f64]) {
        into.copy_from_slice(&self.values);
    }

    fn explain(&self, _: &[f64]) -> Option<Explanation> {
        let scale = if self.task == Task::Regression { Scale::Number } else { Scale::Probability };
        Some(Explanation { base: self.values.clone(), ..Explanation::new(scale, self.values.len(), 0) })
    }

    fn is_sound(&self) -> bool {
        !self.values.is_empty()
    }
}

/// A weighted sum of the features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// One a feature.
    pub coefficients: Vec<f64>,
    /// What is added.
    pub intercept: f64,
    /// The features' means in training: a row of them is what contributions are measured from.
    pub means: Vec<f64>,
    /// The features' shares.
    pub importance: Vec<f64>,
}

impl Fitted for Line {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn columns(&self) -> Option<usize> {
        Some(self.coefficients.len())
    }

    fn outputs(&self) -> usize {
        1
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        assert_eq!(row.len(), self.coefficients.len(), "one value a feature");
        into[0] = dot(row, &self.coefficients) + self.intercept;
    }

    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let mut found = Explanation::new(Scale::Number, 1, row.len());
        found.base[0] = dot(&self.means, &self.coefficients) + self.intercept;
        contribute(row, &self.means, &self.coefficients, &mut found.contributions);
        Some(found)
    }

    fn is_sound(&self) -> bool {
        self.means.len() == self.coefficients.len()
    }
}

/// Log-odds that are weighted sums of the features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logistic {
    /// How many classes there are.
    pub count: usize,
    /// The classes that occurred in training, ascending. The others get probability 0.
    pub present: Vec<u32>,
    /// How many features.
    pub columns: usize,
    /// `columns` for each class that occurred; for two of them once, the log-odds of the second.
    pub coefficients: Vec<f64>,
    /// One a row of coefficients.
    pub intercepts: Vec<f64>,
    /// The features' means in training: a row of them is what contributions are measured from.
    pub means: Vec<f64>,
    /// The features' shares.
    pub importance: Vec<f64>,
}

impl Fitted for Logistic {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        self.count
    }

    fn importance(&self) -> Option<&[f64]> {
        Some(&self.importance)
    }

    /// Each class' probability.
    fn row(&self, row: &[f64], into: &mut [f64]) {
        assert_eq!(row.len(), self.columns, "one value a feature");
        into.fill(0.0);
        if let [first, second] = self.present[..] {
            let odds = dot(row, &self.coefficients) + self.intercepts[0];
            into[first as usize] = sigmoid(-odds);
            into[second as usize] = sigmoid(odds);
            return;
        }
        let mut largest = f64::NEG_INFINITY;
        for (nth, &class) in self.present.iter().enumerate() {
            let coefficients = &self.coefficients[nth * self.columns..(nth + 1) * self.columns];
            let odds = dot(row, coefficients) + self.intercepts[nth];
            into[class as usize] = odds;
            largest = largest.max(odds);
        }
        let mut total = 0.0;
        for &class in &self.present {
            into[class as usize] = exp(into[class as usize] - largest);
            total += into[class as usize];
        }
        for &class in &self.present {
            into[class as usize] /= total;
        }
    }

    /// In log-odds: for two classes each against the other, for more up to what all share. A class that never occurred
    /// has none to speak of.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let mut found = Explanation::new(Scale::LogOdds, self.count, self.columns);
        for (nth, &class) in self.present.iter().enumerate() {
            let two = self.present.len() == 2;
            let (head, sign) = if two { (0, if nth == 0 { -1.0 } else { 1.0 }) } else { (nth, 1.0) };
            let coefficients = &self.coefficients[head * self.columns..(head + 1) * self.columns];
            let into = &mut found.contributions[class as usize * self.columns..(class as usize + 1) * self.columns];
            contribute(row, &self.means, coefficients, into);
            into.iter_mut().for_each(|value| *value *= sign);
            found.base[class as usize] = sign * (dot(&self.means, coefficients) + self.intercepts[head]);
        }
        Some(found)
    }

    /// Whether lengths and classes hang together.
    fn is_sound(&self) -> bool {
        let rows = if self.present.len() == 2 { 1 } else { self.present.len() };
        self.present.len() >= 2
            && self.columns > 0
            && self.present.iter().all(|&class| (class as usize) < self.count)
            && self.intercepts.len() == rows
            && self.means.len() == self.columns
            && self.coefficients.len() == rows * self.columns
    }
}

/// How far each value is from the mean, times its coefficient.
fn contribute(row: &[f64], means: &[f64], coefficients: &[f64], into: &mut [f64]) {
    for (into, ((value, mean), coefficient)) in into.iter_mut().zip(row.iter().zip(means).zip(coefficients)) {
        *into = coefficient * (value - mean);
    }
}

/// 1 / (1 + e^-x), without overflow.
pub(super) fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        return 1.0 / (1.0 + exp(-x));
    }
    let power = exp(x);
    power / (1.0 + power)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Each feature's share: the largest |coefficient| of its rows times its standard deviation, divided by the sum.
pub(super) fn importance(coefficients: &[f64], natures: &[Nature]) -> Vec<f64> {
    let mut shares: Vec<f64> = natures
        .iter()
        .enumerate()
        .map(|(index, nature)| {
            let of_rows = coefficients.iter().skip(index).step_by(natures.len());
            of_rows.fold(0.0, |largest: f64, value| largest.max(value.abs())) * nature.deviation
        })
        .collect();
    to_shares(&mut shares);
    shares
}

/// Divides by the sum, unless that is 0.
pub(super) fn to_shares(values: &mut [f64]) {
    let total: f64 = values.iter().sum();
    if total > 0.0 {
        values.iter_mut().for_each(|value| *value /= total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoid_is_right_far_out() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!((sigmoid(1e4), sigmoid(-1e4)), (1.0, 0.0));
        assert!((sigmoid(-40.0) - exp(-40.0)).abs() < 1e-30);
    }

    #[test]
    fn a_class_that_never_occurred_gets_probability_zero() {
        let logistic = Logistic {
            count: 4,
            present: vec![0, 2, 3],
            columns: 1,
            coefficients: vec![1.0, 0.0, -1.0],
            intercepts: vec![0.0; 3],
            means: vec![0.5],
            importance: vec![1.0],
        };
        let mut into = [9.0; 4];
        logistic.row(&[2.0], &mut into);
        assert_eq!(into[1], 0.0);
        assert!(into[0] > into[2] && into[2] > into[3]);
        assert!((into.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn contributions_add_up_to_what_is_said() {
        let line =
            Line { coefficients: vec![2.0, -1.0], intercept: 3.0, means: vec![1.0, 4.0], importance: vec![0.5; 2] };
        let (row, mut said) = ([3.0, 5.0], [0.0]);
        line.row(&row, &mut said);
        let found = line.explain(&row).expect("explained");
        assert_eq!((found.output(0), said[0]), ((1.0, &[4.0, -1.0][..]), 4.0));
        let logistic = Logistic {
            count: 3,
            present: vec![0, 2],
            columns: 2,
            coefficients: vec![0.3, -0.2],
            intercepts: vec![0.1],
            means: vec![1.0, 4.0],
            importance: vec![0.5; 2],
        };
        let found = logistic.explain(&row).expect("explained");
        let mut said = [0.0; 3];
        logistic.row(&row, &mut said);
        for (class, sign) in [(0, -1.0), (2, 1.0)] {
            let (base, values) = found.output(class);
            let odds = base + values.iter().sum::<f64>();
            assert!((sigmoid(odds) - said[class]).abs() < 1e-15, "{sign}");
        }
    }
}
