//! Sealing: the recipes from the raw record to the model, joined, pruned, and put beside it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use polars::prelude::{DataFrame, IdxCa, NamedFrom};
use serde_json::json;

use super::run::Cx;
use super::table;
use super::unit::{Done, Made, Parts, label, unit};
use crate::data::{Table, Value, positions, unexpected, value_at};
use crate::plan::{Step, StepKind};
use crate::recipe::{RowStep, prune};
use crate::seal::{FORMAT, InputField, Sample, Sealed, Trained, reference};
use crate::source::Fault;
use crate::store::Digest;

/// How many train rows are recorded with their answers.
const SAMPLES: usize = 5;

/// Seals the model of a train step.
pub(super) fn run(cx: &Cx, step: &Step, model: usize) -> Result<Done, Fault> {
    let StepKind::Train(train) = &cx.plan.steps[model].kind else {
        unreachable!("the plan lets only train steps stand here");
    };
    let digest = cx.done(model).outputs["model"];
    let (source, steps) = cx.plan.chain(train.input);
    let recipes: Vec<Digest> =
        steps.iter().flat_map(|step| cx.done(*step).segments()).map(|segment| segment.recipe).collect();
    let identity = cx.identity(source)?;
    let meta = table::meta(cx, train.input)?;
    let mut parts = Parts::new("seal");
    parts.add("format", FORMAT);
    parts.add("model", digest.to_string());
    for (nth, recipe) in recipes.iter().enumerate() {
        parts.add(format!("recipe[{nth}]"), recipe.to_string());
    }
    parts.add(format!("source.{}", cx.plan.sources[source].spec.name), identity.bytes.to_string());
    parts.add("reading", identity.reading);
    parts.add("rows.train.__row", table::digest_of(meta.training(), table::POSITIONS, &meta.shape)?.to_string());
    parts.add("unasked", json!(cx.plan.unasked));
    unit(cx, &label(&cx.plan.name, &step.name, "seal"), &parts, || {
        let trained = Trained::from_bytes(&table::object(&cx.store, &digest)?)?;
        let mut whole: Vec<RowStep> = Vec::new();
        for recipe in &recipes {
            whole.extend(table::recipe(&cx.store, recipe)?);
        }
        let versions = versions(cx, &steps);
        let training = table::frame(cx, meta.training())?;
        let raw = cx.table(source)?;
        let sealed = seal(cx, source, trained, &whole, versions, &raw, &training)?;
        let digest = cx.store.put(&sealed.to_bytes())?;
        let inputs: Vec<&str> = sealed.signature.iter().map(|field| field.name.as_str()).collect();
        Ok(Made::new(BTreeMap::from([("sealed".to_owned(), digest)]), json!({"inputs": inputs})))
    })
}

fn versions(cx: &Cx, steps: &[usize]) -> BTreeMap<String, u32> {
    let ops = steps.iter().flat_map(|step| &cx.plan.table(*step).expect("a table").ops);
    ops.map(|node| (node.op.name().to_owned(), node.op.version())).collect()
}

fn seal(
    cx: &Cx,
    source: usize,
    trained: Trained,
    whole: &[RowStep],
    ops: BTreeMap<String, u32>,
    raw: &Table,
    training: &DataFrame,
) -> Result<Sealed, Fault> {
    let needed: BTreeSet<String> = trained.features.iter().map(|feature| feature.name.clone()).collect();
    let pruned = prune(whole, &needed, &cx.plan.unasked);
    let contract = cx.plan.sources[source].contract.as_ref();
    let mut signature = Vec::new();
    for field in raw.shape.fields.iter().filter(|field| pruned.inputs.contains(&field.name)) {
        let rule = contract.and_then(|contract| contract.columns.get(&field.name));
        signature.push(InputField::new(&field.name, field.kind, rule, &cx.plan.sources[source].spec.reading.missing));
    }
    let rows = raw_rows(raw, training)?;
    let mut columns = Vec::new();
    for field in &signature {
        columns.push(rows.column(&field.name).map_err(unexpected)?);
    }
    let reference = columns.iter().zip(&signature).map(|(column, field)| reference(column, field.kind)).collect();
    let records: Vec<Vec<Value>> = (0..rows.height().min(SAMPLES))
        .map(|row| columns.iter().map(|column| value_at(column, row)).collect())
        .collect();
    let mut sealed =
        Sealed { format: FORMAT, ops, signature, steps: pruned.steps, trained, reference, samples: Vec::new() };
    let predictor = Sealed::open(&sealed.to_bytes())?;
    sealed.samples = records.into_iter().map(|record| Sample { outcome: predictor.answer(&record), record }).collect();
    Ok(sealed)
}

/// The raw rows that became the train rows, in their order.
fn raw_rows(raw: &Table, training: &DataFrame) -> Result<DataFrame, Fault> {
    let frame = raw.training();
    let places: HashMap<i64, usize> =
        positions(frame)?.iter().enumerate().filter_map(|(row, position)| Some((position?, row))).collect();
    let rows: Vec<u32> =
        positions(training)?.iter().filter_map(|position| Some(*places.get(&position?)? as u32)).collect();
    frame.take(&IdxCa::new("".into(), rows)).map_err(unexpected)
}
