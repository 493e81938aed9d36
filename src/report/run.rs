//! What a run left, for people and for machines.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use crate::engine::RunResult;
use crate::plan::Plan;
use crate::source::Diagnostic;

/// What a run left, for people.
pub fn summary(plan: &Plan, result: &RunResult) -> String {
    let mut text = String::new();
    for (step, judgement) in result.judgements(plan) {
        text.push_str(&format!("\n{step}\n{}", super::judgement(judgement)));
    }
    for deployed in result.deployed() {
        let alias = if deployed.promoted { format!(" ({})", deployed.alias) } else { String::new() };
        let new = if deployed.new { ", new" } else { "" };
        let told = deployed.told.as_ref().map_or(String::new(), |told| format!("\n{told}"));
        text.push_str(&format!("\n{} version {}{alias}{new}{told}\n", deployed.model, deployed.version));
    }
    text
}

/// The mistakes with the steps that made them; they stand in the same order.
fn errors_json(plan: &Plan, result: &RunResult, errors: &[Diagnostic]) -> Vec<Json> {
    // What was interrupted is no mistake of its own.
    let failed = result.failed.iter().filter(|(_, fault)| fault.code != "interrupted");
    let steps = failed.map(|(place, _)| plan.steps[*place].name.as_str());
    errors.iter().zip(steps).map(|(error, step)| of_step(error, step)).collect()
}

fn of_step(found: &Diagnostic, step: &str) -> Json {
    let mut found = json!(found);
    found["step"] = Json::from(step);
    found
}

/// What a run left, for machines: the object that the language page describes.
pub fn run_json(
    run: &str,
    plan: &Plan,
    result: &RunResult,
    errors: &[Diagnostic],
    warnings: &[(String, Diagnostic)],
) -> Json {
    let mut metrics = BTreeMap::new();
    let mut best = BTreeMap::new();
    let mut gates = BTreeMap::new();
    let mut intervals = BTreeMap::new();
    let mut costs = BTreeMap::new();
    for (step, judgement) in result.judgements(plan) {
        let of: BTreeMap<_, _> =
            judgement.names.iter().zip(judgement.models.iter().map(|model| &model.scores.metrics)).collect();
        metrics.insert(step, json!(of));
        if let Some(winner) = judgement.verdict.best {
            best.insert(step, judgement.names[winner].clone());
        }
        gates.insert(step, json!(judgement.verdict.gates));
        let ranges: BTreeMap<_, _> =
            judgement.names.iter().zip(judgement.models.iter().map(|model| &model.intervals)).collect();
        intervals.insert(step, json!(ranges));
        costs.insert(step, json!(judgement.names.iter().zip(&judgement.costs).collect::<BTreeMap<_, _>>()));
    }
    json!({
        "run": run,
        "pipeline": plan.name,
        "status": result.status,
        "steps": result.steps,
        "metrics": metrics,
        "intervals": intervals,
        "costs": costs,
        "best": best,
        "gates": gates,
        "contracts": result.contracts,
        "deployed": result.deployed().collect::<Vec<_>>(),
        "errors": errors_json(plan, result, errors),
        "warnings": warnings.iter().map(|(step, found)| of_step(found, step)).collect::<Vec<_>>(),
        "units": result.units,
    })
}

/// What the history keeps of it. Outputs are found by the keys, and of a step that was kept there is nothing else to tell.
pub fn run_told(report: &Json) -> Json {
    let mut told = report.clone();
    let Some(told_fields) = told.as_object_mut() else { return told };
    let mut keys = HashSet::new();
    if let Some(Json::Array(steps)) = told_fields.get_mut("steps") {
        for step in steps.iter_mut().filter_map(Json::as_object_mut) {
            step.remove("outputs");
            if step.get("outcome").is_some_and(|outcome| outcome == "cached") {
                step.remove("reason");
                step.remove("seconds");
            }
            keys.extend(step.get("key").and_then(Json::as_str).map(str::to_owned));
        }
    }
    // The key of a step stands there already.
    if let Some(Json::Object(units)) = told_fields.get_mut("units") {
        units.retain(|_, key| !key.as_str().is_some_and(|key| keys.contains(key)));
    }
    told
}
