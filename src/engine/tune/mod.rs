//! Tuning: hyper-parameters are searched before the model is learned, and the trials are kept.
//!
//! Every trial's fold is kept by itself, as soon as it is scored. So a run that was killed repeats none, and a search that
//! is made wider tries only what is new. The test part is never read.

mod search;
mod stage;
mod trials;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};

use super::event::Event;
use super::fit::Told;
use super::ground::FoldDraw;
use super::reason::{KeptTrials, Reason, of_fault, would_run};
use super::run::Cx;
use super::status::WOULD_RUN;
use super::train::model_key;
use super::unit::{Made, Parts, label, unit};
use crate::data::{Part, Table};
use crate::learn::CheckedModel;
use crate::learn::tune::importance;
use crate::plan::{OpNode, Resource, Step, Train, Tune, Using};
use crate::source::{Fault, Segment};
use crate::store::{Digest, key_of};
use search::Search;
use stage::Stage;

pub use trials::{Status, Trial, Trials};

use super::features::Meaning;
use super::table;

/// A search that is done.
pub(super) struct Kept {
    /// The object with the trials.
    pub(super) digest: Digest,
    /// How long each trial took to make, in seconds.
    pub(super) seconds: Vec<f64>,
    /// The winner's values.
    values: Vec<Json>,
    /// The winner, as it is told.
    pub(super) best: Json,
    /// In words: "best of 30 trials: f1 0.9312".
    pub(super) summary: String,
    pub(super) ran: Option<String>,
}

impl Kept {
    /// The train step with the winner's hyper-parameters.
    pub(super) fn winner(&self, train: &Train, tune: &Tune) -> Result<Train, Fault> {
        Ok(train.with_model(checked(tune, &self.values)?))
    }
}

/// Whether trials are judged on folds of the train rows.
pub(super) fn folds(cx: &Cx, train: &Train, tune: &Tune) -> Result<Option<FoldDraw>, Fault> {
    let rule = match &tune.using {
        Using::Validation => return Ok(None),
        Using::Folds(rule) => rule,
        Using::Either(rule) => {
            if table::meta(cx, train.input)?.part(Part::Validation).is_some_and(|meta| meta.rows > 0) {
                return Ok(None);
            }
            rule
        }
    };
    Ok(Some(FoldDraw::by(cx.plan, train, rule)))
}

/// Searches the hyper-parameters of a train step.
pub(super) fn run(cx: &Cx, step: &Step, train: &Train, tune: &Tune) -> Result<Kept, Fault> {
    let stage = match folds(cx, train, tune)? {
        Some(draw) => Stage::folds(cx, train, draw)?,
        None => Stage::validation(cx, train)?,
    };
    let mut parts = Parts::new("tune");
    parts.0.extend(stage.parts().0.iter().skip(1).cloned());
    describe(cx.plan.seed, train, tune, &mut parts);
    let done = unit(cx, &label(&cx.plan.name, &step.name, "tune"), &parts, || {
        let told = Told { cx, step: &step.name };
        let stage = stage.open(cx, train)?;
        let search = Search::new(cx, train, tune, &stage, Some(&told));
        let (trials, seconds) = search.run()?;
        warn_of_failed(cx, step, &trials);
        let [fits, kept] = [&search.made, &search.kept].map(|count| count.load(Ordering::Relaxed));
        let made = json!({"trials": trials.trials.len(), "fits": fits, "kept": kept, "seconds": seconds});
        let digest = cx.store.put(&crate::store::canonical(&json!(trials)))?;
        Ok(Made::new(BTreeMap::from([("trials".to_owned(), digest)]), made))
    })
    .map_err(|fault| foretold(fault, || foreseen(cx, train, tune, &stage)))
    .map_err(placed)?;
    let digest = done.output("trials")?;
    let trials = Trials::from_bytes(&table::object(&cx.store, &digest)?)?;
    let seconds = done.record.meta["seconds"].as_array();
    let seconds = seconds.map(|all| all.iter().filter_map(Json::as_f64).collect()).unwrap_or_default();
    let count = |name: &str| done.record.meta[name].as_u64().unwrap_or_default();
    let mut best = trials.best_json();
    best["fits"] = json!({"made": count("fits"), "kept": count("kept")});
    Ok(Kept { digest, seconds, values: trials.best().values.clone(), best, summary: trials.summary(), ran: done.ran })
}

/// How many trials are kept of a search that would run.
fn foreseen(cx: &Cx, train: &Train, tune: &Tune, stage: &Stage) -> Result<KeptTrials, Fault> {
    let stage = stage.open(cx, train)?;
    Search::new(cx, train, tune, &stage, None).foreseen()
}

