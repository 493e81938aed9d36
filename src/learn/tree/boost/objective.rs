//! What boosting lowers: for each loss where it starts, its slopes and curvatures, and what leaves answer.

use rayon::prelude::*;

use super::exp::exp;
use super::gradient::{Gradients, ROWS};
use crate::data::elementary::{self, ln, ln_1p};
use crate::data::stats::sum;
use crate::learn::{Target, Training};
use crate::source::Fault;

/// The loss of a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::learn) enum Loss {
    /// Half the squared error: the mean is looked for.
    Squared,
    /// The absolute error: the median is looked for.
    Absolute,
    /// The pinball loss: that quantile is looked for.
    Quantile(f64),
    /// Half Poisson's deviance: the mean of counts, whose logarithm is summed up.
    Poisson,
}

/// The answers, as they are best computed with.
enum Answers<'a> {
    /// Two classes, and which is the second.
    Two(&'a [u32], u32),
    /// More: each row's place among the classes that occur, and how many occur.
    Many(&'a [u32], Vec<u32>),
    /// Numbers, divided by `unit`.
    Numbers(Loss, Vec<f64>),
}

/// The loss over the rows at hand.
pub(super) struct Objective<'a> {
    answers: Answers<'a>,
    /// Weights divided by `weight`; `None`: all 1.
    weights: Option<Vec<f64>>,
    /// A power of two near the largest weight.
    weight: f64,
    /// A power of two near the largest number, so that no square overflows.
    pub(super) unit: f64,
}

/// The power of two at or below the largest of some numbers; 1 if all are 0.
fn power(values: impl Iterator<Item = f64>) -> f64 {
    let largest = values.fold(0.0, |most: f64, value| most.max(value.abs()));
    let power = f64::from_bits(largest.to_bits() & (0x7ff << 52));
    if power > 0.0 { power } else { 1.0 }
}

impl<'a> Objective<'a> {
    /// For the rows of `data`; `present` are the classes that occur.
    ///
    /// # Errors
    /// If the loss can't be had of these numbers.
    pub(super) fn new(data: &Training<'a>, loss: Loss, present: &[u32]) -> Result<Self, Fault> {
        let weight = data.weights.map_or(1.0, |weights| power(weights.iter().copied()));
        let weights = data.weights.filter(|weights| weights.iter().any(|value| *value != weight));
        let weights = weights.map(|weights| weights.iter().map(|value| value / weight).collect());
        let (unit, answers) = match data.y {
            Target::Classes { codes, .. } if present.len() == 2 => (1.0, Answers::Two(codes, present[1])),
            Target::Classes { codes, .. } => (1.0, Answers::Many(codes, present.to_vec())),
            Target::Numbers(numbers) => {
                let unit = power(numbers.iter().copied());
                (unit, Answers::Numbers(loss, numbers.iter().map(|number| number / unit).collect()))
            }
        };
        if let Answers::Numbers(Loss::Poisson, numbers) = &answers {
            counts(numbers, data)?;
        }
        Ok(Self { answers, weights, weight, unit })
    }

    /// Whether every curvature is 1.
    pub(super) fn even(&self) -> bool {
        self.weights.is_none() && matches!(&self.answers, Answers::Numbers(loss, _) if *loss != Loss::Poisson)
    }

    /// What a curvature of 1 in the user's units is here: what penalties are multiplied by.
    pub(super) fn penalty(&self) -> f64 {
        let scale = match self.answers {
            Answers::Numbers(Loss::Poisson, _) => self.unit,
            _ => 1.0,
        };
        1.0 / self.weight / scale
    }

    /// What an answer of 1 here is in the user's units.
    pub(super) fn answer_unit(&self) -> f64 {
        match self.answers {
            Answers::Numbers(Loss::Poisson, _) => 1.0,
            _ => self.unit,
        }
    }

    /// What a gain of 1 in the user's units is here.
    pub(super) fn gain(&self) -> f64 {
        let scale = match self.answers {
            Answers::Numbers(Loss::Poisson, _) => self.unit,
            Answers::Numbers(Loss::Squared, _) => self.unit * self.unit,
            _ => 1.0,
        };
        1.0 / self.weight / scale
    }

    fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    /// Where each head starts: the best constant over `rows`.
    pub(super) fn start(&self, rows: &[u32]) -> Vec<f64> {
        let each = || rows.iter().map(|&row| row as usize);
        let total = sum(each().map(|row| self.weight(row)));
        match &self.answers {
            Answers::Two(codes, second) => {
                let truth = |row: usize| f64::from(u8::from(codes[row] == *second));
                let second = sum(each().map(|row| self.weight(row) * truth(row))) / total;
                vec![log(second) - log(1.0 - second)]
            }
            Answers::Many(codes, present) => {
                let mut shares = vec![0.0; codes.iter().max().map_or(0, |&code| code as usize + 1)];
                each().for_each(|row| shares[codes[row] as usize] += self.weight(row));
                let logs: Vec<f64> = present.iter().map(|&class| log(shares[class as usize] / total)).collect();
                let middle = logs.iter().sum::<f64>() / logs.len() as f64;
                logs.iter().map(|log| log - middle).collect()
            }
            Answers::Numbers(loss @ (Loss::Squared | Loss::Poisson), numbers) => {
                let rough = sum(each().map(|row| self.weight(row) * numbers[row])) / total;
                let rest = sum(each().map(|row| self.weight(row) * (numbers[row] - rough))) / total;
                let mean = rough + rest;
                vec![if *loss == Loss::Poisson { log(mean) } else { mean }]
            }
            Answers::Numbers(loss, numbers) => {
                let level = loss.level().expect("only losses of a quantile are left");
                vec![quantile(each().map(|row| (numbers[row], self.weight(row))).collect(), level)]
            }
        }
    }

    /// For more than two classes: what each row's exponentials sum up to, as a logarithm.
    pub(super) fn totals(&self, scores: &[Vec<f64>]) -> Vec<f64> {
        if scores.len() == 1 {
            return Vec::new();
        }
        let mut totals = vec![0.0; scores[0].len()];
        totals.par_chunks_mut(ROWS).enumerate().for_each(|(chunk, totals)| {
            let range = chunk * ROWS..chunk * ROWS + totals.len();
            let mut largest = scores[0][range.clone()].to_vec();
            for scores in &scores[1..] {
                largest.iter_mut().zip(&scores[range.clone()]).for_each(|(most, score)| *most = most.max(*score));
            }
            for scores in scores {
                for ((total, score), most) in totals.iter_mut().zip(&scores[range.clone()]).zip(&largest) {
                    *total += exp(score - most);
                }
            }
            totals.iter_mut().zip(&largest).for_each(|(total, most)| *total = ln(*total) + most);
        });
        totals
    }

    /// The slopes and curvatures of one head at its scores.
    pub(super) fn gradients(&self, head: usize, scores: &[f64], totals: &[f64], into: &mut Gradients) {
        into.update(scores.len(), self.even(), |first, pairs| {
            let range = first..first + pairs.len();
            let scores = &scores[range.clone()];
            match &self.answers {
                Answers::Two(codes, second) => {
                    for ((pair, score), code) in pairs.iter_mut().zip(scores).zip(&codes[range.clone()]) {
                        // Exact far out too: what is small is never a difference.
                        let side = if code == second { 1.0 } else { -1.0 };
                        let wrong = 1.0 / (1.0 + exp(score * side));
                        *pair = [(-side * wrong) as f32, (wrong * (1.0 - wrong)) as f32];
                    }
                }
                Answers::Many(codes, present) => {
                    let class = present[head];
                    let rows = scores.iter().zip(&totals[range.clone()]).zip(&codes[range.clone()]);
                    for (pair, ((score, total), code)) in pairs.iter_mut().zip(rows) {
                        let share = exp(score - total);
                        let truth = f64::from(u8::from(*code == class));
                        *pair = [(share - truth) as f32, (share * (1.0 - share)).max(0.0) as f32];
                    }
                }
                Answers::Numbers(loss, numbers) => {
                    let loss = *loss;
                    for ((pair, score), number) in pairs.iter_mut().zip(scores).zip(&numbers[range.clone()]) {
                        *pair = loss.pair(*score, *number);
                    }
                }
            }
            if let Some(weights) = &self.weights {
                for (pair, weight) in pairs.iter_mut().zip(&weights[range]) {
                    *pair = pair.map(|part| (f64::from(part) * weight) as f32);
                }
            }
        });
    }

