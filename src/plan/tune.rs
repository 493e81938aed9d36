//! A search for hyper-parameters: its metric, what it is judged on, and every value that it may try.

use serde_json::{Map, Value as Json};

use super::cv::{cv, makes};
use super::evaluate::metric;
use super::node::{Cv, Input, Plan, Train};
use super::train::read_model;
use crate::data::Part;
use crate::learn::tune::{Combination, Method, Space};
use crate::learn::{Checked, CheckedModel, ModelEntry, Task, find_model};
use crate::source::{Data, Entry, Fault, Node, Route, Segment};
use crate::spec::{CvSpec, MOST_TRIALS, TrainSpec, TuneSpec, Using as Said};

/// How many trials there are if the file doesn't say.
const TRIALS: usize = 30;
/// How many folds trials are judged on if the file doesn't say.
const FOLDS: usize = 5;
/// How many combinations a value is checked in until one holds.
const CONTEXTS: u64 = 256;

/// A search for hyper-parameters.
pub struct Tune {
    /// The model's name in the catalogue.
    pub model: &'static str,
    /// What is to be best.
    pub metric: &'static str,
    /// How the space is searched.
    pub method: Method,
    /// How many combinations are tried at most.
    pub trials: usize,
    /// What trials are judged on.
    pub using: Using,
    /// Whether trials that are clearly behind are ended before their last fold.
    pub prune: bool,
    /// What `halving` gives less of at first.
    pub resource: Resource,
    /// What hyper-parameters may be.
    pub space: Space,
    /// Those that stay the same.
    pub fixed: Map<String, Json>,
}

/// What trials are judged on.
#[derive(Clone, Debug, PartialEq)]
pub enum Using {
    /// The validation part.
    Validation,
    /// Folds of the train rows.
    Folds(Cv),
    /// The validation part, if the column that splits the rows makes one; else folds.
    Either(Cv),
}

/// What `halving` gives less of at first.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// Train rows.
    Rows,
    /// A hyper-parameter.
    HyperParameter {
        /// Its name.
        name: String,
        /// Its value in the end.
        most: u64,
    },
}

impl Tune {
    /// The hyper-parameters of a combination, with those that stay the same.
    pub fn params(&self, values: &[Json]) -> Map<String, Json> {
        let mut params = self.fixed.clone();
        params.extend(self.space.named(values));
        params
    }

    /// The model with a combination, or why there is none.
    pub fn checked(&self, values: &[Json]) -> Checked {
        self.with(self.params(values))
    }

    /// The model with a combination and `share` of the resource.
    pub fn checked_at(&self, values: &[Json], share: f64) -> Checked {
        let mut params = self.params(values);
        if let Resource::HyperParameter { name, most } = &self.resource {
            params.insert(name.clone(), Json::from(((*most as f64 * share).round() as u64).max(1)));
        }
        self.with(params)
    }

    fn with(&self, params: Map<String, Json>) -> Checked {
        let entry = find_model(self.model).expect("the plan found it");
        (entry.check)(Json::Object(params))
    }
}

impl Train {
    /// The same with other hyper-parameters, which are no longer searched.
    #[must_use]
    pub fn with_model(&self, model: Box<dyn CheckedModel>) -> Self {
        Self {
            input: self.input,
            model_name: self.model_name,
            model,
            target: self.target.clone(),
            task: self.task,
            features: self.features.clone(),
            weights: self.weights.clone(),
            cv: self.cv.clone(),
            decision: self.decision,
            ensemble: None,
            brought: None,
            update: None,
            tune: None,
        }
    }
}

/// Where a search stands.
pub(super) struct Place<'a> {
    pub(super) spec: &'a TrainSpec,
    pub(super) input: Input,
    pub(super) task: Option<Task>,
    pub(super) plan: &'a Plan,
}

/// Checks a search, and gives it with the model of a combination that holds. Faults have their routes from the step.
pub(super) fn tune(
    place: &Place,
    entry: &'static ModelEntry,
    faults: &mut Vec<Fault>,
) -> Option<(Tune, Box<dyn CheckedModel>)> {
    let spec = place.spec.tune.as_ref()?;
    let before = faults.len();
    let at = |fault: Fault| fault.within("tune");
    let metric = metric(&spec.metric, place.task).map_err(|fault| faults.push(at(fault.within("metric")))).ok();
    let using = using(place, spec, faults);
    let model = combinations(place.spec, spec, entry, faults);
    let trials = trials(spec).map_err(|fault| faults.push(at(fault))).ok();
    let (model, using) = (model?, using?);
    let resource = resource(spec, model.canonical(), entry).map_err(|fault| faults.push(at(fault.within("resource"))));
    let fixed = place.spec.with.iter().flat_map(Node::entries);
    let tune = Tune {
        model: entry.name,
        metric: metric?,
        method: spec.method,
        trials: trials?,
        using,
        prune: spec.prune,
        resource: resource.ok()?,
        space: spec.space.clone(),
        fixed: fixed.map(|entry| (entry.key.clone(), entry.value.to_json())).collect(),
    };
    (faults.len() == before).then_some((tune, model))
}

