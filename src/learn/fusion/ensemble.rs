//! Several estimators as one.

use serde::{Deserialize, Serialize};

use super::answer_columns;
use crate::learn::estimator::Fitted;
use crate::learn::linear::to_shares;
use crate::learn::{Estimator, Explanation, Of, Scale, Task, argmax};

/// A weighted mean of answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mix {
    /// What is answered.
    pub task: Task,
    /// How many classes, or 1.
    pub outputs: usize,
    /// One a member, none below 0, together 1.
    pub weights: Vec<f64>,
}

impl Mix {
    fn width(&self) -> usize {
        answer_columns(self.task, self.outputs)
    }
}

impl Fitted for Mix {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> Option<usize> {
        Some(self.weights.len() * self.width())
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn importance(&self) -> Option<&[f64]> {
        None
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        let width = self.width();
        assert_eq!(row.len(), self.weights.len() * width, "one answer a member");
        into.fill(0.0);
        let last = &mut into[self.outputs - width..];
        for (answer, weight) in row.chunks(width).zip(&self.weights) {
            last.iter_mut().zip(answer).for_each(|(to, value)| *to += weight * value);
        }
        if let ([first, second], 1) = (&mut *into, width) {
            // Weights sum to 1 but for rounding.
            *second = second.clamp(0.0, 1.0);
            *first = 1.0 - *second;
        }
    }

    fn is_sound(&self) -> bool {
        !self.weights.is_empty()
            && self.outputs > 0
            && (self.task == Task::Classification || self.outputs == 1)
            && self.weights.len().checked_mul(self.outputs).is_some()
            && self.weights.iter().all(|weight| (0.0..=1.0).contains(weight))
    }
}

/// How a member votes: its answer counts as certain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hard {
    /// From which probability on the positive one of two classes is the answer; the likelier one if not said.
    pub threshold: Option<f64>,
    /// Which class is the positive one.
    pub positive: u32,
}

/// One of several estimators.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Where its features stand among those of all.
    pub columns: Vec<u32>,
    /// What answers.
    pub estimator: Estimator,
    /// Whether its answer is a vote.
    pub hard: Option<Hard>,
}

impl Member {
    /// Its answer to a row of all features. `own` and `answer` are memory to work in.
    fn answer(&self, row: &[f64], own: &mut Vec<f64>, answer: &mut [f64]) {
        own.clear();
        own.extend(self.columns.iter().map(|column| row[*column as usize]));
        self.estimator.predict_row(own, answer);
        if let Some(hard) = self.hard {
            hard.vote(answer);
        }
    }
}

impl Hard {
    fn vote(self, answer: &mut [f64]) {
        let class = match self.threshold {
            Some(threshold) if answer[self.positive as usize] >= threshold => self.positive,
            Some(_) => 1 - self.positive,
            None => argmax(answer),
        };
        answer.fill(0.0);
        answer[class as usize] = 1.0;
    }
}

/// Several estimators as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// What is answered.
    task: Task,
    /// How many features all members read together.
    columns: usize,
    members: Vec<Member>,
    /// What makes one answer of the members', one member after another.
    last: Box<Estimator>,
    /// The features' shares; empty if no member knows any.
    importance: Vec<f64>,
}

impl Ensemble {
    /// From estimators that read `columns` features together, and what combines their answers.
    pub fn new(columns: usize, members: Vec<Member>, last: Estimator) -> Self {
        let mut found = Self { task: last.task(), columns, members, last: Box::new(last), importance: Vec::new() };
        found.importance = found.shares();
        found
    }

    /// How much each member counts: the weights of a mean, else its answers' importance to what combines them; together 1.
    pub fn weights(&self) -> Vec<f64> {
        if let Estimator::Mix(mix) = &*self.last {
            return mix.weights.clone();
        }
        let each = self.last.columns().unwrap_or(self.members.len()) / self.members.len();
        match self.last.importance() {
            Some(shares) => shares.chunks(each.max(1)).map(|shares| shares.iter().sum()).collect(),
            None => vec![1.0 / self.members.len() as f64; self.members.len()],
        }
    }

    /// Whether its probabilities are log-odds at heart.
    pub(in crate::learn) fn is_log_odds(&self) -> bool {
        self.last.is_log_odds()
    }

    /// What makes one answer of the members'.
    pub fn last(&self) -> &Estimator {
        &self.last
    }

