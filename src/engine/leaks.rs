//! What of the judged rows a model may have known before, told by the rows: features that are the target, rows that stand in
//! two parts, and groups and times that a split by a column tears apart.

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::Event;
use super::features;
use super::judging::Candidate;
use super::outcome::PartMeta;
use super::run::Cx;
use super::table;
use super::unit::{Made, Parts, label, unit};
use crate::data::{Part, stats, unexpected};
use crate::learn::{tells_alone, twins};
use crate::plan::{Evaluate, Step};
use crate::source::{Fault, Severity, list};

/// Raised when other leaks are found in the same rows.
const FORMAT: u32 = 2;
/// The least share of repeated rows that is told: a few may be chance.
const REPEATED: f64 = 0.01;

/// What was found. `model` is the model's place among those that are judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "leak", rename_all = "snake_case")]
pub enum Leak {
    /// Features that alone tell the target almost perfectly.
    Target {
        /// The model that reads them.
        model: usize,
        /// The features.
        columns: Vec<String>,
        /// The target.
        target: String,
    },
    /// Judged rows that stand among the train rows too, by all features and the target.
    Duplicates {
        /// The model that reads them.
        model: usize,
        /// How many.
        rows: usize,
        /// Of how many.
        of: usize,
    },
    /// Judged rows of groups that train rows are of too.
    Group {
        /// The model.
        model: usize,
        /// The column.
        column: String,
        /// How many rows.
        rows: usize,
        /// Of how many.
        of: usize,
    },
    /// Judged rows that are earlier than the latest train row.
    Time {
        /// The model.
        model: usize,
        /// The column.
        column: String,
        /// How many rows.
        rows: usize,
        /// Of how many.
        of: usize,
    },
}

impl Leak {
    /// The model's place among those that are judged.
    pub fn model(&self) -> usize {
        match self {
            Leak::Target { model, .. }
            | Leak::Duplicates { model, .. }
            | Leak::Group { model, .. }
            | Leak::Time { model, .. } => *model,
        }
    }

    /// Whether it is of the features that a model reads, and not of the rows alone.
    pub fn is_of_features(&self) -> bool {
        matches!(self, Leak::Target { .. } | Leak::Duplicates { .. })
    }

    /// The same of another model that reads the same.
    fn of(&self, other: usize) -> Self {
        let mut leak = self.clone();
        match &mut leak {
            Leak::Target { model, .. }
            | Leak::Duplicates { model, .. }
            | Leak::Group { model, .. }
            | Leak::Time { model, .. } => *model = other,
        }
        leak
    }

    /// What it is, in words.
    pub fn words(&self) -> String {
        match self {
            Leak::Target { columns, target, .. } => {
                let (verb, each) = if columns.len() == 1 { ("tells", "") } else { ("tell", ", each alone,") };
                format!("{} {verb}{each} `{target}` almost perfectly", list(columns.iter().map(String::as_str)))
            }
            Leak::Duplicates { rows, of, .. } => {
                format!(
                    "{rows} of the {of} judged rows stand among the train rows too, by every feature and the target"
                )
            }
            Leak::Group { column, rows, of, .. } => {
                format!("{rows} of the {of} judged rows are of a `{column}` that train rows are of too")
            }
            Leak::Time { column, rows, of, .. } => {
                format!("{rows} of the {of} judged rows are earlier, by `{column}`, than the latest train row")
            }
        }
    }

    /// At its place: the model that reads a feature, else the split.
    fn fault(&self, cx: &Cx, evaluate: &Evaluate, candidates: &[Candidate]) -> Fault {
        let model = &cx.plan.steps[evaluate.models[self.model()]];
        let split = cx.plan.split_of(candidates[self.model()].train.input);
        let split = split.map_or_else(|| model.route(), |split| split.route.clone());
        let (code, help, route) = match self {
            Leak::Target { columns, .. } => {
                let help = format!(
                    "if that isn't known when a model is asked, leave it out: `features: {{except: [{}]}}`",
                    columns.join(", ")
                );
                ("leak-target", help, model.route())
            }
            Leak::Duplicates { .. } => ("leak-duplicates", "put `drop_duplicates` before the split".to_owned(), split),
            Leak::Group { column, .. } => {
                ("leak-group", format!("split by it: `split: {{test: 0.25, group: {column}}}`"), split)
            }
            Leak::Time { column, .. } => {
                ("leak-time", format!("judge on the latest rows: `split: {{test: 0.25, time: {column}}}`"), split)
            }
        };
        Fault::warning(code, self.words()).help(help).on_key().under(&route)
    }
}

