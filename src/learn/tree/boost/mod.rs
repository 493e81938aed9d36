//! Gradient boosting (Friedman 2001): trees that are each grown on what those before left, by histograms.

mod boosted;
mod exp;
mod gradient;
mod grow;
mod histogram;
mod node;
mod objective;
mod part;
mod scan;
#[cfg(test)]
mod tests;
mod walk;

use std::sync::Mutex;

use rayon::prelude::*;

use self::grow::{Ground, Grown, Space, grow};
use self::histogram::Codes;
use self::objective::Objective;
use super::Trees;
use super::bins::Bins;
use crate::data::elementary::ln;
use crate::learn::chance::Chance;
use crate::learn::cv;
use crate::learn::linear::to_shares;
use crate::learn::{Target, Training};
use crate::source::Fault;

pub use boosted::{Boosted, Link};
pub(in crate::learn) use grow::Limits;
pub(in crate::learn) use objective::Loss;

/// How many scores (rows × classes) there are at most: 4 GiB of them.
const SCORES: usize = 1 << 29;
/// How many rows are told at a time what was said of them before.
const BLOCK: usize = 1024;
/// The streams of chance: one for what is held out, then one a round, then one a tree.
const BAGS: u64 = 1;
const TREES: u64 = 1 << 32;

/// What boosting is done with.
#[derive(Clone, Debug)]
pub(in crate::learn) struct Plan {
    /// How many rounds at most.
    pub(in crate::learn) rounds: usize,
    /// What a regression lowers.
    pub(in crate::learn) loss: Loss,
    /// Where trees stop.
    pub(in crate::learn) limits: Limits,
    /// How many bins a column has at most.
    pub(in crate::learn) bins: usize,
    /// How many features a cut looks at.
    pub(in crate::learn) features: usize,
    /// The share of rows that a round learns from.
    pub(in crate::learn) sample: f64,
    /// For each column whether answers may only rise (1) or fall (-1) with it.
    pub(in crate::learn) monotone: Vec<i8>,
    /// When to stop before the last round.
    pub(in crate::learn) patience: Option<Patience>,
}

/// When to stop early.
#[derive(Clone, Copy, Debug)]
pub(in crate::learn) struct Patience {
    /// After so many rounds that brought nothing.
    pub(in crate::learn) rounds: usize,
    /// What counts as nothing.
    pub(in crate::learn) tolerance: f64,
    /// The share of rows that is held out to see.
    pub(in crate::learn) share: f64,
}

/// Learns from the rows of weight above 0.
///
/// # Errors
/// If the fit was interrupted, the loss can't be had of these answers, or sizes go beyond what is counted with.
pub(in crate::learn) fn boost(data: &Training, plan: &Plan) -> Result<Boosted, Fault> {
    let kept: Vec<usize> = (0..data.x.rows()).filter(|&row| data.weight(row) > 0.0).collect();
    if kept.len() < data.x.rows() {
        // What doesn't count isn't there: it has no bin either.
        let (x, y) = (data.x.take(&kept), data.y.take(&kept));
        let weights: Vec<f64> = kept.iter().map(|&row| data.weight(row)).collect();
        return boost(&Training { x: &x, y: &y, weights: Some(&weights), ..*data }, plan);
    }
    // One visit to the pool of threads for the whole fit, instead of one a histogram.
    rayon::scope(|_| Booster::new(data, plan)?.run())
}

/// Goes on from what was boosted before: as many rounds more as planned, on these rows.
///
/// # Errors
/// As [`boost`]; or if `previous` answers something else, or reads other features.
pub(in crate::learn) fn boost_on(previous: &Boosted, data: &Training, plan: &Plan) -> Result<Boosted, Fault> {
    rayon::scope(|_| Booster::new(data, plan)?.run_on(Some(previous)))
}

struct Booster<'a> {
    data: &'a Training<'a>,
    plan: &'a Plan,
    bins: Bins,
    codes: Codes,
    objective: Objective<'a>,
    present: Vec<u32>,
    /// The rows to learn from.
    rows: Vec<u32>,
    /// The rows that tell when to stop.
    held: Vec<u32>,
}

/// What grows round by round.
struct State {
    scores: Vec<Vec<f64>>,
    start: Vec<f64>,
    trees: Trees,
    gains: Vec<f64>,
    /// How far answers may be from where they start, at most.
    reach: f64,
    spaces: Mutex<Vec<Space>>,
}

