//! `gristmill verify --rebuild`: every step made again in a store of its own, and compared.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde_json::json;

use super::open::{Opened, look, root};
use super::{Exit, Failure, ParamArgs, out, out_json, say};
use crate::engine::{Ahead, Champion, DeployResult, Effects, Env, Project, Registration, RunResult, ahead, execute};
use crate::source::Fault;
use crate::store::{Digest, Key, Store};

/// How a unit of a step came out the second time.
#[derive(Serialize)]
struct Compared {
    /// As `pipeline/step`, or `pipeline/step/unit`.
    step: String,
    /// Whether every byte is the same.
    same: bool,
    /// The outputs that came out otherwise: their digests before and after.
    differ: BTreeMap<String, [Option<Digest>; 2]>,
    /// Whether its inputs came out otherwise already, so that it tells nothing of its own.
    follows: bool,
}

pub(super) fn run(pipeline: Option<&str>, json: bool) -> Result<Exit, Failure> {
    let root = root();
    let names = match pipeline {
        Some(name) => vec![name.to_owned()],
        None => Project::names(&root),
    };
    let mut compared = Vec::new();
    for name in names {
        let file = Project::pipeline(&root, &name)?;
        let looked = look(&root, &file, &ParamArgs::default())?;
        let opened = looked.opened.ok_or_else(|| Failure::wrong(looked.diagnostics))?;
        compared.extend(pipeline_again(&opened)?);
    }
    let fine = compared.iter().all(|step| step.same);
    if json {
        out_json(&json!({"fine": fine, "steps": compared}));
    } else {
        out(&told(&compared));
    }
    Ok(if fine { Exit::Done } else { Exit::Failed })
}

fn pipeline_again(opened: &Opened) -> Result<Vec<Compared>, Failure> {
    let places = opened.places(None)?;
    let tables = opened.tables()?;
    let kept = opened.looking(&tables)?;
    let stale = ahead(&opened.plan, &places, &kept);
    let stale = stale.iter().find(|step| !matches!(step.ahead, Ahead::Cached | Ahead::Reconcile));
    if let Some(stale) = stale {
        let fault = Fault::new("not-made", format!("`{}` isn't up to date: {}", stale.step, stale.reason));
        return Err(fault
            .help(format!("`gristmill run {}` first: then there is something to compare", opened.plan.name))
            .into());
    }
    say(&format!("making `{}` again, elsewhere", opened.plan.name));
    let elsewhere = kept.store.scratch()?;
    let again = kept.store.apart(&elsewhere);
    // Looked at anew: what programs leave may be something else this time.
    let tables = opened.tables()?;
    let running = AtomicBool::new(false);
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let run = format!("rebuild-{}", std::process::id());
    let env = Env { jobs, run, ..Env::plain(again.clone(), &tables, &Rehearsal, &running) };
    let result = execute(&opened.plan, &places, &env, &mut |_| {});
    if let Some((place, fault)) = result.failed.first() {
        let step = &opened.plan.steps[*place].name;
        return Err(Failure::wrong(vec![{
            let mut found = opened.diagnose(fault);
            found.message = format!("the step `{step}` failed when it was made again: {}", found.message);
            found
        }]));
    }
    let compared = compare(&result, &kept.store, &again)?;
    drop(env);
    // Its size may be that of the whole cache: not kept until the end.
    drop(std::fs::remove_dir_all(elsewhere));
    Ok(compared)
}

/// Each unit, by its label: what it made the second time, and what is kept under its newest key.
fn compare(result: &RunResult, kept: &Store, again: &Store) -> Result<Vec<Compared>, Fault> {
    let mut compared = Vec::new();
    for (label, key) in &result.units {
        let made = outputs(again, key);
        // The key is of the contents of the inputs: another key means that they came out otherwise.
        let follows = kept.record(key).is_none();
        let before = if follows {
            kept.latest(label).map(|key| outputs(kept, &key)).unwrap_or_default()
        } else {
            outputs(kept, key)
        };
        let mut names: Vec<&String> = before.keys().chain(made.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let pairs = names.into_iter().map(|name| (name.clone(), [before.get(name).copied(), made.get(name).copied()]));
        let differ: BTreeMap<_, _> = pairs.filter(|(_, [before, after])| before != after).collect();
        compared.push(Compared { step: label.clone(), same: differ.is_empty(), differ, follows });
    }
    Ok(compared)
}

fn outputs(store: &Store, key: &Key) -> BTreeMap<String, Digest> {
    store.record(key).map(|record| record.outputs).unwrap_or_default()
}

fn told(compared: &[Compared]) -> String {
    let mut text = String::new();
    for step in compared.iter().filter(|step| !step.same) {
        text.push_str(&format!("differs  {}", step.step));
        if step.follows {
            text.push_str("  because what it is made of does");
        }
        text.push('\n');
        for (output, [before, after]) in &step.differ {
            let show = |digest: &Option<Digest>| digest.map_or("nothing".to_owned(), |digest| digest.short());
            text.push_str(&format!("  {output}: {} → {}\n", show(before), show(after)));
        }
    }
    let same = compared.iter().filter(|step| step.same).count();
    text.push_str(&format!("{same} of {} results came out the same, byte for byte", compared.len()));
    text
}

/// Nothing is registered or deployed when a pipeline is made again; what would be is sealed all the same.
struct Rehearsal;

impl Effects for Rehearsal {
    fn register(&self, of: &Registration) -> Result<DeployResult, Fault> {
        Ok(DeployResult {
            model: of.name.clone(),
            version: 0,
            alias: of.alias.clone(),
            promoted: false,
            new: false,
            digest: of.digest.to_string(),
            verdict: None,
            comparison: None,
            told: None,
        })
    }

    fn champion(&self, _: &str, _: &str) -> Result<Option<Champion>, Fault> {
        Ok(None)
    }
}
