//! Deploy steps: reconciled at every run, never cached.

use std::collections::BTreeMap;

use serde_json::json;

use super::effects::Registration;
use super::evaluate::metrics;
use super::event::Outcome;
use super::outcome::{Payload, StepDone};
use super::promote::{self, Promoted};
use super::run::Cx;
use super::{refit, seal, table};
use crate::plan::{Deploy, Step, StepKind};
use crate::source::Fault;
use crate::spec::TargetKind;
use crate::store::Digest;

/// Runs a deploy step.
pub(super) fn run(cx: &Cx, step: &Step, deploy: &Deploy) -> Result<StepDone, Fault> {
    let judged = cx.done(deploy.step);
    let (model, judgement) = match &judged.payload {
        Payload::Judged(judgement) => {
            if !judgement.verdict.passed() {
                return Ok(kept_back(cx, deploy));
            }
            let evaluate = match &cx.plan.steps[deploy.step].kind {
                StepKind::Evaluate(evaluate) => evaluate,
                _ => unreachable!("only an evaluate step judges"),
            };
            let winner = judgement.verdict.best.ok_or_else(|| {
                Fault::new("no-best", "no model wins: the metric that ranks them isn't defined for every one")
                    .help("rank them by another metric")
            })?;
            (evaluate.models[winner], Some(judgement))
        }
        _ => (deploy.step, None),
    };
    let scored = seal::run(cx, step, model)?;
    let refitted = if deploy.refit { Some(refit::run(cx, step, model)?) } else { None };
    let sealed = refitted.as_ref().unwrap_or(&scored);
    let digest = sealed.output("sealed")?;
    let evidence = judgement.map_or(digest, |judgement| {
        Digest::of_json(&json!([digest.to_string(), judgement.report.to_string(), judgement.verdict]))
    });
    // A run that moves no alias compares nothing.
    let compares = cx.record && !deploy.promote_if.is_empty();
    let weighed = if compares { Some(promote::weigh(cx, step, deploy, model, &digest)?) } else { None };
    // Not the comparison itself: who takes a promotion back, and maybe the one before it too, isn't overruled because
    // the model is then compared with an older champion.
    let evidence = match deploy.promote_if.is_empty() {
        true => evidence,
        false => Digest::of_json(&json!([evidence.to_string(), deploy.promote_if])),
    };
    let (source, rows) = origin(cx, model)?;
    let mut lineage = json!({
        "pipeline": cx.plan.name,
        "step": cx.plan.steps[model].name,
        "run": cx.run,
        "metrics": judgement.map(|judgement| metrics(judgement)),
        "judged": judgement.map(|judgement| json!({
            "step": cx.plan.steps[deploy.step].name,
            "report": judgement.report.to_string(),
            "place": judgement.verdict.best,
        })),
        "model": cx.done(model).outputs["model"].to_string(),
        "inputs": sealed.record.meta["inputs"],
        "rows": rows.to_string(),
        "sources": {cx.plan.sources[source].spec.name.as_str(): cx.identity(source)?.bytes.to_string()},
    });
    let mut why = format!("`{}` of the pipeline `{}`", step.name, cx.plan.name);
    if let Some(refitted) = &refitted {
        lineage["refit"] =
            json!({"rows": refitted.record.meta["rows"], "scored": scored.output("sealed")?.to_string()});
        lineage["model"] = refitted.output("model")?.to_string().into();
        why.push_str(", fitted once more on all rows: the scores are of the model before that");
    }
    let registration = Registration {
        name: deploy.name.clone(),
        alias: deploy.alias.clone(),
        digest,
        evidence,
        lineage,
        targets: deploy.targets.iter().map(TargetKind::to_json).collect(),
        moves_alias: cx.record,
        weighed,
        why,
    };
    // What the registry names must outlast a power cut.
    cx.store.settle(&digest)?;
    let result = cx.effects.register(&registration)?;
    let what = if result.new { "registered" } else { "is registered" };
    let alias = if result.promoted { format!(", {} now", result.alias) } else { String::new() };
    let kept = result.comparison.as_ref().filter(|weighed| weighed.verdict != Promoted::Promoted);
    let alias = kept.map_or(alias, |weighed| format!(": {}", weighed.words(&result.alias)));
    Ok(StepDone {
        outcome: Outcome::Reconciled,
        reason: if result.new { "a new version" } else { "as it was" }.to_owned(),
        key: sealed.key,
        outputs: BTreeMap::from([("sealed".to_owned(), digest)]),
        metrics: None,
        summary: format!("{} {} version {}{alias}", result.model, what, result.version),
        payload: Payload::Deployed(Some(result)),
    })
}

/// The source that a model's rows come from, and the object with the rows that it learned from.
fn origin(cx: &Cx, model: usize) -> Result<(usize, Digest), Fault> {
    match &cx.plan.steps[model].kind {
        StepKind::Train(train) => Ok((cx.plan.chain(train.input).0, table::meta(cx, train.input)?.training().digest)),
        _ => unreachable!("only a train step makes a model"),
    }
}

fn kept_back(cx: &Cx, deploy: &Deploy) -> StepDone {
    StepDone {
        outcome: Outcome::Skipped,
        reason: "a gate failed".to_owned(),
        key: cx.done(deploy.step).key,
        outputs: BTreeMap::new(),
        metrics: None,
        summary: "not deployed: a gate failed".to_owned(),
        payload: Payload::Deployed(None),
    }
}
