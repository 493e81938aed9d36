//! What a run left, for people and for machines.

use std::collections::BTreeMap;

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
        text.push_str(&format!("\n{} version {}{alias}{new}\n", deployed.model, deployed.version));
    }
    text
}

/// The mistakes with the steps that made them; they stand in the same order.
fn errors_json(plan: &Plan, result: &RunResult, errors: &[Diagnostic]) -> Vec<Json> {
    // What was interrupted is no mistake of its own.
    let failed = result.failed.iter().filter(|(_, fault)| fault.code != "interrupted");
    let steps = failed.map(|(place, _)| plan.steps[*place].name.as_str());
    errors
        .iter()
        .zip(steps)
        .map(|(error, step)| {
            let mut error = json!(error);
            error["step"] = Json::from(step);
            error
        })
        .collect()
}

/// What a run left, for machines: the object that the language page describes.
pub fn run_json(run: &str, plan: &Plan, result: &RunResult, errors: &[Diagnostic]) -> Json {
    let mut metrics = BTreeMap::new();
    let mut best = BTreeMap::new();
    let mut gates = BTreeMap::new();
    for (step, judgement) in result.judgements(plan) {
        let of: BTreeMap<_, _> =
            judgement.names.iter().zip(judgement.models.iter().map(|model| &model.scores.metrics)).collect();
        metrics.insert(step, json!(of));
        if let Some(winner) = judgement.verdict.best {
            best.insert(step, judgement.names[winner].clone());
        }
        gates.insert(step, json!(judgement.verdict.gates));
    }
    json!({
        "run": run,
        "pipeline": plan.name,
        "status": result.status,
        "steps": result.steps,
        "metrics": metrics,
        "best": best,
        "gates": gates,
        "deployed": result.deployed().collect::<Vec<_>>(),
        "errors": errors_json(plan, result, errors),
        "units": result.units,
    })
}
