//! The files of sources: kept beside a record, so that the one can be named that changed.

use std::collections::BTreeMap;

use super::words::several;
use crate::engine::run::Cx;
use crate::engine::unit::Parts;
use crate::source::Fault;
use crate::store::{Digest, Record, Store};

/// The digests of files, by source and name.
pub(in crate::engine) type Files = BTreeMap<String, BTreeMap<String, Digest>>;

/// Sources of more files than this are told as a whole.
const MOST: usize = 1_000_000;

/// The files of the sources that a key is made of; none of sources of one file, which their name tells well enough.
pub(in crate::engine) fn of(cx: &Cx, parts: &Parts) -> Files {
    let names = parts.0.iter().filter_map(|(path, _)| path.strip_prefix("source."));
    let source = |name: &str| cx.plan.sources.iter().position(|source| source.spec.name == name);
    names
        .filter_map(|name| {
            // A file that can't be read is told by the unit that reads it.
            let files = cx.tables.files(cx.plan, source(name)?).ok()?;
            ((2..=MOST).contains(&files.len())).then(|| (name.to_owned(), files))
        })
        .collect()
}

/// Keeps them among what explains a record, by the path of their part: a list of name and digest each.
pub(in crate::engine) fn keep(store: &Store, files: &Files, about: &mut BTreeMap<String, Digest>) -> Result<(), Fault> {
    for (source, files) in files {
        let list: Vec<(&String, &Digest)> = files.iter().collect();
        let bytes = serde_json::to_vec(&list).expect("names and digests are plain data");
        about.insert(format!("source.{source}"), store.put(&bytes)?);
    }
    Ok(())
}

/// Those that were kept with a record.
pub(super) fn kept(store: &Store, record: &Record) -> Files {
    let list = |digest: &Digest| serde_json::from_slice::<Vec<(String, Digest)>>(&store.get(digest).ok()??).ok();
    let about = record.about.iter();
    let found = about.filter_map(|(path, digest)| Some((path.strip_prefix("source.")?, list(digest)?)));
    found.map(|(source, files)| (source.to_owned(), files.into_iter().collect())).collect()
}

/// Which files of a source changed; nothing if that isn't known.
pub(super) fn words(source: &str, before: &Files, after: &Files) -> Vec<String> {
    let mut lines = Vec::new();
    let (Some(old), Some(new)) = (before.get(source), after.get(source)) else {
        return lines;
    };
    let told = |what: &str| format!("of the source `{source}` {what}");
    let changed = new.iter().filter(|(name, digest)| old.get(*name).is_some_and(|was| was != *digest));
    several(&mut lines, changed.map(|(name, _)| name), "the file", "files", &told("changed"));
    let came = new.keys().filter(|name| !old.contains_key(*name));
    several(&mut lines, came, "the file", "files", &told("is new"));
    let went = old.keys().filter(|name| !new.contains_key(*name));
    several(&mut lines, went, "the file", "files", &told("is gone"));
    lines
}
