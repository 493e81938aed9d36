//! The fit of a network: batches of shuffled rows, each a step down the gradient of its loss.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::layers::{Activation, Net, Pass};
use super::optimizer::{Optimizer, Solver, State};
use super::{LARGEST, Network, Output};
use crate::data::elementary::{exp, ln, ln_1p};
use crate::learn::chance::Chance;
use crate::learn::cv;
use crate::learn::linear::{Constant, sigmoid};
use crate::learn::memory::{Memory, Resumable, apart};
use crate::learn::{Estimator, Target, Task, Training, argmax, nature};
use crate::source::Fault;

/// How many rows go through the layers at a time. Larger batches are cut, and the parts' gradients summed in order.
const BLOCK: usize = 256;

/// What is to be fitted.
pub(in crate::learn) struct Plan {
    pub(in crate::learn) hidden: Vec<usize>,
    pub(in crate::learn) activation: Activation,
    pub(in crate::learn) solver: Solver,
    pub(in crate::learn) rate: f64,
    pub(in crate::learn) alpha: f64,
    pub(in crate::learn) batch: Option<usize>,
    pub(in crate::learn) epochs: usize,
    pub(in crate::learn) shuffle: bool,
    pub(in crate::learn) tolerance: f64,
    pub(in crate::learn) patience: usize,
    pub(in crate::learn) early: Option<Early>,
}

/// Stopping by rows held out.
#[derive(Clone, Copy)]
pub(in crate::learn) struct Early {
    /// The share of the rows.
    pub(in crate::learn) share: f64,
}

/// How far a fit has come, beside the parameters: what it takes to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Course {
    optimizer: State,
    /// How many epochs there were.
    epochs: u64,
    /// How many times a row was seen.
    seen: u64,
}

impl Course {
    /// Whether it is of such a network.
    pub(in crate::learn) fn is_sound(&self, network: &Network) -> bool {
        self.optimizer.is_sound(network.parameters.len())
    }
}

/// Fits the network.
///
/// # Errors
/// If numbers are too large, the loss is not finite any more, too few rows are left, or the fit was interrupted.
pub(in crate::learn) fn fit(plan: &Plan, data: &Training) -> Result<Estimator, Fault> {
    match Answers::new(data)? {
        Ok(answers) => learn(plan, answers, None, data),
        Err(constant) => Ok(Estimator::Constant(constant)),
    }
}

/// Goes on with another fit's parameters and its optimizer, by rows of today.
///
/// # Errors
/// As for a fit; or if that was of other layers, features or classes.
pub(in crate::learn) fn update(plan: &Plan, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
    if let Estimator::Resumable(Resumable { inner, memory: Memory::Course(course) }) = previous
        && let Estimator::Network(network) = &**inner
    {
        return learn(plan, Answers::like(network, data)?, Some((network, course)), data);
    }
    Err(apart("is no `neural_network` that remembers its course"))
}

fn learn(
    plan: &Plan,
    answers: Answers,
    before: Option<(&Network, &Course)>,
    data: &Training,
) -> Result<Estimator, Fault> {
    let sums = answers.output.sums();
    let sizes = [&[data.x.columns()], &plan.hidden[..], &[sums]].concat();
    let net = Net { sizes: &sizes, activation: plan.activation };
    let rows = Rows::new(data, answers.truth)?;
    let (train, held) = rows.part(plan.early, &answers.output, data.seed)?;
    let fit = Fit { plan, net, rows: &rows, sums, classes: matches!(answers.output, Output::Classes { .. }) };
    let other = |network: &Network| network.sizes != sizes || network.activation != plan.activation;
    if before.is_some_and(|(network, _)| other(network)) {
        return Err(apart("has other layers, or bends their sums otherwise"));
    }
    let (parameters, course) = fit.run(train, &held, before, data)?;
    let network = Network { sizes, activation: plan.activation, parameters, output: answers.output };
    data.keep(Estimator::Network(network), || Ok(Memory::Course(course)))
}

/// What is to be learned: for each row its class' place among those that occur, or its number, scaled.
struct Answers {
    truth: Vec<f32>,
    output: Output,
}

impl Answers {
    /// On the scale, and among the classes, of a network of before.
    fn like(network: &Network, data: &Training) -> Result<Self, Fault> {
        let truth = match (data.y, &network.output) {
            (Target::Numbers(y), Output::Number { scale, shift }) => {
                y.iter().map(|y| ((y - shift) / scale) as f32).collect()
            }
            (Target::Classes { codes, count }, Output::Classes { count: same, present }) if count == same => {
                let unknown = |(row, code): (usize, &u32)| data.weight(row) > 0.0 && !present.contains(code);
                if codes.iter().enumerate().any(unknown) {
                    return Err(apart("has met no row of one of these classes"));
                }
                codes.iter().map(|code| present.binary_search(code).unwrap_or(0) as f32).collect()
            }
            _ => return Err(apart("answers something else")),
        };
        Ok(Self { truth, output: network.output.clone() })
    }