fn using(place: &Place, spec: &TuneSpec, faults: &mut Vec<Fault>) -> Option<Using> {
    let Place { plan, input, .. } = place;
    let found = match &spec.using {
        Some(Said::Folds(folds)) => {
            let mut found = Vec::new();
            let folds = cv(folds, *input, plan, &mut found);
            faults.extend(found.into_iter().map(|fault| fault.within("using").within("tune")));
            return Some(Using::Folds(folds));
        }
        said => said,
    };
    // Their columns are checked where they are said.
    let none = CvSpec { folds: FOLDS, time: None, group: None };
    let folds = cv(place.spec.cv.as_ref().unwrap_or(&none), *input, plan, &mut Vec::new());
    let made = makes(plan, *input, Part::Validation);
    match (found, made) {
        (Some(Said::Cv), _) => Some(Using::Folds(folds)),
        (Some(_), Some(true)) => Some(Using::Validation),
        (Some(_), made) => {
            let why = if made.is_none() { "nothing splits the rows" } else { "the split doesn't make one" };
            let fault = Fault::new("no-part", format!("there is no validation part to judge trials on: {why}"));
            let help = "write `split: {test: 0.2, validation: 0.1}`, or `using: cv`";
            faults.push(fault.help(help).within("using").within("tune"));
            None
        }
        (None, Some(true)) => Some(Using::Either(folds)),
        (None, _) => Some(Using::Folds(folds)),
    }
}

/// How many trials there are at most.
fn trials(spec: &TuneSpec) -> Result<usize, Fault> {
    if spec.method != Method::Grid {
        return Ok(spec.trials.unwrap_or(TRIALS));
    }
    for (name, dimension) in &spec.space.0 {
        if dimension.size().is_none() {
            let fault =
                Fault::new("bad-tune", format!("a grid needs values, and `{name}` may be any number of a range"));
            let help = "list the values, give the range a `step`, or use `method: random`";
            return Err(fault.help(help).within(name).within("search"));
        }
    }
    let size = spec.space.size().unwrap_or(u64::MAX);
    if size > MOST_TRIALS as u64 {
        let fault = Fault::new("bad-tune", format!("the grid has {size} combinations, and {MOST_TRIALS} is the most"));
        return Err(fault.help("search fewer values, or use `method: random`").within("search"));
    }
    match spec.trials {
        Some(trials) if size > trials as u64 => {
            let message = format!("the grid has {size} combinations, and `trials` allows {trials}");
            let help = "leave `trials` out, search fewer values, or use `method: random`";
            Err(Fault::new("bad-tune", message).help(help).within("trials"))
        }
        _ => Ok(size as usize),
    }
}

fn resource(spec: &TuneSpec, canonical: Json, entry: &ModelEntry) -> Result<Resource, Fault> {
    let Some(name) = spec.resource.as_deref().filter(|name| *name != "rows") else {
        return Ok(Resource::Rows);
    };
    if spec.space.0.contains_key(name) {
        return Err(Fault::new("bad-tune", format!("`{name}` can't be searched and be the resource")));
    }
    match canonical[name].as_u64() {
        Some(most) if most > 1 => Ok(Resource::HyperParameter { name: name.to_owned(), most }),
        _ => {
            let fault = Fault::new(
                "bad-tune",
                format!("`{name}` is no hyper-parameter of `{}` that counts something", entry.name),
            );
            Err(fault.help("write `rows`, or one like `n_estimators` or `max_iter`, whose most `with` says"))
        }
    }
}

