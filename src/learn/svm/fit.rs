//! The fits of support vector machines: one for a regression or two classes, one for each pair of more classes, and
//! five more of each on parts of its rows where probabilities are asked for.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::interior::{Linear, Plane};
use super::kernel::{Kernel, Others, Panels, square};
use super::platt::{Held, slope};
use super::smo::{self, Limits, Problem, Solution};
use super::{Duels, Machine, Votes, Voting};
use crate::data::Matrix;
use crate::learn::chance::Chance;
use crate::learn::linear::{Line, Logistic, importance};
use crate::learn::nature::Nature;
use crate::learn::{Estimator, Target, Training};
use crate::source::Fault;

/// How many parts the rows are cut into for probabilities.
const FOLDS: usize = 5;
/// How many rows' similarities with all others are kept. More bring nothing: rows set aside make the others short.
const KEPT: usize = 500;
/// How many similarities the fits that run at a time keep together, at least and at most: 4 MB and 96 MB.
const CACHE: [usize; 2] = [1 << 20, 24 << 20];
/// Up to how many features the linear kernel's system of equations is small, and how many times as many rows make it
/// worth while.
const FEW: usize = 1000;
const TALL: usize = 5;
/// How many classes can be compared in pairs.
const CLASSES: usize = 500;
/// How many steps of the other method there may be a row, for 1000 rows at least.
const MOST_EACH: usize = 1000;
/// The interior point method's steps at most.
const STEPS: usize = 200;
/// How many rows meet the vectors at a time.
const BLOCK: usize = 256;

/// What is to be fitted.
pub(in crate::learn) struct Plan {
    pub(in crate::learn) kernel: Kernel,
    pub(in crate::learn) c: f64,
    pub(in crate::learn) epsilon: f64,
    pub(in crate::learn) tolerance: f64,
    pub(in crate::learn) max_iter: Option<usize>,
    pub(in crate::learn) probability: bool,
}

/// Fits the machine.
///
/// # Errors
/// If there are too many classes, numbers overflow, or the fit was interrupted.
pub(in crate::learn) fn fit(plan: &Plan, natures: &[Nature], data: &Training) -> Result<Estimator, Fault> {
    let shop = Shop::new(plan, natures, data);
    match data.y {
        Target::Numbers(y) => shop.regression(y),
        Target::Classes { codes, count } => shop.classification(codes, *count),
    }
}

/// All that the single fits share.
struct Shop<'a> {
    plan: &'a Plan,
    natures: &'a [Nature],
    data: &'a Training<'a>,
    /// What is taken off each feature: nothing changes by it where a kernel knows only differences.
    means: Vec<f64>,
    done: AtomicUsize,
    failed: AtomicBool,
}

/// A machine for one decision.
enum Trained {
    Plane(Plane),
    /// The rows, and their coefficients.
    Vectors(Vec<usize>, Solution),
}

/// The rows of two classes.
struct Pair {
    rows: Vec<usize>,
    /// How many of the rows, from the first on, are of the first class.
    firsts: usize,
}

/// The machine of a pair, if it learned from all of its rows, and what it says of the rows that are held out.
type Told = (Option<Trained>, Vec<Held>);

impl<'a> Shop<'a> {
    fn new(plan: &'a Plan, natures: &'a [Nature], data: &'a Training<'a>) -> Self {
        let shifts = matches!(plan.kernel, Kernel::Linear | Kernel::Rbf { .. });
        let means = natures.iter().map(|nature| if shifts { nature.mean } else { 0.0 }).collect();
        Self { plan, natures, data, means, done: AtomicUsize::new(0), failed: AtomicBool::new(false) }
    }

    fn regression(&self, y: &[f64]) -> Result<Estimator, Fault> {
        let rows: Vec<usize> = (0..y.len()).filter(|&row| self.data.weight(row) > 0.0).collect();
        let targets: Vec<f64> = rows.iter().map(|&row| y[row]).collect();
        let trained = self.train(rows, &targets, self.plan.epsilon, 1)?;
        self.tell(1);
        self.warn();
        match trained {
            Trained::Plane(Plane { weights, intercept, .. }) => {
                let importance = importance(&weights, self.natures);
                Ok(Estimator::Line(Line { coefficients: weights, intercept, means: self.means.clone(), importance }))
            }
            Trained::Vectors(rows, solution) => {
                let used: Vec<usize> = (0..rows.len()).filter(|&at| solution.beta[at] != 0.0).collect();
                let vectors = self.values(used.iter().map(|&at| rows[at]));
                Ok(Estimator::Machine(Machine {
                    kernel: self.plan.kernel,
                    squares: self.squares(&vectors),
                    vectors,
                    means: self.means.clone(),
                    coefficients: used.iter().map(|&at| solution.beta[at]).collect(),
                    intercepts: vec![solution.intercept],
                    voting: None,
                }))
            }
        }
    }

