//! The trials themselves: proposed in batches, run fold by fold, each fold's scores kept.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use polars::prelude::BooleanChunked;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::event::Event;
use super::super::features;
use super::super::fit::{Silent, Told, learn};
use super::super::judging::{Answers, Reading};
use super::super::reason::KeptTrials;
use super::super::run::Cx;
use super::super::train::model_key;
use super::super::unit::Parts;
use super::VERSION;
use super::stage::Open;
use super::trials::{Status, Trial, Trials};
use crate::data::{Part, Table, unexpected};
use crate::learn::tune::{BATCH, Combination, Method, Tried, WARM_UP, falls_behind, propose, rungs, sample};
use crate::learn::{Direction, Target, Watch, find_metric, metrics};
use crate::plan::{Resource, Train, Tune};
use crate::source::Fault;
use crate::store::{Clock, Key, Record, is_environment, key_alone, key_of};

/// Faults that say nothing of a trial: it was stopped, or rows that were kept are gone.
const PASSING: [&str; 3] = ["interrupted", "lost-object", "not-made"];

/// The fewest rows that the first rung of `halving` learns from.
const FEWEST: f64 = 20.0;

/// A search under way.
pub(super) struct Search<'a> {
    cx: &'a Cx<'a>,
    train: &'a Train,
    tune: &'a Tune,
    stage: &'a Open<'a>,
    told: Option<&'a Told<'a>>,
    /// 1 if more is better, else -1.
    sign: f64,
    /// How many fits were made.
    pub(super) made: AtomicUsize,
    /// How many were kept from before.
    pub(super) kept: AtomicUsize,
}

/// A trial under way.
#[derive(Clone)]
pub(super) struct Running {
    values: Combination,
    share: f64,
    folds: Vec<f64>,
    status: Status,
    error: Option<String>,
    seconds: f64,
    /// A fold of it isn't kept, and is only looked for.
    missing: bool,
}

/// What came of one fold of one trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Outcome {
    /// Every metric of the task that these rows define.
    scores: BTreeMap<String, f64>,
    /// Why there is no model.
    error: Option<String>,
}

/// An outcome, and how many seconds it took to make.
type Timed = (Outcome, f64);

impl Running {
    fn new(values: Combination) -> Self {
        Self { values, share: 1.0, folds: Vec::new(), status: Status::Ok, error: None, seconds: 0.0, missing: false }
    }

    fn fails(&mut self, why: String) {
        self.status = Status::Failed;
        self.error = Some(why);
    }

    fn is_alive(&self) -> bool {
        self.status == Status::Ok && !self.missing
    }

    /// The mean over its folds, more being better.
    fn goodness(&self, sign: f64) -> f64 {
        sign * self.folds.iter().sum::<f64>() / self.folds.len() as f64
    }

    fn signed(&self, sign: f64) -> Vec<f64> {
        self.folds.iter().map(|score| sign * score).collect()
    }

    pub(super) fn tried(&self, sign: f64) -> Tried {
        let score = self.is_alive().then(|| self.goodness(sign));
        Tried { values: self.values.clone(), score }
    }