    /// The members.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The mean of the members' shares, each member by its weight. Members that know none are passed over.
    fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.columns];
        let mut known = false;
        for (member, weight) in self.members.iter().zip(self.weights()) {
            for (column, share) in member.columns.iter().zip(member.estimator.importance().unwrap_or_default()) {
                known = true;
                shares[*column as usize] += weight * share;
            }
        }
        to_shares(&mut shares);
        if known { shares } else { Vec::new() }
    }

    fn answers(&self, row: &[f64], work: &mut Work) {
        let width = answer_columns(self.task, self.outputs());
        work.answer.resize(self.outputs(), 0.0);
        work.all.clear();
        for member in &self.members {
            member.answer(row, &mut work.own, &mut work.answer);
            work.all.extend_from_slice(&work.answer[self.outputs() - width..]);
        }
    }
}

/// Memory to work in.
#[derive(Default)]
struct Work {
    own: Vec<f64>,
    answer: Vec<f64>,
    all: Vec<f64>,
}

impl Fitted for Ensemble {
    fn task(&self) -> Task {
        self.task
    }

    fn columns(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn outputs(&self) -> usize {
        self.last.outputs()
    }

    fn importance(&self) -> Option<&[f64]> {
        (!self.importance.is_empty()).then_some(&self.importance)
    }

    fn row(&self, row: &[f64], into: &mut [f64]) {
        let mut work = Work::default();
        self.answers(row, &mut work);
        self.last.predict_row(&work.all, into);
    }

    /// Of a mean of members whose contributions add up to their answers: each member's, by its weight.
    fn explain(&self, row: &[f64]) -> Option<Explanation> {
        let Estimator::Mix(mix) = &*self.last else { return None };
        let scale = if self.task == Task::Regression { Scale::Number } else { Scale::Probability };
        let mut found = Explanation::new(scale, self.outputs(), self.columns);
        for (member, weight) in self.members.iter().zip(&mix.weights) {
            if member.hard.is_some() {
                return None;
            }
            let own: Vec<f64> = member.columns.iter().map(|column| row[*column as usize]).collect();
            let said = member.estimator.fitted().explain(&own)?;
            if (said.scale, said.of) != (scale, Of::Answer) {
                return None;
            }
            for output in 0..self.outputs() {
                let (base, values) = said.output(output);
                found.base[output] += weight * base;
                for (column, value) in member.columns.iter().zip(values) {
                    found.contributions[output * self.columns + *column as usize] += weight * value;
                }
            }
        }
        Some(found)
    }

    /// Member after member over all rows: what a member needs stays at hand.
    fn rows(&self, rows: &[f64], columns: usize, into: &mut [f64]) {
        let outputs = self.outputs();
        let count = into.len() / outputs;
        let width = answer_columns(self.task, outputs);
        let all = self.members.len() * width;
        let mut answers = vec![0.0; count * all];
        let mut answer = vec![0.0; count * outputs];
        let mut own = Vec::new();
        for (place, member) in self.members.iter().enumerate() {
            own.clear();
            for row in 0..count {
                own.extend(member.columns.iter().map(|column| rows[row * columns + *column as usize]));
            }
            member.estimator.predict_rows(&own, member.columns.len(), &mut answer);
            for (row, answer) in answer.chunks_mut(outputs).enumerate() {
                member.hard.into_iter().for_each(|hard| hard.vote(answer));
                let to = row * all + place * width;
                answers[to..to + width].copy_from_slice(&answer[outputs - width..]);
            }
        }
        self.last.predict_rows(&answers, all, into);
    }

    fn is_sound(&self) -> bool {
        let outputs = self.last.outputs();
        let width = answer_columns(self.task, outputs);
        let fits = |member: &Member| {
            let estimator = &member.estimator;
            let hard = member.hard.is_none_or(|hard| {
                self.task == Task::Classification && (hard.threshold.is_none() || (outputs == 2 && hard.positive < 2))
            });
            estimator.check().is_ok()
                && estimator.task() == self.task
                && estimator.outputs() == outputs
                && estimator.columns().is_none_or(|columns| columns == member.columns.len())
                && member.columns.iter().all(|column| (*column as usize) < self.columns)
                && hard
        };
        self.last.check().is_ok()
            && self.last.task() == self.task
            && outputs > 0
            && !self.members.is_empty()
            && self.last.columns().is_none_or(|columns| columns == self.members.len() * width)
            && (self.importance.is_empty() || self.importance.len() == self.columns)
            && self.members.iter().all(fits)
    }
}