    fn classification(&self, codes: &[u32], count: usize) -> Result<Estimator, Fault> {
        let mut members = vec![Vec::new(); count];
        for (row, &code) in codes.iter().enumerate() {
            if self.data.weight(row) > 0.0 {
                members[code as usize].push(row);
            }
        }
        let present: Vec<u32> = (0..count as u32).filter(|&class| !members[class as usize].is_empty()).collect();
        if present.len() > CLASSES {
            let message = format!("`svm` compares each two classes, and {} are too many for that", present.len());
            return Err(Fault::new("many-classes", message)
                .help(format!("take `random_forest` or `logistic_regression`, or at most {CLASSES} classes")));
        }
        let members: Vec<Vec<usize>> = members.into_iter().filter(|rows| !rows.is_empty()).collect();
        let mut pairs = Vec::new();
        for (nth, first) in members.iter().enumerate() {
            for second in &members[nth + 1..] {
                pairs.push(Pair { rows: [&first[..], second].concat(), firsts: first.len() });
            }
        }
        let (trained, slopes) = self.pairs(&pairs)?;
        self.warn();
        let votes = Votes { count, present, slopes };
        Ok(match self.plan.kernel {
            Kernel::Linear => self.linear(votes, trained),
            _ => self.machine(votes, &members, trained),
        })
    }

    /// The machine of each pair, and the slopes of their probabilities if these are asked for.
    fn pairs(&self, pairs: &[Pair]) -> Result<(Vec<Trained>, Vec<f64>), Fault> {
        let folds: Vec<Vec<Vec<usize>>> = pairs
            .iter()
            .enumerate()
            .map(|(nth, pair)| if self.plan.probability { pair.folds(self.data.seed, nth as u64) } else { Vec::new() })
            .collect();
        // Whole pairs first: they take longest.
        let whole = (0..pairs.len()).map(|pair| (pair, None));
        let parts = folds.iter().enumerate().flat_map(|(pair, folds)| (0..folds.len()).map(move |f| (pair, Some(f))));
        let jobs: Vec<(usize, Option<usize>)> = whole.chain(parts).collect();
        let results: Vec<Result<Told, Fault>> = jobs
            .par_iter()
            .map(|&(nth, fold)| {
                let pair = &pairs[nth];
                let held = fold.map_or(&[][..], |fold| &folds[nth][fold]);
                let trained = self.pair(pair, held, jobs.len())?;
                let told = match fold {
                    Some(_) => self.held(pair, held, &trained),
                    // Where a class has one row alone, none can be held out.
                    None if self.plan.probability && folds[nth].is_empty() => {
                        self.held(pair, &(0..pair.rows.len()).collect::<Vec<_>>(), &trained)
                    }
                    None => Vec::new(),
                };
                self.tell(jobs.len());
                Ok((fold.is_none().then_some(trained), told))
            })
            .collect();
        // Each is done before the first mistake is told: so it is the same one every time.
        let results = results.into_iter().collect::<Result<Vec<_>, Fault>>()?;
        let mut held: Vec<Vec<Held>> = pairs.iter().map(|_| Vec::new()).collect();
        let mut machines = Vec::with_capacity(pairs.len());
        for ((nth, _), (trained, told)) in jobs.iter().zip(results) {
            machines.extend(trained);
            held[*nth].extend(told);
        }
        let slopes = if self.plan.probability { held.par_iter().map(|held| slope(held)).collect() } else { Vec::new() };
        Ok((machines, slopes))
    }

    /// The machine of a pair without some of its rows, which are given by their places.
    fn pair(&self, pair: &Pair, without: &[usize], jobs: usize) -> Result<Trained, Fault> {
        let kept = (0..pair.rows.len()).filter(|place| without.binary_search(place).is_err());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for place in kept {
            rows.push(pair.rows[place]);
            targets.push(if place < pair.firsts { -1.0 } else { 1.0 });
        }
        self.train(rows, &targets, f64::NAN, jobs)
    }