    /// What the rows of a leaf answer best, where that isn't minus slope by curvature.
    pub(super) fn leaf(&self, rows: &[u32], scores: &[f64]) -> Option<f64> {
        let Answers::Numbers(loss, numbers) = &self.answers else {
            return None;
        };
        let level = loss.level()?;
        let rest = |&row: &u32| (numbers[row as usize] - scores[row as usize], self.weight(row as usize));
        Some(quantile(rows.iter().map(rest).collect(), level))
    }

    /// The mean loss over some rows.
    pub(super) fn loss(&self, scores: &[Vec<f64>], rows: &[u32]) -> f64 {
        let each = || rows.iter().map(|&row| row as usize);
        let of = |row: usize| match &self.answers {
            Answers::Two(codes, second) => {
                let z = if codes[row] == *second { -scores[0][row] } else { scores[0][row] };
                z.max(0.0) + ln_1p(elementary::exp(-z.abs()))
            }
            Answers::Many(codes, present) => {
                let most = scores.iter().fold(f64::NEG_INFINITY, |most, scores| most.max(scores[row]));
                let total: f64 = scores.iter().map(|scores| elementary::exp(scores[row] - most)).sum();
                let own = present.binary_search(&codes[row]).map_or(0.0, |head| scores[head][row]);
                ln(total) + most - own
            }
            Answers::Numbers(loss, numbers) => loss.of(scores[0][row], numbers[row]),
        };
        sum(each().map(|row| self.weight(row) * of(row))) / sum(each().map(|row| self.weight(row)))
    }
}

impl Loss {
    /// The quantile that is looked for, if any.
    pub(in crate::learn) fn level(self) -> Option<f64> {
        match self {
            Loss::Absolute => Some(0.5),
            Loss::Quantile(level) => Some(level),
            Loss::Squared | Loss::Poisson => None,
        }
    }

    /// Slope and curvature.
    #[inline(always)]
    fn pair(self, score: f64, number: f64) -> [f32; 2] {
        match self {
            Loss::Squared => [(score - number) as f32, 1.0],
            Loss::Absolute | Loss::Quantile(_) => {
                let level = self.level().unwrap_or(0.5);
                let side = if number > score { -level } else { 1.0 - level };
                [if number == score { 0.0 } else { side as f32 }, 1.0]
            }
            Loss::Poisson => {
                let mean = exp(score).min(1e30);
                [(mean - number) as f32, mean as f32]
            }
        }
    }

    /// The loss of one number.
    fn of(self, score: f64, number: f64) -> f64 {
        match self {
            Loss::Squared => 0.5 * (score - number).powi(2),
            Loss::Poisson => elementary::exp(score) - number * score,
            Loss::Absolute | Loss::Quantile(_) => {
                let (level, rest) = (self.level().unwrap_or(0.5), number - score);
                if rest > 0.0 { level * rest } else { (level - 1.0) * rest }
            }
        }
    }
}

/// A logarithm that stays finite at 0.
fn log(value: f64) -> f64 {
    ln(value.max(f64::MIN_POSITIVE))
}

/// Numbers that Poisson's loss can be had of.
fn counts(numbers: &[f64], data: &Training) -> Result<(), Fault> {
    if let Some(row) = numbers.iter().position(|number| *number < 0.0) {
        let message = format!("`loss: poisson` is for numbers of at least 0, and row {} has less", row + 1);
        return Err(Fault::new("negative-target", message).within("loss"));
    }
    if numbers.iter().enumerate().all(|(row, number)| *number * data.weight(row) == 0.0) {
        let message = "`loss: poisson` needs a number above 0, and all are 0";
        return Err(Fault::new("constant-target", message).within("loss"));
    }
    Ok(())
}