/// Checks every value that may be tried: each listed one and the ends of ranges. A value holds if it does so beside some
/// values of the others, as two hyper-parameters may exclude each other. Gives the model of a combination that holds.
fn combinations(
    spec: &TrainSpec,
    tune: &TuneSpec,
    entry: &ModelEntry,
    faults: &mut Vec<Fault>,
) -> Option<Box<dyn CheckedModel>> {
    let before = faults.len();
    let fixed: Vec<&Entry> = spec.with.iter().flat_map(Node::entries).collect();
    for both in fixed.iter().filter(|fixed| tune.space.0.contains_key(&fixed.key)) {
        let fault = Fault::new("bad-tune", format!("`{}` is fixed in `with`, and searched here", both.key));
        let fault = fault.help("take it out of one of the two").on_key();
        faults.push(fault.within(&both.key).within("search").within("tune"));
    }
    if faults.len() > before {
        return None;
    }
    let ends: Vec<(&str, Vec<Json>)> = tune.space.0.iter().map(|(name, found)| (name.as_str(), found.ends())).collect();
    let read = |values: &[Json]| {
        let mut entries: Vec<Entry> = fixed.iter().map(|entry| (*entry).clone()).collect();
        entries.extend(ends.iter().zip(values).map(|((name, _), value)| made(name, value)));
        read_model(entry, &Node::made(Data::Map(entries), 0..0))
    };
    let mut model = None;
    let mut told: Vec<Fault> = Vec::new();
    for (place, (_, values)) in ends.iter().enumerate() {
        for (index, value) in values.iter().enumerate() {
            let mut first = None;
            let holds = contexts(&ends, place, value).find_map(|values| match read(&values) {
                Ok(model) => Some(model),
                Err(found) => {
                    first.get_or_insert(found);
                    None
                }
            });
            match holds {
                Some(found) => drop(model.get_or_insert(found)),
                None => told.extend(first.into_iter().flatten().filter_map(|fault| placed(fault, tune, place, index))),
            }
        }
    }
    for fault in told {
        if !faults[before..].iter().any(|other| other.route == fault.route && other.message == fault.message) {
            faults.push(fault);
        }
    }
    if model.is_none() && faults.len() == before {
        faults.push(Fault::new("bad-tune", "no combination of these values holds").within("search").within("tune"));
    }
    model.filter(|_| faults.len() == before)
}

/// A hyper-parameter as if it were written in `with`.
fn made(name: &str, value: &Json) -> Entry {
    Entry { key: name.to_owned(), key_span: 0..0, value: Node::from_json(value, &(0..0)) }
}

/// Combinations with `value` at `place`: beside the first values of the others, then beside more of theirs.
fn contexts<'a>(
    ends: &'a [(&str, Vec<Json>)],
    place: usize,
    value: &'a Json,
) -> impl Iterator<Item = Combination> + 'a {
    let sizes =
        ends.iter().enumerate().map(move |(nth, (_, values))| if nth == place { 1 } else { values.len() as u64 });
    let all: Vec<u64> = sizes.collect();
    let count = all.iter().fold(1u64, |count, size| count.saturating_mul(*size));
    // Strides through all of them where there are too many.
    let stride = (count / CONTEXTS).max(1);
    (0..count.min(CONTEXTS)).map(move |nth| {
        let mut left = nth * stride;
        let one = |(nth, (_, values)): (usize, &(&str, Vec<Json>))| {
            if nth == place {
                return value.clone();
            }
            let at = left % all[nth];
            left /= all[nth];
            values[at as usize].clone()
        };
        ends.iter().enumerate().map(one).collect()
    })
}

/// A fault of the model at what it is about: a value of the search, or `with`. None if it is about another value of the
/// search, whose turn comes.
fn placed(fault: Fault, tune: &TuneSpec, place: usize, index: usize) -> Option<Fault> {
    let name = tune.space.names().nth(place).expect("it has a place");
    let Some(Segment::Key(key)) = fault.route.segments().first().cloned() else {
        return Some(fault.within("with"));
    };
    if !tune.space.0.contains_key(&key) {
        return Some(fault.within("with"));
    }
    if key != name {
        return None;
    }
    let search = Route::of(["tune", "search", name]);
    if fault.code == "unknown-key" {
        return Some(Fault { route: search, ..fault });
    }
    let written = tune.search.get(name)?;
    let (route, kind) = match &written.data {
        Data::Map(entries) => {
            let kind = entries.iter().find(|entry| entry.key != "step")?.key.as_str();
            (search.key(kind).index(index), kind)
        }
        _ => (search.index(index), ""),
    };
    let help = match (fault.code, kind) {
        ("wrong-type", "log") => Some("`log_int` gives whole numbers".to_owned()),
        ("wrong-type", "float") => Some("`int` gives whole numbers".to_owned()),
        _ => None,
    };
    Some(Fault { route, at: crate::source::At::Value, ..fault }.maybe_help(help))
}