    /// One machine; an `epsilon` that is no number stands for classes ±1.
    fn train(&self, rows: Vec<usize>, targets: &[f64], epsilon: f64, jobs: usize) -> Result<Trained, Fault> {
        let caps: Vec<f64> = rows.iter().map(|&row| self.plan.c * self.data.weight(row)).collect();
        let linear = self.plan.kernel == Kernel::Linear;
        if linear && self.means.len() <= FEW && TALL * self.means.len() < rows.len() {
            return self.plane(&rows, targets, epsilon, caps).map(Trained::Plane);
        }
        let values = self.values(rows.iter().copied());
        let classes = epsilon.is_nan();
        let bound = |sign: f64| {
            targets.iter().zip(&caps).map(|(y, cap)| if classes && y * sign < 0.0 { 0.0 } else { sign * cap }).collect()
        };
        let problem = Problem {
            kernel: self.plan.kernel,
            rows: Panels::new(self.means.len(), &values),
            targets: targets.to_vec(),
            low: bound(-1.0),
            high: bound(1.0),
            epsilon: if classes { 0.0 } else { epsilon },
        };
        let steps = self.plan.max_iter.unwrap_or(MOST_EACH * rows.len().max(1000));
        let at_a_time = jobs.min(rayon::current_num_threads()).max(1);
        let cache = (KEPT * rows.len()).clamp(CACHE[0], CACHE[1]) / at_a_time;
        let limits = Limits { tolerance: self.plan.tolerance, steps, cache };
        let solution = smo::solve(problem, limits, self.data)?;
        self.note(solution.converged);
        if !linear {
            return Ok(Trained::Vectors(rows, solution));
        }
        let mut weights = vec![0.0; self.means.len()];
        for (row, beta) in values.chunks(self.means.len()).zip(&solution.beta) {
            weights.iter_mut().zip(row).for_each(|(weight, value)| *weight += beta * value);
        }
        let shift: f64 = weights.iter().zip(&self.means).map(|(w, mean)| w * mean).sum();
        Ok(Trained::Plane(Plane { weights, intercept: solution.intercept - shift, converged: solution.converged }))
    }

    fn plane(&self, rows: &[usize], targets: &[f64], epsilon: f64, caps: Vec<f64>) -> Result<Plane, Fault> {
        let whole = rows.len() == self.data.x.rows();
        // Rows come in the order of classes; the whole table is read in its own.
        let (x, order): (Cow<Matrix>, Vec<usize>) = if whole {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by_key(|&place| rows[place]);
            (Cow::Borrowed(self.data.x), order)
        } else {
            (Cow::Owned(self.data.x.take(rows)), (0..rows.len()).collect())
        };
        let targets = || order.iter().map(|&place| targets[place]);
        let caps: Vec<f64> = order.iter().map(|&place| caps[place]).collect();
        let (signs, costs, caps) = if epsilon.is_nan() {
            (targets().collect(), vec![-1.0; order.len()], caps)
        } else {
            let signs = order.iter().map(|_| 1.0).chain(order.iter().map(|_| -1.0)).collect();
            let costs = targets().map(|y| epsilon - y).chain(targets().map(|y| epsilon + y)).collect();
            (signs, costs, [&caps[..], &caps].concat())
        };
        let problem = Linear { x: &x, means: &self.means, signs, costs, caps };
        let plane = problem.solve(self.plan.tolerance, self.plan.max_iter.unwrap_or(STEPS), self.data)?;
        self.note(plane.converged);
        Ok(plane)
    }

    /// What the machine says of rows of the pair.
    fn held(&self, pair: &Pair, places: &[usize], trained: &Trained) -> Vec<Held> {
        let rows: Vec<usize> = places.iter().map(|&place| pair.rows[place]).collect();
        let decisions = self.decisions(&rows, trained);
        let each = places.iter().zip(rows).zip(decisions);
        each.map(|((&place, row), decision)| Held {
            decision,
            second: place >= pair.firsts,
            weight: self.data.weight(row),
        })
        .collect()
    }

    fn decisions(&self, rows: &[usize], trained: &Trained) -> Vec<f64> {
        match trained {
            Trained::Plane(plane) => {
                let mut decisions = vec![plane.intercept; rows.len()];
                for (column, weight) in plane.weights.iter().enumerate() {
                    let values = self.data.x.column(column);
                    decisions.iter_mut().zip(rows).for_each(|(told, &row)| *told += weight * values[row]);
                }
                decisions
            }
            Trained::Vectors(of, solution) => {
                let used: Vec<usize> = (0..of.len()).filter(|&at| solution.beta[at] != 0.0).collect();
                let values = self.values(used.iter().map(|&at| of[at]));
                let squares = self.squares(&values);
                let others = Others { columns: self.means.len(), values: &values, squares: &squares };
                let mut decisions = Vec::with_capacity(rows.len());
                for rows in rows.chunks(BLOCK) {
                    let mut alike = vec![0.0; rows.len() * used.len()];
                    self.plan.kernel.block(&self.values(rows.iter().copied()), &others, &mut alike);
                    for nth in 0..rows.len() {
                        let own = &alike[nth * used.len()..(nth + 1) * used.len()];
                        let told: f64 = own.iter().zip(&used).map(|(alike, &at)| alike * solution.beta[at]).sum();
                        decisions.push(told + solution.intercept);
                    }
                }
                decisions
            }
        }
    }

