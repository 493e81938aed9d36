//! `gristmill verify`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::IsTerminal;
use std::path::Path;

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::json;

use super::{Exit, Failure, open, out, out_json, rebuild};
use crate::engine::{Project, lock_path};
use crate::registry::Registry;
use crate::report::bytes;
use crate::store::{Digest, Examined, Key, Lock, Store, StoreError};

/// Read every kept result and compare it with its name; or make everything again and compare.
///
/// What is damaged is set aside in `.gristmill/damaged/` and made again by the next run that needs it.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  gristmill verify\n  gristmill verify --json\n  gristmill verify --rebuild             is every step reproducible?\n  gristmill verify --rebuild penguins\n\nExit codes: 0 all is well, 1 something is damaged, missing or not reproducible, 5 disk or permission."
)]
pub(super) struct Verify {
    /// Make every step of a pipeline (of all without a name) again, elsewhere, and compare what comes out with what is kept.
    #[arg(long, value_name = "PIPELINE", num_args = 0..=1)]
    rebuild: Option<Option<String>>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// A damaged object, and what it was.
#[derive(Serialize)]
struct Damage {
    digest: Digest,
    /// As `pipeline/step: output`.
    used_by: BTreeSet<String>,
    /// As `name version 3`.
    models: BTreeSet<String>,
}

/// Steps of a lock, or a model, whose results aren't here.
#[derive(Serialize)]
struct Missing {
    what: String,
    steps: Vec<String>,
    help: String,
}

pub(super) fn run(args: &Verify) -> Result<Exit, Failure> {
    if let Some(pipeline) = &args.rebuild {
        return rebuild::run(pipeline.as_deref(), args.json);
    }
    let root = open::root();
    let store = Store::open(&root)?;
    let models = models(&root)?;
    let bar = bar(store.objects()?.len() as u64);
    let found = store.examine(&|done| bar.set_position(done));
    bar.finish_and_clear();
    let found = found?;
    let damage = damage(&store, &found, &models)?;
    let missing = missing(&root, &store, &models)?;
    let fine = damage.is_empty() && missing.is_empty() && found.unreadable.is_empty();
    if args.json {
        out_json(&json!({
            "fine": fine,
            "objects": found.objects,
            "bytes": found.bytes,
            "records": found.records,
            "damaged": damage,
            "unreadable": found.unreadable,
            "missing": missing,
        }));
    } else {
        out(&told(&found, &damage, &missing));
    }
    Ok(if fine { Exit::Done } else { Exit::Failed })
}

fn bar(length: u64) -> ProgressBar {
    if std::io::stderr().is_terminal() { ProgressBar::new(length) } else { ProgressBar::hidden() }
}

/// Every registered version, with its sealed model.
fn models(root: &Path) -> Result<Vec<(String, Digest)>, Failure> {
    let registry = Registry::open(root)?;
    let mut found = Vec::new();
    for model in registry.models()? {
        let versions = registry.versions(&model.name)?;
        found.extend(versions.into_iter().map(|row| (format!("{} version {}", row.name, row.version), row.digest)));
    }
    Ok(found)
}

fn damage(store: &Store, found: &Examined, models: &[(String, Digest)]) -> Result<Vec<Damage>, Failure> {
    if found.damaged.is_empty() {
        return Ok(Vec::new());
    }
    let mut names: HashMap<Key, Vec<String>> = HashMap::new();
    for (name, key) in store.pointers()? {
        // `penguins/forest ran` and ` was` point to the same step.
        let name = name.split(' ').next().unwrap_or_default().to_owned();
        names.entry(key).or_default().push(name);
    }
    let mut users: BTreeMap<Digest, BTreeSet<String>> = BTreeMap::new();
    for record in store.keys()?.iter().filter_map(|key| store.record(key)) {
        for (output, digest) in &record.outputs {
            if found.damaged.contains(digest) {
                let of = names.get(&record.key).into_iter().flatten();
                users.entry(*digest).or_default().extend(of.map(|name| format!("{name}: {output}")));
            }
        }
    }
    let damage = found.damaged.iter().map(|digest| Damage {
        digest: *digest,
        used_by: users.remove(digest).unwrap_or_default(),
        models: models.iter().filter(|(_, of)| of == digest).map(|(name, _)| name.clone()).collect(),
    });
    Ok(damage.collect())
}

/// What locks and the registry name and isn't here.
fn missing(root: &Path, store: &Store, models: &[(String, Digest)]) -> Result<Vec<Missing>, Failure> {
    let mut missing = Vec::new();
    let whole = |key: &Key| store.record(key).is_some_and(|record| record.is_whole(store));
    for name in Project::names(root) {
        let path = lock_path(&Project::pipeline(root, &name)?);
        let lock = Lock::read(&path).map_err(|error| match error {
            StoreError::Lock { path, line, message } => {
                let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
                StoreError::Lock { path, line, message }
            }
            other => other,
        })?;
        let Some(lock) = lock else { continue };
        let steps = lock.steps.iter().filter(|(_, step)| !(whole(&step.key) && step.units.values().all(whole)));
        let steps: Vec<String> = steps.map(|(step, _)| step.clone()).collect();
        if !steps.is_empty() {
            let help = format!("`gristmill run {name}` makes them");
            missing.push(Missing { what: format!("the lock of `{name}`"), steps, help });
        }
    }
    for (name, digest) in models {
        if !store.has(digest) {
            let help = "run its pipeline as it was then: if it makes the same model, it is there again".to_owned();
            missing.push(Missing { what: format!("the model {name}"), steps: Vec::new(), help });
        }
    }
    Ok(missing)
}

fn told(found: &Examined, damage: &[Damage], missing: &[Missing]) -> String {
    let mut text = format!("{} results ({}) are whole, {} records\n", found.objects, bytes(found.bytes), found.records);
    for damaged in damage {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("damaged  {}", damaged.digest.short()));
        if !damaged.used_by.is_empty() {
            text.push_str(&format!("  {}", list(&damaged.used_by)));
        }
        if !damaged.models.is_empty() {
            text.push_str(&format!("  sealed in {}", list(&damaged.models)));
        }
        text.push('\n');
    }
    if !damage.is_empty() {
        text.push_str("  set aside in `.gristmill/damaged/`; the next run makes it again: if that happens often, look after the disk\n");
    }
    for key in &found.unreadable {
        text.push_str(&format!("unreadable record  {}\n  dropped; the next run makes it again\n", key.short()));
    }
    for missing in missing {
        let steps = if missing.steps.is_empty() { String::new() } else { format!(": {}", missing.steps.join(", ")) };
        text.push_str(&format!("not here  {}{steps}\n  {}\n", missing.what, missing.help));
    }
    text
}