/// The number that `level` of the weight lies below; midway where a whole stretch would do.
fn quantile(mut values: Vec<(f64, f64)>, level: f64) -> f64 {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    let wanted = total * level;
    let (mut below, mut nth) = (0.0, 0);
    for (at, (_, weight)) in values.iter().enumerate() {
        below += weight;
        nth = at;
        if below >= wanted * (1.0 - 1e-12) {
            break;
        }
    }
    let Some(&(value, _)) = values.get(nth) else {
        return 0.0;
    };
    match values[nth + 1..].iter().find(|(_, weight)| *weight > 0.0) {
        Some((next, _)) if below <= wanted * (1.0 + 1e-12) => value / 2.0 + next / 2.0,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;

    #[test]
    fn slopes_and_curvatures_are_those_of_the_loss() {
        let x = Matrix::new(vec!["a".into()], 4, vec![0.0; 4]);
        let weights = [1.0, 2.0, 0.5, 3.0];
        let numbers = Target::Numbers(vec![0.5, 3.0, 0.0, 2.5]);
        let classes = |count: u32| Target::Classes { codes: vec![0, 1, count - 1, 0], count: count as usize };
        for (y, loss) in [
            (&numbers, Loss::Squared),
            (&numbers, Loss::Poisson),
            (&numbers, Loss::Quantile(0.3)),
            (&classes(2), Loss::Squared),
            (&classes(3), Loss::Squared),
        ] {
            let data = Training::new(&x, y).weighted(&weights);
            let objective = Objective::new(&data, loss, &[0, 1, 2][..objective_classes(y)]).expect("objective");
            let heads = if objective_classes(y) > 2 { 3 } else { 1 };
            let scores: Vec<Vec<f64>> =
                (0..heads).map(|head| (0..4).map(|row| 0.3 * row as f64 - 0.2 * head as f64).collect()).collect();
            for head in 0..heads {
                let mut gradients = Gradients::default();
                objective.gradients(head, &scores[head], &objective.totals(&scores), &mut gradients);
                for row in 0..4u32 {
                    let at = |by: f64| {
                        let mut scores = scores.clone();
                        scores[head][row as usize] += by;
                        objective.loss(&scores, &[row]) * objective.weight(row as usize)
                    };
                    let (step, [g, h]) = (1e-4, gradients.pairs[row as usize].map(f64::from));
                    let slope = (at(step) - at(-step)) / (2.0 * step);
                    assert!((slope - g).abs() < 1e-6, "{loss:?}: {slope} {g}");
                    if loss.level().is_none() {
                        let curvature = (at(step) - 2.0 * at(0.0) + at(-step)) / (step * step);
                        assert!((curvature - h).abs() < 1e-5, "{loss:?}: {curvature} {h}");
                    }
                }
            }
        }
    }

    fn objective_classes(y: &Target) -> usize {
        match y {
            Target::Classes { count, .. } => *count,
            Target::Numbers(_) => 0,
        }
    }

    #[test]
    fn a_quantile_counts_weights_as_rows() {
        let of = |values: &[(f64, f64)], level| quantile(values.to_vec(), level);
        assert_eq!(of(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0)], 0.5), 2.0);
        assert_eq!(of(&[(3.0, 1.0), (1.0, 1.0), (2.0, 1.0), (7.0, 1.0)], 0.5), 2.5);
        assert_eq!(of(&[(3.0, 1.0), (1.0, 2.0), (9.0, 0.0)], 0.5), of(&[(3.0, 1.0), (1.0, 1.0), (1.0, 1.0)], 0.5));
        assert_eq!(of(&[(1.0, 1.0), (5.0, 0.0), (3.0, 1.0)], 0.5), 2.0);
        assert_eq!(of(&[(4.0, 1.0)], 0.9), 4.0);
    }
}