/// What is found in the rows of the models that are judged, kept by what those rows are, and why it was looked for, if it was
/// not kept.
pub(super) fn find(
    cx: &Cx,
    step: &Step,
    evaluate: &Evaluate,
    candidates: &[Candidate],
) -> Result<(Vec<Leak>, Option<String>), Fault> {
    // Each with the models that read the same rows: they are told the same, each at its own line.
    let mut looks: Vec<(Look, Vec<usize>)> = Vec::new();
    let mut parts = Parts::new("leaks");
    parts.add("format", FORMAT);
    for (model, candidate) in candidates.iter().enumerate() {
        let look = Look::new(cx, evaluate, candidate, model)?;
        if let Some((_, models)) = looks.iter_mut().find(|(other, _)| other.same(&look)) {
            models.push(model);
            continue;
        }
        look.describe(&mut parts)?;
        looks.push((look, vec![model]));
    }
    let done = unit(cx, &label(&cx.plan.name, &step.name, "leaks"), &parts, || {
        let mut found = Vec::new();
        for (look, _) in &looks {
            look.leaks(cx, &mut found)?;
        }
        Ok(Made::new(Default::default(), json!(found)))
    })?;
    let found = Vec::<Leak>::deserialize(&done.record.meta).map_err(|error| {
        Fault::new("broken-record", "the record of this step can't be read").because(error).help("run with `--force`")
    })?;
    let alike = |leak: &Leak| looks.iter().find(|(_, models)| models[0] == leak.model()).map(|(_, models)| models);
    let each = found.iter().flat_map(|leak| alike(leak).into_iter().flatten().map(|model| leak.of(*model)));
    Ok((each.collect(), done.ran))
}

/// Warns of each that isn't said to be meant, and gives those.
///
/// # Errors
/// Where the run is strict, the first.
pub(super) fn tell(
    cx: &Cx,
    step: &Step,
    evaluate: &Evaluate,
    candidates: &[Candidate],
    mut leaks: Vec<Leak>,
) -> Result<Vec<Leak>, Fault> {
    let mut told = BTreeSet::new();
    leaks.retain(|leak| {
        let fault = leak.fault(cx, evaluate, candidates);
        // What a split tears apart is the same for all models behind it.
        !cx.plan.accepts(&fault) && told.insert((fault.route.to_string(), fault.message))
    });
    leaks.iter().try_for_each(|leak| warn(cx, step, leak.fault(cx, evaluate, candidates)))?;
    Ok(leaks)
}

/// Tells a warning, unless it is said to be meant.
///
/// # Errors
/// Where the run is strict: then it is a mistake.
pub(super) fn warn(cx: &Cx, step: &Step, fault: Fault) -> Result<(), Fault> {
    if cx.plan.accepts(&fault) {
        return Ok(());
    }
    if cx.strict {
        return Err(Fault { severity: Severity::Error, ..fault });
    }
    cx.tell(Event::Warning { step: step.name.clone(), fault });
    Ok(())
}

/// What one model reads.
struct Look<'a> {
    candidate: &'a Candidate<'a>,
    model: usize,
    names: Vec<String>,
    train: &'a PartMeta,
    /// The part that it is judged on, if that is one of its own table.
    judged: Option<&'a PartMeta>,
    group: Option<&'a str>,
    time: Option<&'a str>,
}