    /// Or the constant that all rows have for an answer.
    fn new(data: &Training) -> Result<Result<Self, Constant>, Fault> {
        match data.y {
            Target::Classes { codes, count } => {
                let mut seen = vec![false; *count];
                for (row, &code) in codes.iter().enumerate() {
                    seen[code as usize] |= data.weight(row) > 0.0;
                }
                let present: Vec<u32> = (0..*count as u32).filter(|&class| seen[class as usize]).collect();
                let truth = codes.iter().map(|code| present.binary_search(code).unwrap_or(0) as f32).collect();
                Ok(Ok(Self { truth, output: Output::Classes { count: *count, present } }))
            }
            Target::Numbers(y) => {
                let shift = nature::mean(data, |row| y[row]);
                let scale = nature::mean(data, |row| (y[row] - shift).powi(2)).sqrt();
                if !(shift.is_finite() && scale.is_finite()) {
                    return Err(Fault::new(
                        "numbers-too-large",
                        "the target's numbers are too large for a mean and a spread",
                    )
                    .help("scale it first"));
                }
                if scale == 0.0 {
                    return Ok(Err(Constant { task: Task::Regression, values: vec![shift] }));
                }
                let truth = y.iter().map(|y| ((y - shift) / scale) as f32).collect();
                Ok(Ok(Self { truth, output: Output::Number { scale, shift } }))
            }
        }
    }
}

/// The rows that count, in single precision.
struct Rows {
    columns: usize,
    features: Vec<f32>,
    truth: Vec<f32>,
    /// Relative to their mean; empty: all the same.
    weights: Vec<f32>,
    mean_weight: f64,
}

impl Rows {
    fn new(data: &Training, truth: Vec<f32>) -> Result<Self, Fault> {
        let used: Vec<usize> = (0..data.x.rows()).filter(|&row| data.weight(row) > 0.0).collect();
        let columns = data.x.columns();
        let mut features = vec![0.0; used.len() * columns];
        for (column, name) in data.x.names().iter().enumerate() {
            let values = data.x.column(column);
            if let Some(&row) = used.iter().find(|&&row| values[row].abs() > LARGEST) {
                return Err(Fault::new(
                    "numbers-too-large",
                    format!("feature `{name}` is {} in row {}", values[row], row + 1),
                )
                .help("put `standardize` before"));
            }
            for (slot, &row) in features[column..].iter_mut().step_by(columns).zip(&used) {
                *slot = values[row] as f32;
            }
        }
        let (weights, mean_weight) = match data.weights {
            None => (Vec::new(), 1.0),
            Some(weights) => {
                let mean = crate::data::stats::sum(used.iter().map(|&row| weights[row] / used.len() as f64));
                (used.iter().map(|&row| (weights[row] / mean) as f32).collect(), mean)
            }
        };
        let truth = used.iter().map(|&row| truth[row]).collect();
        Ok(Self { columns, features, truth, weights, mean_weight })
    }

    fn count(&self) -> usize {
        self.truth.len()
    }

    fn weight(&self, row: usize) -> f32 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    fn features(&self, row: usize) -> &[f32] {
        &self.features[row * self.columns..(row + 1) * self.columns]
    }

    /// The rows to learn from and those held out, of each class the same share.
    fn part(&self, early: Option<Early>, output: &Output, seed: u64) -> Result<(Vec<u32>, Vec<u32>), Fault> {
        let Some(Early { share }) = early else { return Ok(((0..self.count() as u32).collect(), Vec::new())) };
        let classes = matches!(output, Output::Classes { present, .. } if present.len() > 1);
        let class = |row: usize| if classes { self.truth[row] as usize } else { 0 };
        let (train, held) = cv::hold_out(self.count(), class, share, Chance::new(seed, u64::MAX));
        if held.is_empty() {
            let message = format!("{} rows are too few to hold some out for `early_stopping`", self.count());
            return Err(Fault::new("too-few-rows", message).help("leave `early_stopping` out"));
        }
        Ok((train, held))
    }
}

struct Fit<'a> {
    plan: &'a Plan,
    net: Net<'a>,
    rows: &'a Rows,
    /// How many sums the last layer has.
    sums: usize,
    classes: bool,
}