impl<'a> Booster<'a> {
    fn new(data: &'a Training<'a>, plan: &'a Plan) -> Result<Self, Fault> {
        if data.x.rows() >= i32::MAX as usize {
            return Err(Fault::new("too-many-rows", "boosting counts its rows in 31 bits"));
        }
        let present = present(data);
        if data.x.rows().saturating_mul(present.len()) > SCORES {
            let message = format!("{} rows of {} classes are too much for boosting", data.x.rows(), present.len());
            return Err(Fault::new("too-many-classes", message).help("take fewer rows or classes, or `random_forest`"));
        }
        let (rows, held) = hold_out(data, plan.patience);
        let objective = Objective::new(data, plan.loss, &present)?;
        let mut bins = Bins::new(data.x, plan.bins);
        let codes = Codes::new(&bins, &plan.monotone);
        bins.drop_codes();
        Ok(Self { data, plan, bins, codes, objective, present, rows, held })
    }

    fn run(self) -> Result<Boosted, Fault> {
        self.run_on(None)
    }

    fn run_on(self, previous: Option<&Boosted>) -> Result<Boosted, Fault> {
        let (plan, data) = (self.plan, self.data);
        let mut state = self.begin();
        if let Some(previous) = previous {
            self.go_on_from(previous, &mut state)?;
        }
        let kept = state.trees.len() / state.start.len();
        let mut best = (self.loss(&state), 0);
        for round in 0..plan.rounds {
            data.go_on()?;
            let cut = self.round(kept + round, &mut state)?;
            data.watch.progress(round + 1, plan.rounds, "rounds");
            let Some(patience) = plan.patience.filter(|_| !self.held.is_empty()) else {
                // Where nothing can be cut and nothing is drawn, nothing will change either.
                if !cut && plan.sample == 1.0 && plan.features >= self.codes.features.len() {
                    break;
                }
                continue;
            };
            let loss = self.loss(&state);
            if loss < best.0 - patience.tolerance {
                best = (loss, round + 1);
            } else if round + 1 - best.1 >= patience.rounds {
                break;
            }
        }
        if !self.held.is_empty() {
            state.trees.truncate((kept + best.1) * state.start.len());
        }
        let mut found = self.boosted(state)?;
        if let Some(previous) = previous {
            let rounds = (found.rounds() as f64).max(1.0);
            for (share, before) in found.importance.iter_mut().zip(&previous.importance) {
                *share = (*share * (rounds - kept as f64) + before * kept as f64) / rounds;
            }
        }
        Ok(found)
    }

    /// Where boosting begins: every row at one score.
    fn begin(&self) -> State {
        let (start, data) = (self.objective.start(&self.rows), self.data);
        State {
            scores: start.iter().map(|start| vec![*start; data.x.rows()]).collect(),
            start,
            trees: Trees::new((0..data.x.columns()).map(|column| data.x.levels(column)), 1),
            gains: vec![0.0; data.x.columns()],
            reach: 0.0,
            spaces: Mutex::default(),
        }
    }

    /// Begins where another fit has ended: every row at what that says of it.
    fn go_on_from(&self, previous: &Boosted, state: &mut State) -> Result<(), Fault> {
        let heads = state.start.len();
        if (previous.link, &previous.present, previous.start.len()) != (self.link(), &self.present, heads) {
            let message = "the previous model answers something else, or with another loss";
            return Err(Fault::new("no-update", message));
        }
        state.trees.join(&previous.trees)?;
        let x = self.data.x;
        let (unit, shift) = match self.link() {
            Link::Log => (1.0, ln(self.objective.unit)),
            _ => (self.objective.answer_unit(), 0.0),
        };
        let mut rows = vec![0.0; BLOCK * x.columns()];
        for first in (0..x.rows()).step_by(BLOCK) {
            self.data.go_on()?;
            let count = BLOCK.min(x.rows() - first);
            rows.chunks_mut(x.columns()).take(count).enumerate().for_each(|(row, into)| x.row(first + row, into));
            let mut sums: Vec<f64> = (0..count).flat_map(|_| previous.start.iter().copied()).collect();
            for tree in 0..previous.trees.len() {
                previous.trees.add(tree, &rows[..count * x.columns()], &mut sums, heads, tree % heads);
            }
            for (head, scores) in state.scores.iter_mut().enumerate() {
                let sums = sums.iter().skip(head).step_by(heads);
                scores[first..first + count].iter_mut().zip(sums).for_each(|(to, sum)| *to = (sum - shift) / unit);
            }
        }
        let highest = state.scores.iter().flatten().fold(0.0f64, |most, score| most.max(score.abs()));
        state.reach = highest;
        state.start = previous.start.iter().map(|start| (start - shift) / unit).collect();
        Ok(())
    }