    /// The estimator of weighted sums. For two classes its probabilities are those of log-odds.
    fn linear(&self, votes: Votes, trained: Vec<Trained>) -> Estimator {
        let (mut coefficients, mut intercepts) = (Vec::new(), Vec::new());
        for trained in trained {
            let Trained::Plane(plane) = trained else { unreachable!("the linear kernel gives planes") };
            coefficients.extend(plane.weights);
            intercepts.push(plane.intercept);
        }
        let columns = self.means.len();
        if votes.present.len() > 2 {
            let importance = importance(&coefficients, self.natures);
            return Estimator::Duels(Duels { votes, columns, coefficients, intercepts, importance });
        }
        let slope = votes.slopes.first().unwrap_or(&1.0);
        coefficients.iter_mut().chain(&mut intercepts).for_each(|value| *value *= slope);
        let importance = importance(&coefficients, self.natures);
        Estimator::Logistic(Logistic {
            count: votes.count,
            present: votes.present,
            columns,
            coefficients,
            intercepts,
            means: self.means.clone(),
            importance,
        })
    }

    /// The estimator of support vectors: each vector once, however many pairs it serves.
    fn machine(&self, votes: Votes, members: &[Vec<usize>], trained: Vec<Trained>) -> Estimator {
        let width = members.len() - 1;
        let mut weights: Vec<Vec<f64>> = members.iter().map(|rows| vec![0.0; rows.len() * width]).collect();
        let mut intercepts = Vec::with_capacity(trained.len());
        let mut trained = trained.into_iter();
        for first in 0..members.len() {
            for second in first + 1..members.len() {
                let Some(Trained::Vectors(_, solution)) = trained.next() else {
                    unreachable!("each pair has a machine")
                };
                let (ours, theirs) = solution.beta.split_at(members[first].len());
                for (row, beta) in ours.iter().enumerate() {
                    weights[first][row * width + second - 1] = *beta;
                }
                for (row, beta) in theirs.iter().enumerate() {
                    weights[second][row * width + first] = *beta;
                }
                intercepts.push(solution.intercept);
            }
        }
        let (mut starts, mut rows, mut coefficients) = (vec![0], Vec::new(), Vec::new());
        for (members, weights) in members.iter().zip(&weights) {
            for (&row, weights) in members.iter().zip(weights.chunks(width)) {
                if weights.iter().any(|weight| *weight != 0.0) {
                    rows.push(row);
                    coefficients.extend(weights);
                }
            }
            starts.push(rows.len());
        }
        let vectors = self.values(rows.into_iter());
        Estimator::Machine(Machine {
            kernel: self.plan.kernel,
            squares: self.squares(&vectors),
            vectors,
            means: self.means.clone(),
            coefficients,
            intercepts,
            voting: Some(Voting { votes, starts }),
        })
    }

    /// The rows' features, one row after the other, their means taken off.
    fn values(&self, rows: impl ExactSizeIterator<Item = usize>) -> Vec<f64> {
        let mut values = Vec::with_capacity(rows.len() * self.means.len());
        for row in rows {
            values.extend(self.means.iter().enumerate().map(|(column, mean)| self.data.x.at(row, column) - mean));
        }
        values
    }

    fn squares(&self, values: &[f64]) -> Vec<f64> {
        values.chunks(self.means.len()).map(square).collect()
    }

    fn tell(&self, jobs: usize) {
        self.data.watch.progress(self.done.fetch_add(1, Ordering::Relaxed) + 1, jobs, "machines");
    }

    fn note(&self, converged: bool) {
        self.failed.fetch_or(!converged, Ordering::Relaxed);
    }

    fn warn(&self) {
        if self.failed.load(Ordering::Relaxed) {
            self.data.watch.warn(
                Fault::warning("not-converged", "`svm` did not converge in the steps it was given")
                    .help("scale the features, raise `max_iter` or `tol`, or lower `c`"),
            );
        }
    }
}

impl Pair {
    /// The places of the rows of each part, both classes spread evenly; none if a class has one row alone.
    fn folds(&self, seed: u64, pair: u64) -> Vec<Vec<usize>> {
        let count = FOLDS.min(self.firsts).min(self.rows.len() - self.firsts);
        if count < 2 {
            return Vec::new();
        }
        let mut chance = Chance::new(seed, pair);
        let mut folds = vec![Vec::new(); count];
        for range in [0..self.firsts, self.firsts..self.rows.len()] {
            let mut places: Vec<usize> = range.collect();
            chance.shuffle(&mut places);
            places.into_iter().enumerate().for_each(|(nth, place)| folds[nth % count].push(place));
        }
        folds.iter_mut().for_each(|fold| fold.sort_unstable());
        folds
    }
}