/// How the fit goes: the best so far, and for how many epochs nothing was better.
struct Progress {
    best: f64,
    kept: Option<Vec<f32>>,
    idle: usize,
}

impl Fit<'_> {
    /// The parameters after the last epoch, or the best ones by the rows held out.
    fn run(
        &self,
        mut order: Vec<u32>,
        held: &[u32],
        before: Option<(&Network, &Course)>,
        data: &Training,
    ) -> Result<(Vec<f32>, Course), Fault> {
        let plan = self.plan;
        let mut parameters = before.map_or_else(|| self.initial(data.seed), |(network, _)| network.parameters.clone());
        let mut optimizer = Optimizer::new(plan.solver, plan.rate, parameters.len());
        let (mut epochs, mut seen) = (0, 0);
        if let Some((_, course)) = before {
            optimizer.resume(&course.optimizer);
            (epochs, seen) = (course.epochs, course.seen);
            optimizer.seen(seen as usize);
        }
        let mut gradient = vec![0.0; parameters.len()];
        let batch = plan.batch.unwrap_or(200).min(order.len());
        let mut pass = Pass::new(self.net, BLOCK.min(batch));
        let mut progress = Progress { best: f64::NEG_INFINITY, kept: None, idle: 0 };
        let mut stopped = false;
        for epoch in 0..plan.epochs {
            data.go_on()?;
            if plan.shuffle {
                Chance::new(data.seed, epochs.wrapping_add(1)).shuffle(&mut order);
            }
            let mut loss = 0.0;
            for rows in order.chunks(batch) {
                loss += self.batch(&mut pass, rows, &parameters, &mut gradient);
                optimizer.step(&mut parameters, &gradient);
            }
            data.watch.progress(epoch + 1, plan.epochs, "epochs");
            let weight: f64 = order.iter().map(|&row| f64::from(self.rows.weight(row as usize))).sum();
            let merit = if held.is_empty() { -loss / weight } else { self.merit(held, &parameters) };
            if !(loss.is_finite() && merit.is_finite()) || parameters.iter().any(|value| !value.is_finite()) {
                return Err(Fault::new("diverged", format!("the loss was not finite any more in epoch {}", epoch + 1))
                    .help("put `standardize` before, or lower `learning_rate_init`"));
            }
            epochs = epochs.wrapping_add(1);
            seen = seen.wrapping_add(order.len() as u64);
            optimizer.seen(seen as usize);
            if progress.idles(merit, plan, (!held.is_empty()).then_some(&parameters)) && !optimizer.slow_down() {
                stopped = true;
                break;
            }
        }
        if !stopped {
            let message = format!("`neural_network` did not converge in {} epochs", plan.epochs);
            data.watch.warn(
                Fault::warning("not-converged", message)
                    .help("raise `max_iter`, scale the features, or say `early_stopping: true`"),
            );
        }
        let left = Course { optimizer: optimizer.state(), epochs, seen };
        Ok((progress.kept.unwrap_or(parameters), left))
    }

    /// Evenly drawn between bounds that keep the sums' spread from layer to layer (Glorot & Bengio 2010).
    fn initial(&self, seed: u64) -> Vec<f32> {
        const STEPS: usize = 1 << 24;
        let mut chance = Chance::new(seed, 0);
        let factor = if self.plan.activation == Activation::Logistic { 2.0 } else { 6.0 };
        let mut parameters = Vec::with_capacity(self.net.parameters());
        for pair in self.net.sizes.windows(2) {
            let bound = (factor / (pair[0] + pair[1]) as f64).sqrt();
            let draw = |_| ((2.0 * chance.below(STEPS) as f64 / STEPS as f64 - 1.0) * bound) as f32;
            parameters.extend((0..(pair[0] + 1) * pair[1]).map(draw));
        }
        parameters
    }

    /// The gradient of the batch's mean loss, the penalty included; returns the batch's loss times its weight.
    fn batch(&self, pass: &mut Pass, rows: &[u32], parameters: &[f32], gradient: &mut [f32]) -> f64 {
        let mut loss = 0.0;
        if rows.len() <= BLOCK {
            loss += self.block(pass, rows, parameters, gradient);
        } else {
            let parts: Vec<(f64, Vec<f32>)> = rows
                .par_chunks(BLOCK)
                .map(|rows| {
                    let mut gradient = vec![0.0; parameters.len()];
                    (self.block(&mut Pass::new(self.net, rows.len()), rows, parameters, &mut gradient), gradient)
                })
                .collect();
            gradient.fill(0.0);
            for (part, slopes) in parts {
                loss += part;
                gradient.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
            }
        }
        let weight: f32 = rows.iter().map(|&row| self.rows.weight(row as usize)).sum();
        // The penalty is shared by the weight itself.
        let penalty = self.plan.alpha / self.rows.mean_weight;
        let (inverse, alpha) = (1.0 / weight, penalty as f32);
        let mut squares = 0.0;
        for layer in 0..self.net.layers() {
            let (start, constants, end) = self.net.places(layer);
            let weights = &parameters[start..constants];
            for (slope, weight) in gradient[start..constants].iter_mut().zip(weights) {
                *slope = (*slope + alpha * weight) * inverse;
            }
            gradient[constants..end].iter_mut().for_each(|slope| *slope *= inverse);
            squares += weights.iter().map(|weight| weight * weight).sum::<f32>();
        }
        loss + 0.5 * penalty * f64::from(squares)
    }

    /// Sums of losses and slopes over up to `BLOCK` rows.
    fn block(&self, pass: &mut Pass, rows: &[u32], parameters: &[f32], gradient: &mut [f32]) -> f64 {
        self.forward(pass, rows, parameters);
        let mut deltas = pass.sums().to_vec();
        let mut loss = 0.0;
        for (sums, &row) in deltas.chunks_mut(self.sums).zip(rows) {
            let (truth, weight) = (self.rows.truth[row as usize], self.rows.weight(row as usize));
            loss += f64::from(weight) * self.loss(sums, truth);
            sums.iter_mut().for_each(|delta| *delta *= weight);
        }
        pass.backward(parameters, &deltas, gradient);
        loss
    }

    fn forward(&self, pass: &mut Pass, rows: &[u32], parameters: &[f32]) {
        pass.resize(rows.len());
        for (slots, &row) in pass.input().chunks_mut(self.rows.columns).zip(rows) {
            slots.copy_from_slice(self.rows.features(row as usize));
        }
        pass.forward(parameters);
    }

    /// A row's loss; its sums become the loss' slopes.
    fn loss(&self, sums: &mut [f32], truth: f32) -> f64 {
        if !self.classes {
            sums[0] -= truth;
            return 0.5 * f64::from(sums[0]).powi(2);
        }
        if let [sum] = sums {
            let odds = f64::from(*sum);
            *sum = (sigmoid(odds) - f64::from(truth)) as f32;
            return odds.max(0.0) - odds * f64::from(truth) + ln_1p(exp(-odds.abs()));
        }
        let largest = sums.iter().fold(f32::NEG_INFINITY, |largest, sum| largest.max(*sum));
        let own = sums[truth as usize] - largest;
        let mut total = 0.0f32;
        for sum in sums.iter_mut() {
            *sum = exp((*sum - largest).into()) as f32;
            total += *sum;
        }
        sums.iter_mut().for_each(|sum| *sum /= total);
        sums[truth as usize] -= 1.0;
        ln(total.into()) - f64::from(own)
    }

    /// The share of the held rows that are told right, or for numbers r².
    fn merit(&self, held: &[u32], parameters: &[f32]) -> f64 {
        let mut pass = Pass::new(self.net, BLOCK.min(held.len()));
        let (mut right, mut all, mut sum, mut squares, mut errors) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for rows in held.chunks(BLOCK) {
            self.forward(&mut pass, rows, parameters);
            for (sums, &row) in pass.sums().chunks(self.sums).zip(rows) {
                let truth = f64::from(self.rows.truth[row as usize]);
                let weight = f64::from(self.rows.weight(row as usize));
                let told = match sums {
                    [sum] if self.classes => f64::from(u8::from(*sum > 0.0)),
                    [sum] => f64::from(*sum),
                    sums => {
                        let sums: Vec<f64> = sums.iter().map(|sum| f64::from(*sum)).collect();
                        f64::from(argmax(&sums))
                    }
                };
                right += if told == truth { weight } else { 0.0 };
                all += weight;
                sum += weight * truth;
                squares += weight * truth * truth;
                errors += weight * (told - truth).powi(2);
            }
        }
        if self.classes {
            return right / all;
        }
        1.0 - errors / (squares - sum * sum / all).max(f64::EPSILON * all)
    }
}

impl Progress {
    /// Takes an epoch's merit in; `candidates` are parameters to keep if they are the best. Whether for more than
    /// `patience` epochs nothing was better by the tolerance.
    fn idles(&mut self, merit: f64, plan: &Plan, candidates: Option<&Vec<f32>>) -> bool {
        if merit < self.best + plan.tolerance {
            self.idle += 1;
        } else {
            self.idle = 0;
        }
        if merit > self.best {
            self.best = merit;
            self.kept = candidates.cloned();
        }
        if self.idle <= plan.patience {
            return false;
        }
        self.idle = 0;
        true
    }
}