    fn told(&self, place: usize) -> Trial {
        let count = self.folds.len() as f64;
        let mean = (!self.folds.is_empty()).then(|| self.folds.iter().sum::<f64>() / count);
        let std = mean.map(|mean| (self.folds.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt());
        Trial {
            trial: place + 1,
            values: self.values.clone(),
            status: self.status,
            share: self.share,
            score: mean.filter(|_| self.status != Status::Failed),
            std: std.filter(|_| self.status != Status::Failed && self.folds.len() > 1),
            folds: self.folds.clone(),
            error: self.error.clone(),
        }
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(
        cx: &'a Cx<'a>,
        train: &'a Train,
        tune: &'a Tune,
        stage: &'a Open<'a>,
        told: Option<&'a Told<'a>>,
    ) -> Self {
        let direction = find_metric(tune.metric).map_or(Direction::Higher, |entry| entry.direction);
        let sign = if direction == Direction::Higher { 1.0 } else { -1.0 };
        Self { cx, train, tune, stage, told, sign, made: AtomicUsize::new(0), kept: AtomicUsize::new(0) }
    }

    /// All of it: the trials, and how long each took to make.
    ///
    /// # Errors
    /// If no trial has a score, or the run was interrupted.
    pub(super) fn run(&self) -> Result<(Trials, Vec<f64>), Fault> {
        let trials = if self.tune.method == Method::Halving { self.halving()? } else { self.batches()? };
        let mut best: Option<usize> = None;
        for (place, trial) in trials.iter().enumerate().filter(|(_, trial)| trial.is_alive()) {
            if best.is_none_or(|best| trial.goodness(self.sign) > trials[best].goodness(self.sign)) {
                best = Some(place);
            }
        }
        let Some(best) = best else {
            let why = trials.iter().find_map(|trial| trial.error.as_deref()).unwrap_or("there is none");
            return Err(Fault::new("no-trial", format!("none of {} trials has a score: {why}", trials.len())));
        };
        let importance = super::shares(self.tune, &trials, self.sign, self.cx.plan.seed)?;
        let told = Trials {
            metric: self.tune.metric.to_owned(),
            method: self.tune.method.name().to_owned(),
            using: self.stage.name().to_owned(),
            params: self.tune.space.names().map(str::to_owned).collect(),
            trials: trials.iter().enumerate().map(|(place, trial)| trial.told(place)).collect(),
            best,
            importance,
        };
        Ok((told, trials.iter().map(|trial| trial.seconds).collect()))
    }

    /// How many trials are kept whole, when they are only looked for. What is tried after one that isn't kept may depend on
    /// its score: then the search is followed no further.
    pub(super) fn foreseen(&self) -> Result<KeptTrials, Fault> {
        let trials = if self.tune.method == Method::Halving { self.halving()? } else { self.batches()? };
        let kept = trials.iter().filter(|trial| !trial.missing).count();
        Ok(KeptTrials { kept, of: self.total() })
    }

    fn next(&self, method: Method, tried: &[Tried], most: usize) -> Vec<Running> {
        let Tune { space, trials, .. } = self.tune;
        propose(method, space, self.cx.plan.seed, *trials, tried, most).into_iter().map(Running::new).collect()
    }

    /// Batch by batch. What is tried next, and what is ended early, depends on batches that are done.
    fn batches(&self) -> Result<Vec<Running>, Fault> {
        let prunes = self.tune.prune && self.stage.len() > 1;
        let most = if prunes || self.tune.method == Method::Tpe { BATCH } else { usize::MAX };
        let mut trials: Vec<Running> = Vec::new();
        loop {
            let tried: Vec<Tried> = trials.iter().map(|trial| trial.tried(self.sign)).collect();
            let mut batch = self.next(self.tune.method, &tried, most);
            if batch.is_empty() {
                return Ok(trials);
            }
            let done: Vec<Vec<f64>> =
                trials.iter().filter(|trial| trial.is_alive()).map(|trial| trial.signed(self.sign)).collect();
            for fold in 0..self.stage.len() {
                self.pass(&mut batch, fold)?;
                let more = prunes && done.len() >= WARM_UP && fold + 1 < self.stage.len();
                for trial in batch.iter_mut().filter(|trial| more && trial.is_alive()) {
                    if falls_behind(&trial.signed(self.sign), &done) {
                        trial.status = Status::Pruned;
                    }
                }
            }
            trials.extend(batch);
            if trials.iter().any(|trial| trial.missing) {
                return Ok(trials);
            }
            self.tell(&trials, trials.len());
        }
    }

    /// Tells how many trials are over, and the best of them.
    fn tell(&self, trials: &[Running], over: usize) {
        let Some(told) = self.told else { return };
        told.progress(over, self.total(), "trials");
        let scored = trials.iter().filter(|trial| trial.is_alive()).map(|trial| trial.goodness(self.sign));
        if let Some(best) = scored.max_by(f64::total_cmp) {
            let what = format!("{} {:.4}", self.tune.metric, self.sign * best);
            self.cx.tell(Event::Better { step: told.step.to_owned(), what });
        }
    }

    /// How many trials there will be.
    fn total(&self) -> usize {
        let size = self.tune.space.size().unwrap_or(u64::MAX);
        self.tune.trials.min(usize::try_from(size).unwrap_or(usize::MAX))
    }

    /// Rung by rung: all trials with little, the better ones with more.
    fn halving(&self) -> Result<Vec<Running>, Fault> {
        let mut trials = self.next(Method::Random, &[], usize::MAX);
        let least = match self.tune.resource {
            Resource::Rows => FEWEST / self.stage.fewest().max(1) as f64,
            Resource::HyperParameter { most, .. } => 1.0 / most as f64,
        };
        let all = rungs(trials.len(), least);
        for (nth, rung) in all.iter().enumerate() {
            let mut places: Vec<usize> = (0..trials.len()).filter(|place| trials[*place].is_alive()).collect();
            let mut batch: Vec<Running> = places
                .iter()
                .map(|place| Running { share: rung.share, folds: Vec::new(), ..trials[*place].clone() })
                .collect();
            for fold in 0..self.stage.len() {
                self.pass(&mut batch, fold)?;
            }
            for (place, trial) in places.iter().zip(batch) {
                trials[*place] = trial;
            }
            if trials.iter().any(|trial| trial.missing) {
                break;
            }
            let Some(next) = all.get(nth + 1) else { break };
            places.retain(|place| trials[*place].is_alive());
            // Stable: of equals the earlier one goes on.
            places.sort_by(|a, b| trials[*b].goodness(self.sign).total_cmp(&trials[*a].goodness(self.sign)));
            for place in places.iter().skip(next.trials) {
                trials[*place].status = Status::Pruned;
            }
            let ended = trials.iter().filter(|trial| !trial.is_alive()).count();
            self.tell(&trials, ended);
        }
        self.tell(&trials, trials.len());
        Ok(trials)
    }

    /// One fold of each trial that is alive: what is kept is taken, the rest is made, several at a time.
    fn pass(&self, batch: &mut [Running], fold: usize) -> Result<(), Fault> {
        self.cx.check()?;
        let mut missing = Vec::new();
        for (place, trial) in batch.iter_mut().enumerate().filter(|(_, trial)| trial.is_alive()) {
            let model = match self.tune.checked_at(&trial.values, trial.share) {
                Ok(model) => model,
                Err(faults) => {
                    let why = faults.into_iter().next().map(|fault| fault.message);
                    trial.fails(why.unwrap_or_default());
                    continue;
                }
            };
            let train = self.train.with_model(model);
            let parts = self.key(&train, trial.share, fold);
            match self.look(&key_alone(&parts))? {
                Some((outcome, seconds)) => self.take(trial, fold, outcome, seconds),
                None => missing.push((place, train, parts, trial.share)),
            }
        }
        if self.cx.dry {
            missing.iter().for_each(|(place, ..)| batch[*place].missing = true);
            return Ok(());
        }
        if missing.is_empty() {
            return Ok(());
        }
        // Once for all trials, by this thread alone.
        let ready = self.stage.ready(self.cx, fold)?;
        let made: Vec<(usize, Result<Timed, Fault>)> = missing
            .into_par_iter()
            .map(|(place, train, parts, share)| (place, self.make(&train, ready, share, &parts)))
            .collect();
        for (place, made) in made {
            let (outcome, seconds) = made?;
            self.take(&mut batch[place], fold, outcome, seconds);
        }
        Ok(())
    }

    fn take(&self, trial: &mut Running, fold: usize, outcome: Outcome, seconds: f64) {
        trial.seconds += seconds;
        match (outcome.error, outcome.scores.get(self.tune.metric)) {
            (Some(why), _) => trial.fails(why),
            (None, Some(score)) => trial.folds.push(*score),
            (None, None) => {
                let of = if self.stage.len() == 1 { "these rows".to_owned() } else { format!("fold {}", fold + 1) };
                trial.fails(format!("`{}` has no value on {of}", self.tune.metric));
            }
        }
    }

    /// What a fold of a trial depends on.
    fn key(&self, train: &Train, share: f64, fold: usize) -> Parts {
        let mut parts = Parts::new("trial");
        parts.add("version", VERSION);
        parts.add("stage", self.stage.digest.to_string());
        parts.add("fold", fold);
        model_key(self.cx.plan.seed, train, &mut parts);
        parts.add("features", json!(train.features));
        if self.rows(share) < 1.0 {
            parts.add("rows", share);
            parts.add("seed", self.cx.plan.seed);
        }
        parts.add("metrics", json!(self.names()));
        parts
    }

    /// The share of the rows that a trial with that share of the resource learns from.
    fn rows(&self, share: f64) -> f64 {
        if self.tune.resource == Resource::Rows { share } else { 1.0 }
    }

    /// What is kept of a fold. It is not claimed: two that make it at once make the same.
    fn look(&self, key: &Key) -> Result<Option<Timed>, Fault> {
        if !self.cx.dry {
            self.cx.store.rely_on(&key.0)?;
        }
        let found = self.cx.store.result(key).filter(|_| !self.cx.force);
        let found = found.and_then(|record| Some((Outcome::deserialize(&record.meta).ok()?, record.seconds)));
        if found.is_some() {
            self.cx.piece(*key);
            self.kept.fetch_add(1, Ordering::Relaxed);
        }
        Ok(found)
    }

    fn make(&self, train: &Train, ready: &Table, share: f64, parts: &Parts) -> Result<Timed, Fault> {
        self.cx.check()?;
        let began = Instant::now();
        let outcome = match self.scores(train, ready, self.rows(share)) {
            Ok(scores) => Outcome { scores, error: None },
            // Only what the fit itself says is the trial's outcome: the next run may find a better machine.
            Err(fault) if is_environment(fault.code) || PASSING.contains(&fault.code) => return Err(fault),
            Err(fault) => Outcome { scores: BTreeMap::new(), error: Some(fault.message) },
        };
        // A fit that was told to stop may end as it pleases: what it says is no outcome then.
        self.cx.check()?;
        let seconds = began.elapsed().as_secs_f64();
        let (key, parts) = key_of(parts);
        self.cx.piece(key);
        self.cx.store.keep(&Record {
            key,
            parts,
            outputs: BTreeMap::new(),
            meta: json!(outcome),
            about: BTreeMap::new(),
            pieces: Vec::new(),
            seconds,
            made: Clock::default().text(),
        })?;
        let fits = self.made.fetch_add(1, Ordering::Relaxed) + 1 + self.kept.load(Ordering::Relaxed);
        if let Some(told) = self.told.filter(|_| self.tune.method != Method::Halving) {
            // Trials that end early are counted at the end of their batch.
            told.progress((fits / self.stage.len()).min(self.total()), self.total(), "trials");
        }
        Ok((outcome, seconds))
    }

    /// The scores on a fold's test part of a model of its train part.
    fn scores(&self, train: &Train, ready: &Table, share: f64) -> Result<BTreeMap<String, f64>, Fault> {
        let meaning = &self.stage.meaning;
        let sampled = if share < 1.0 { Some(self.sampled(train, ready, share)?) } else { None };
        let rows = sampled.as_ref().unwrap_or(ready);
        let trained = learn(train, rows, meaning, None, self.cx.plan.seed, &Silent(self.cx))?;
        let test = ready.part(Part::Test).expect("a fold has a test part");
        let truth = features::answers(test, &trained.target, meaning)?;
        let prediction = trained.predict(&features::matrix(test, &trained.features, trained.missing)?)?;
        let answers = Answers::new(truth, prediction, Reading { threshold: None, ..Reading::of(&trained) });
        Ok(answers.sheets()?.defined(&self.names()))
    }

    /// Every metric of the task.
    fn names(&self) -> Vec<&'static str> {
        let task = self.stage.meaning.task;
        metrics().iter().filter(|metric| metric.task == task).map(|metric| metric.name).collect()
    }

    /// A share of the train rows.
    fn sampled(&self, train: &Train, ready: &Table, share: f64) -> Result<Table, Fault> {
        let frame = ready.training();
        let y: Target = features::answers(frame, &train.target.column, &self.stage.meaning)?;
        let mut mask = vec![false; frame.height()];
        for row in sample(&y, share, self.cx.plan.seed) {
            mask[row] = true;
        }
        let rows = frame.filter(&mask.into_iter().map(Some).collect::<BooleanChunked>()).map_err(unexpected)?;
        Ok(Table::of_parts(ready.shape.clone(), vec![(Part::Train, rows)]))
    }
}
