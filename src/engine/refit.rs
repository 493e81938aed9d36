//! `refit: all`: the chosen model fitted once more, on the rows of every part.
//!
//! What was judged is the model before it: nothing is left to judge this one by.

use std::collections::BTreeMap;

use serde_json::json;

use super::cv::meaning;
use super::fit::{Lesson, Stage, Told};
use super::ground::Ground;
use super::run::Cx;
use super::seal::{self, Way};
use super::table;
use super::train::whole_key;
use super::unit::{Done, Made, Parts, label, unit};
use crate::plan::{Step, StepKind};
use crate::recipe::RowStep;
use crate::seal::FORMAT;
use crate::source::Fault;

/// Fits the model of a train step on all rows, every op after the split with it, and seals it.
pub(super) fn run(cx: &Cx, step: &Step, model: usize) -> Result<Done, Fault> {
    let StepKind::Train(train) = &cx.plan.steps[model].kind else {
        unreachable!("the plan lets only train steps stand here");
    };
    // Of a search only the winner is fitted.
    let train = cx.settled(model).unwrap_or(train);
    let ground = Ground::of(cx.plan, train);
    let way = Way::of(cx, train)?;
    let before = ground.recipes(cx, train.input);
    let mut parts = Parts::new("refit");
    parts.add("format", FORMAT);
    ground.describe_all(cx, &mut parts)?;
    whole_key(cx, train, &mut parts);
    parts.add("features", json!(train.features));
    for (nth, recipe) in before.iter().enumerate() {
        parts.add(format!("recipe[{nth}]"), recipe.to_string());
    }
    way.describe(cx, &mut parts)?;
    unit(cx, &label(&cx.plan.name, &step.name, "refit"), &parts, || {
        let told = Told { cx, step: &step.name };
        let table = ground.all_rows(cx)?;
        let meaning = meaning(cx, train, &ground.after, &table)?;
        let lesson = Lesson::new(cx, &ground.after, table, &meaning)?;
        let trained = lesson.model(cx, train, Stage::Whole, &told)?;
        cx.check()?;
        let mut whole: Vec<RowStep> = Vec::new();
        for recipe in &before {
            whole.extend(table::recipe(&cx.store, recipe)?);
        }
        whole.extend(lesson.recipe.clone());
        let model = cx.store.put(&trained.to_bytes())?;
        let rows = trained.rows;
        let sealed = seal::seal(cx, &way, trained, &whole, lesson.table.training())?;
        let inputs: Vec<&str> = sealed.signature.iter().map(|field| field.name.as_str()).collect();
        let meta = json!({"inputs": inputs, "rows": rows});
        let sealed = cx.store.put(&sealed.to_bytes())?;
        Ok(Made::new(BTreeMap::from([("sealed".to_owned(), sealed), ("model".to_owned(), model)]), meta))
    })
}