    /// What the sums of trees stand for.
    fn link(&self) -> Link {
        match (self.data.y, self.plan.loss) {
            (Target::Classes { .. }, _) => Link::Logit,
            (_, Loss::Poisson) => Link::Log,
            _ => Link::Identity,
        }
    }

    /// The mean loss of the rows held out.
    fn loss(&self, state: &State) -> f64 {
        if self.held.is_empty() { 0.0 } else { self.objective.loss(&state.scores, &self.held) }
    }

    /// One more tree for each head, and whether any of them was cut.
    fn round(&self, round: usize, state: &mut State) -> Result<bool, Fault> {
        let (bag, out) = self.bag(round);
        let ground = Ground {
            bins: &self.bins,
            codes: &self.codes,
            objective: &self.objective,
            limits: &self.plan.limits,
            features: self.plan.features,
        };
        let totals = self.objective.totals(&state.scores);
        let heads = state.scores.len();
        let one = |(head, scores): (usize, &mut Vec<f64>)| {
            let mut space = state.spaces.lock().expect("no thread panics with it").pop().unwrap_or_default();
            self.objective.gradients(head, scores, &totals, &mut space.gradients);
            let chance = Chance::new(self.data.seed, TREES + (round * heads + head) as u64);
            let grown = grow(&ground, &mut space, &bag, scores, chance);
            state.spaces.lock().expect("no thread panics with it").push(space);
            for &row in out.iter().chain(&self.held) {
                scores[row as usize] += grown.answer(&self.codes, row as usize);
            }
            grown
        };
        let grown: Vec<Grown> = state.scores.par_iter_mut().enumerate().map(one).collect();
        for grown in &grown {
            state.trees.push(&grown.tree)?;
            state.reach += grown.largest;
            for (feature, gain) in self.codes.features.iter().zip(&grown.gains) {
                state.gains[feature.column] += gain;
            }
        }
        Ok(grown.iter().any(Grown::is_cut))
    }

    /// The rows that a round learns from, and the others, ascending.
    fn bag(&self, round: usize) -> (std::borrow::Cow<'_, [u32]>, Vec<u32>) {
        if self.plan.sample >= 1.0 {
            return (self.rows.as_slice().into(), Vec::new());
        }
        let mut chance = Chance::new(self.data.seed, BAGS + round as u64);
        let mut wanted = ((self.plan.sample * self.rows.len() as f64) as usize).max(1);
        let (mut bag, mut out) = (Vec::with_capacity(wanted), Vec::new());
        for (nth, &row) in self.rows.iter().enumerate() {
            // Each of those left is as likely (Knuth's selection sampling).
            if chance.below(self.rows.len() - nth) < wanted {
                bag.push(row);
                wanted -= 1;
            } else {
                out.push(row);
            }
        }
        (bag.into(), out)
    }

    /// The estimator, in the answers' own units.
    fn boosted(self, mut state: State) -> Result<Boosted, Fault> {
        let unit = self.objective.answer_unit();
        let link = self.link();
        if link == Link::Log {
            state.start[0] += ln(self.objective.unit);
        }
        state.start.iter_mut().for_each(|start| *start *= unit);
        if !(state.reach + state.start[0].abs()).is_finite() {
            return Err(Fault::new("numbers-too-large", "the target's numbers are too large for boosting")
                .help("scale it first, or say `target_transform: log1p`"));
        }
        to_shares(&mut state.gains);
        let count = match self.data.y {
            Target::Classes { count, .. } => *count,
            Target::Numbers(_) => 1,
        };
        let State { start, trees, gains, .. } = state;
        Ok(Boosted { link, count, present: self.present, start, importance: gains, trees })
    }
}

/// The classes that occur; none for numbers.
fn present(data: &Training) -> Vec<u32> {
    let Target::Classes { codes, count } = data.y else {
        return Vec::new();
    };
    let mut seen = vec![false; *count];
    codes.iter().for_each(|&code| seen[code as usize] = true);
    (0..*count as u32).filter(|&class| seen[class as usize]).collect()
}

/// The rows to learn from and those held out.
fn hold_out(data: &Training, patience: Option<Patience>) -> (Vec<u32>, Vec<u32>) {
    let rows = data.x.rows();
    let Some(patience) = patience else {
        return ((0..rows as u32).collect(), Vec::new());
    };
    let class = |row: usize| match data.y {
        Target::Classes { codes, .. } => codes[row] as usize,
        Target::Numbers(_) => 0,
    };
    cv::hold_out(rows, class, patience.share, Chance::new(data.seed, 0))
}