/// The fault that stands for "this would run", with how many trials are kept; another fault stays as it is.
fn foretold(fault: Fault, trials: impl FnOnce() -> Result<KeptTrials, Fault>) -> Fault {
    if fault.code != WOULD_RUN {
        return fault;
    }
    // What keeps trials from being counted is told when they are made.
    let trials = trials().ok().filter(|trials| trials.kept > 0);
    would_run(Reason { trials, ..of_fault(fault) })
}

/// Where the parts of a key begin that say what is searched, and how.
pub(super) const OWN: [&str; 13] = [
    "format",
    "model",
    "version",
    "with",
    "seed",
    "target",
    "positive",
    "task",
    "weights",
    "target_transform",
    "features",
    "tune",
    "search",
];

/// The parts of a key that say what is searched, and how.
pub(super) fn describe(seed: u64, train: &Train, tune: &Tune, parts: &mut Parts) {
    let mut model = Parts::default();
    model_key(seed, train, &mut model);
    // What of it is searched is no part of it.
    parts.0.extend(model.0.into_iter().filter(|(path, _)| path != "with" && path != "seed"));
    parts.add("with", Json::Object(tune.fixed.clone()));
    parts.add("features", json!(train.features));
    parts.add("seed", seed);
    search_key(tune, parts);
}

/// The same inside the folds of a cross-validation, whose key says the rest.
pub(super) fn nested_key(cx: &Cx, train: &Train, tune: &Tune, parts: &mut Parts) -> Result<(), Fault> {
    search_key(tune, parts);
    parts.add("tune.with", Json::Object(tune.fixed.clone()));
    if let Some(draw) = folds(cx, train, tune)? {
        draw.describe_as("tune.using", parts);
    }
    Ok(())
}

/// Raised when the same search would try other values, or score them otherwise.
const VERSION: u32 = 2;

fn search_key(tune: &Tune, parts: &mut Parts) {
    parts.add("tune.version", VERSION);
    parts.add("tune.metric", tune.metric);
    parts.add("tune.method", tune.method.name());
    parts.add("tune.trials", tune.trials);
    parts.add("tune.prune", tune.prune);
    if let Resource::HyperParameter { name, .. } = &tune.resource {
        parts.add("tune.resource", name.clone());
    }
    parts.add("search", json!(tune.space));
}

/// The train step with the hyper-parameters that a search on these rows alone finds: what a fold of a cross-validation
/// learns, so that its score owes nothing to the rows it is judged on.
pub(super) fn inside(
    cx: &Cx,
    train: &Train,
    (tune, draw): (&Tune, &FoldDraw),
    rows: Table,
    after: &[&OpNode],
    meaning: &Meaning,
) -> Result<Train, Fault> {
    let stage = Stage::inside(cx, train, draw.clone(), rows, after, meaning)?;
    let (trials, _) = Search::new(cx, train, tune, &stage, None).run()?;
    Ok(train.with_model(checked(tune, &trials.best().values)?))
}

fn checked(tune: &Tune, values: &[Json]) -> Result<Box<dyn CheckedModel>, Fault> {
    tune.checked(values).map_err(|faults| faults.into_iter().next().unwrap_or_default().within("with"))
}

/// A fault of a search at its place; those of ops and sources know theirs.
fn placed(fault: Fault) -> Fault {
    match fault.route.segments().first() {
        Some(Segment::Key(key)) if key == "steps" || key == "sources" => fault,
        Some(Segment::Key(key)) if key == "time" || key == "group" => fault.within("using").within("tune"),
        _ => fault.within("tune"),
    }
}

/// Trials that failed are told; they end nothing.
fn warn_of_failed(cx: &Cx, step: &Step, trials: &Trials) {
    let failed: Vec<&Trial> = trials.trials.iter().filter(|trial| trial.status == Status::Failed).collect();
    let Some(first) = failed.first() else { return };
    let why = first.error.as_deref().unwrap_or("it gave no score");
    let message = format!("{} of {} trials failed; trial {}: {why}", failed.len(), trials.trials.len(), first.trial);
    let fault = Fault::warning("failed-trials", message).within("search").within("tune").under(&step.route());
    cx.tell(Event::Warning { step: step.name.clone(), fault });
}

/// One digest for parts of a key.
fn digest_of(parts: &Parts) -> Digest {
    key_of(parts).0.0
}

/// Each hyper-parameter's share in the score, if there are enough trials to tell.
fn shares(
    tune: &Tune,
    trials: &[search::Running],
    sign: f64,
    seed: u64,
) -> Result<Option<BTreeMap<String, f64>>, Fault> {
    let tried: Vec<_> = trials.iter().map(|trial| trial.tried(sign)).collect();
    importance(&tune.space, &tried, seed)
}