impl<'a> Look<'a> {
    fn new(cx: &'a Cx, evaluate: &Evaluate, candidate: &'a Candidate<'a>, model: usize) -> Result<Self, Fault> {
        let table = &candidate.table;
        let part = evaluate.on.part().filter(|part| *part != Part::Train);
        // Of a split that is drawn the plan has told what it tears apart.
        let split = cx.plan.split_of(candidate.train.input).map(|split| split.op.canonical());
        let by_column = split.is_some_and(|split| !split["column"].is_null());
        let role = |column: &'a Option<String>| {
            column.as_deref().filter(|column| by_column && table.shape.known(column).is_some())
        };
        Ok(Self {
            candidate,
            model,
            names: features::names(candidate.train, &table.shape)?,
            train: table.training(),
            judged: part.and_then(|part| table.part(part)),
            group: role(&cx.plan.roles.group),
            time: role(&cx.plan.roles.time),
        })
    }

    fn same(&self, other: &Self) -> bool {
        let judged = |look: &Self| look.judged.map(|part| part.digest);
        (&self.names, self.train.digest, judged(self), &self.candidate.train.target.column)
            == (&other.names, other.train.digest, judged(other), &other.candidate.train.target.column)
    }

    fn describe(&self, parts: &mut Parts) -> Result<(), Fault> {
        let shape = &self.candidate.table.shape;
        let model = self.model;
        let target = &self.candidate.train.target;
        parts
            .add(format!("models[{model}].target"), json!([target.column, target.positive, self.candidate.train.task]));
        let columns: BTreeSet<&str> = self
            .names
            .iter()
            .map(String::as_str)
            .chain([target.column.as_str()])
            .chain(self.group)
            .chain(self.time)
            .collect();
        for part in [Some(self.train), self.judged].into_iter().flatten() {
            for name in &columns {
                let digest = table::digest_of(part, name, shape)?;
                parts.add(format!("models[{model}].rows.{}.{name}", part.part), digest.to_string());
            }
        }
        parts.add(format!("models[{model}].roles"), json!([self.group, self.time]));
        Ok(())
    }

    fn leaks(&self, cx: &Cx, found: &mut Vec<Leak>) -> Result<(), Fault> {
        let train = self.candidate.train;
        let target = &train.target.column;
        let frame = table::frame(cx, self.train)?;
        let inputs = features::inputs(&frame, &self.names)?;
        let meaning = features::meaning(train, &frame, &self.candidate.table.shape)?;
        let x = features::matrix(&frame, &inputs, true)?;
        let y = features::answers(&frame, target, &meaning)?;
        let alone = |column: &usize| tells_alone(x.column(*column), x.levels(*column).is_some(), &y);
        let columns: Vec<String> = (0..x.columns()).filter(alone).map(|column| self.names[column].clone()).collect();
        let model = self.model;
        if !columns.is_empty() {
            found.push(Leak::Target { model, columns, target: target.clone() });
        }
        let Some(part) = self.judged else { return Ok(()) };
        let judged = table::frame(cx, part)?;
        let of = judged.height();
        let (other_x, other_y) =
            (features::matrix(&judged, &inputs, true)?, features::answers(&judged, target, &meaning)?);
        let rows = twins((&x, &y), (&other_x, &other_y)).unwrap_or_default();
        if rows > 1 && rows as f64 >= REPEATED * of as f64 {
            found.push(Leak::Duplicates { model, rows, of });
        }
        if let Some(column) = self.group {
            let values =
                |frame: &polars::prelude::DataFrame| frame.column(column).map(stats::value_counts).map_err(unexpected);
            let known: HashSet<String> = values(&frame)?.into_iter().map(|(value, _)| value.to_string()).collect();
            let both = values(&judged)?.into_iter().filter(|(value, _)| known.contains(&value.to_string()));
            let rows = both.map(|(_, rows)| rows).sum();
            if rows > 0 {
                found.push(Leak::Group { model, column: column.to_owned(), rows, of });
            }
        }
        if let Some(column) = self.time {
            let range =
                |frame: &polars::prelude::DataFrame| frame.column(column).map(stats::numbers).map_err(unexpected);
            let latest = range(&frame)?.into_iter().fold(f64::NEG_INFINITY, f64::max);
            let rows = range(&judged)?.into_iter().filter(|time| *time < latest).count();
            if rows > 0 {
                found.push(Leak::Time { model, column: column.to_owned(), rows, of });
            }
        }
        Ok(())
    }
}
