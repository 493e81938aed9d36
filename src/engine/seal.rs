//! Sealing: the recipes from the raw record to the model, joined, pruned, and put beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use polars::prelude::{BooleanChunked, DataFrame, IdxCa, NamedFrom};
use serde_json::json;

use super::key;
use super::raw::raw;
use super::run::Cx;
use super::sources::Identity;
use super::table;
use super::unit::{Done, Made, Parts, label, unit};
use crate::data::{Value, positions, unexpected, value_at};
use crate::plan::{Input, OpNode, Step, StepKind, Train};
use crate::recipe::{RowStep, prune};
use crate::seal::{FORMAT, InputField, Sample, Sealed, Trained, reference};
use crate::source::Fault;
use crate::store::Digest;

/// How many train rows are recorded with their answers, evenly spread: they are replayed when the model is loaded, and
/// stand for what isn't known of a record where an explanation is sampled.
const SAMPLES: usize = 32;

/// Seals the model of a train step.
pub(super) fn run(cx: &Cx, step: &Step, model: usize) -> Result<Done, Fault> {
    let StepKind::Train(train) = &cx.plan.steps[model].kind else {
        unreachable!("the plan lets only train steps stand here");
    };
    let digest = cx.done(model).outputs["model"];
    let way = Way::of(cx, train)?;
    let recipes: Vec<Digest> =
        way.steps.iter().flat_map(|step| cx.done(*step).segments()).map(|segment| segment.recipe).collect();
    let meta = table::meta(cx, train.input)?;
    let mut parts = Parts::new("seal");
    parts.add("format", FORMAT);
    parts.add("model", digest.to_string());
    for (nth, recipe) in recipes.iter().enumerate() {
        parts.add(format!("recipe[{nth}]"), recipe.to_string());
    }
    way.describe(cx, &mut parts)?;
    parts.add("rows.train.__row", table::digest_of(meta.training(), table::POSITIONS, &meta.shape)?.to_string());
    unit(cx, &label(&cx.plan.name, &step.name, "seal"), &parts, || {
        let trained = Trained::from_bytes(&table::object(&cx.store, &digest)?)?;
        let mut whole: Vec<RowStep> = Vec::new();
        for recipe in &recipes {
            whole.extend(table::recipe(&cx.store, recipe)?);
        }
        let training = table::frame(cx, meta.training())?;
        let sealed = seal(cx, &way, trained, &whole, &training)?;
        let digest = cx.store.put(&sealed.to_bytes())?;
        let inputs: Vec<&str> = sealed.signature.iter().map(|field| field.name.as_str()).collect();
        Ok(Made::new(BTreeMap::from([("sealed".to_owned(), digest)]), json!({"inputs": inputs})))
    })
}

/// The source and the steps that lead to a model.
pub(super) struct Way {
    input: Input,
    source: usize,
    steps: Vec<usize>,
    identity: Identity,
}

impl Way {
    pub(super) fn of(cx: &Cx, train: &Train) -> Result<Self, Fault> {
        let (source, steps) = cx.plan.chain(train.input);
        Ok(Self { input: train.input, source, steps, identity: cx.identity(source)? })
    }

    /// The parts of a key that say what a request looks like.
    pub(super) fn describe(&self, cx: &Cx, parts: &mut Parts) -> Result<(), Fault> {
        let name = &cx.plan.sources[self.source].spec.name;
        parts.add(format!("source.{name}"), self.identity.bytes.to_string());
        parts.add("reading", self.identity.reading.clone());
        parts.add("unasked", json!(cx.plan.unasked));
        parts.add("samples", SAMPLES);
        let ops: Vec<&OpNode> =
            self.steps.iter().flat_map(|step| &cx.plan.table(*step).expect("a table").ops).collect();
        key::others(parts, &ops, cx)
    }
}

fn versions(cx: &Cx, steps: &[usize]) -> BTreeMap<String, u32> {
    let ops = steps.iter().flat_map(|step| &cx.plan.table(*step).expect("a table").ops);
    ops.map(|node| (node.op.name().to_owned(), node.op.version())).collect()
}

/// Seals a model with the row steps that lead to its features. `training` are the rows that it learned from.
pub(super) fn seal(
    cx: &Cx,
    way: &Way,
    mut trained: Trained,
    whole: &[RowStep],
    training: &DataFrame,
) -> Result<Sealed, Fault> {
    trained.estimator = trained.estimator.settled();
    let (source, raw) = (way.source, raw(cx, way.input)?);
    let ops = versions(cx, &way.steps);
    let needed: BTreeSet<String> = trained.features.iter().map(|feature| feature.name.clone()).collect();
    let pruned = prune(whole, &needed, &cx.plan.unasked);
    let contract = cx.plan.sources[source].contract.as_ref();
    let mut signature = Vec::new();
    for field in raw.shape.fields.iter().filter(|field| pruned.inputs.contains(&field.name)) {
        // What the source's contract says is of its own columns.
        let own = cx.plan.sources[source].shape.as_ref().is_none_or(|shape| shape.known(&field.name).is_some());
        let rule = contract.filter(|_| own).and_then(|contract| contract.firm(&field.name));
        signature.push(InputField::new(
            &field.name,
            field.kind,
            rule.as_ref(),
            &cx.plan.sources[source].spec.reading.missing,
        ));
    }
    let (rows, _) = raw_rows(raw.training(), &once(training)?)?;
    let mut columns = Vec::new();
    for field in &signature {
        columns.push(rows.column(&field.name).map_err(unexpected)?);
    }
    let reference = columns.iter().zip(&signature).map(|(column, field)| reference(column, field.kind)).collect();
    let count = rows.height().min(SAMPLES);
    let records: Vec<Vec<Value>> = (0..count)
        .map(|nth| nth * rows.height() / count)
        .map(|row| columns.iter().map(|column| value_at(column, row)).collect())
        .collect();
    let mut sealed =
        Sealed { format: FORMAT, ops, signature, steps: pruned.steps, trained, reference, samples: Vec::new() };
    let predictor = Sealed::open(&sealed.to_bytes())?;
    sealed.samples = records.into_iter().map(|record| Sample { outcome: predictor.answer(&record), record }).collect();
    Ok(sealed)
}

/// The rows of a part without copies: a row that is repeated tells no more of what rows look like.
fn once(part: &DataFrame) -> Result<DataFrame, Fault> {
    let mut seen = HashSet::new();
    let first: BooleanChunked = positions(part)?.iter().map(|position| Some(seen.insert(position))).collect();
    if first.all() { Ok(part.clone()) } else { part.filter(&first).map_err(unexpected) }
}

/// The raw rows behind the rows of a part, in their order, and the place of each in the part.
pub(super) fn raw_rows(raw: &DataFrame, part: &DataFrame) -> Result<(DataFrame, Vec<usize>), Fault> {
    let at: HashMap<i64, u32> =
        positions(raw)?.iter().enumerate().filter_map(|(row, position)| Some((position?, row as u32))).collect();
    let found = positions(part)?.iter().enumerate().filter_map(|(place, position)| Some((place, *at.get(&position?)?)));
    let (places, rows): (Vec<usize>, Vec<u32>) = found.unzip();
    Ok((raw.take(&IdxCa::new("".into(), rows)).map_err(unexpected)?, places))
}
