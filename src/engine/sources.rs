//! Sources: what they are known by, and their tables, each read once a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use polars::prelude::DataFrame;
use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::contract::judged;
use super::outcome::TableMeta;
use super::project::Project;
use super::upstream;
use crate::data::{self, Findings, Judged, Kind, Shape, Source, Table};
use crate::expr;
use crate::plan::{Plan, SourceNode};
use crate::recipe::{RowStep, apply};
use crate::source::Fault;
use crate::spec::Origin;
use crate::store::{Digest, Hasher, Seen, SourceLock, Sources, Store, StoreError};

/// Where the rows of sources come from.
pub trait Tables: Sync {
    /// The files of a source with their digests; none where it has none of its own.
    fn files(&self, plan: &Plan, source: usize) -> Result<BTreeMap<String, Digest>, Fault> {
        let _ = (plan, source);
        Ok(BTreeMap::new())
    }
    /// What a source is known by: its bytes, how they are read, and what they must look like.
    fn identity(&self, plan: &Plan, source: usize) -> Result<Identity, Fault>;
    /// Its rows.
    fn table(&self, plan: &Plan, source: usize) -> Result<Arc<Table>, Fault>;
    /// What a source is known by whose file a program left.
    fn identity_of(&self, plan: &Plan, source: usize, bytes: Digest) -> Identity;
    /// The rows in that file, which `read` gives.
    fn table_of(
        &self,
        plan: &Plan,
        source: usize,
        bytes: Digest,
        read: &dyn Fn() -> Result<Vec<u8>, Fault>,
    ) -> Result<Arc<Table>, Fault>;
    /// The rows of a file that a program just left, its columns taken as they are.
    fn first_of(&self, plan: &Plan, source: usize, read: &dyn Fn() -> Result<Vec<u8>, Fault>) -> Result<Table, Fault>;
    /// Where the one file of a source is.
    fn file(&self, plan: &Plan, source: usize) -> Result<PathBuf, Fault>;
    /// The first file of a source that isn't any more what its digest was taken of.
    fn changed(&self, plan: &Plan, source: usize) -> Result<Option<String>, Fault>;
    /// The files of a folder, glob or file, sorted, with their digests.
    fn code(&self, path: &str) -> Result<Vec<(String, Digest)>, Fault>;
    /// What its contract found in it, once its table was read.
    fn aside(&self, source: usize) -> Option<Arc<Aside>>;
    /// Hears how many rows it has from a result that was kept, so that they needn't be read to be counted.
    fn counted(&self, source: usize, rows: Option<usize>);
}

/// What a source is known by.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Of the bytes of its files.
    pub bytes: Digest,
    /// How they are read.
    pub reading: Json,
}

#[derive(Default)]
struct Slot {
    /// Its files as they were when they were looked at.
    seen: OnceLock<Vec<(String, Seen)>>,
    identity: OnceLock<Identity>,
    table: Mutex<Option<Arc<Table>>>,
    rows: OnceLock<usize>,
    findings: OnceLock<Arc<Aside>>,
}

/// What a contract found in a table, and the rows that it set aside.
pub type Aside = (Findings, Option<DataFrame>);

/// The sources of a project.
pub struct SourceTables<'a> {
    project: &'a Project,
    cache: Sources,
    slots: Vec<Slot>,
}

impl<'a> SourceTables<'a> {
    /// For the sources of a plan.
    pub fn new(project: &'a Project, plan: &Plan) -> Result<Self, Fault> {
        Ok(Self {
            project,
            cache: Sources::open(&project.root)?,
            slots: plan.sources.iter().map(|_| Slot::default()).collect(),
        })
    }

    /// Keeps what was learned of files, so that the next run needn't read them.
    pub fn save(&self) -> Result<(), Fault> {
        Ok(self.cache.save()?)
    }

    /// What the lock says of each source that was looked at.
    pub fn locks(&self, plan: &Plan) -> BTreeMap<String, SourceLock> {
        plan.sources
            .iter()
            .zip(&self.slots)
            .filter_map(|(source, slot)| {
                let identity = slot.identity.get()?;
                let table = slot.table.lock().expect("no holder panicked").clone();
                let before = self.project.lock.as_ref().and_then(|lock| lock.sources.get(&source.spec.name));
                let shape = table.as_ref().map(|table| &table.shape).or(source.shape.as_ref())?;
                let same = before.filter(|before| before.digest == identity.bytes);
                let counted = table.as_ref().map(|table| table.rows()).or_else(|| slot.rows.get().copied());
                let rows = counted.map(|rows| rows as u64).or_else(|| same.and_then(|before| before.rows));
                let columns =
                    shape.fields.iter().map(|field| (field.name.clone(), field.kind.name().to_owned())).collect();
                Some((source.spec.name.clone(), SourceLock { digest: identity.bytes, columns, rows, key: None }))
            })
            .collect()
    }
}

fn read(source: &SourceNode, files: Vec<Source>) -> Result<Judged, Fault> {
    let mut reading = source.spec.reading.clone();
    // The types that the plan was checked with, which the lock may hold since long ago: a column that is of another
    // type today is an error with its row.
    for field in source.shape.iter().flat_map(|shape| &shape.fields) {
        reading.kinds.entry(field.name.clone()).or_insert(field.kind);
    }
    judged(source, data::read(files, &reading).map_err(|fault| blamed(source, fault))?)
}

/// The type is the contract's first rule.
fn blamed(source: &SourceNode, fault: Fault) -> Fault {
    match source.contract {
        Some(_) if fault.code == "wrong-type" => Fault { code: "contract", ..fault },
        _ => fault,
    }
}

/// The rows that meet the source's own condition; they keep their positions.
fn filtered(table: Table, source: &SourceNode) -> Result<Table, Fault> {
    let Some(condition) = &source.condition else {
        return Ok(table);
    };
    let unmet = condition.clone().or_else(crate::expr::Expr::literal(data::Value::Bool(false))).not();
    let steps = [RowStep::refuse(unmet, "it is not asked for", None)];
    table.map(|_, frame| Ok(apply(&steps, frame)?.frame))
}

/// One digest for all files: of the one there is, or of the list of theirs, as canonical JSON has it.
fn together(seen: &[(String, Seen)]) -> Digest {
    if let [(_, one)] = seen {
        return one.digest;
    }
    let mut hasher = Hasher::default();
    for (nth, (_, seen)) in seen.iter().enumerate() {
        hasher.update(if nth == 0 { b"[\"" } else { b",\"" });
        hasher.update(seen.digest.to_string().as_bytes());
        hasher.update(b"\"");
    }
    hasher.update(if seen.is_empty() { b"[]" } else { b"]" });
    hasher.finish()
}

impl Tables for SourceTables<'_> {
    fn files(&self, plan: &Plan, source: usize) -> Result<BTreeMap<String, Digest>, Fault> {
        let spec = &plan.sources[source].spec;
        if !matches!(spec.origin, Origin::Files) {
            return Ok(BTreeMap::new());
        }
        Ok(self.seen(plan, source)?.iter().map(|(name, seen)| (name.clone(), seen.digest)).collect())
    }

    fn counted(&self, source: usize, rows: Option<usize>) {
        if let Some(rows) = rows {
            // Every result of the same rows counts the same.
            let _ = self.slots[source].rows.set(rows);
        }
    }

    fn aside(&self, source: usize) -> Option<Arc<Aside>> {
        self.slots[source].findings.get().cloned()
    }

    fn identity(&self, plan: &Plan, source: usize) -> Result<Identity, Fault> {
        if let Some(identity) = self.slots[source].identity.get() {
            return Ok(identity.clone());
        }
        let node = &plan.sources[source];
        let at = |fault: Fault| fault.within("path").under(&node.spec.route());
        if let Some(meta) =
            self.upstream(plan, source).map_err(|fault| fault.within("from").under(&node.spec.route()))?
        {
            return Ok(self.identity_of(plan, source, upstream::digest(&meta)));
        }
        let bytes = together(self.seen(plan, source).map_err(at)?);
        Ok(self.identity_of(plan, source, bytes))
    }

    fn identity_of(&self, plan: &Plan, source: usize, bytes: Digest) -> Identity {
        let identity = || Identity { bytes, reading: how(&plan.sources[source]) };
        self.slots[source].identity.get_or_init(identity).clone()
    }

    fn file(&self, plan: &Plan, source: usize) -> Result<PathBuf, Fault> {
        let files = self.project.files(&plan.sources[source].spec.path)?;
        match files.as_slice() {
            [one] => Ok(self.project.root.join(one)),
            many => {
                let name = &plan.sources[source].spec.name;
                Err(Fault::new("several-files", format!("`{name}` is {} files, and a program reads one", many.len()))
                    .help(format!("let a step work on it, `{{clean: {name}}}`, and read that step's table")))
            }
        }
    }

    fn changed(&self, plan: &Plan, source: usize) -> Result<Option<String>, Fault> {
        if !matches!(plan.sources[source].spec.origin, Origin::Files) {
            return Ok(None);
        }
        let seen = self.seen(plan, source)?;
        let files: Vec<String> = seen.iter().map(|(name, _)| name.clone()).collect();
        let now = self.cache.look(&files)?;
        let other = seen.iter().zip(now).find(|((_, before), now)| before.digest != now.digest);
        Ok(other.map(|((name, _), _)| name.clone()))
    }

    fn code(&self, path: &str) -> Result<Vec<(String, Digest)>, Fault> {
        let files = self.project.code(path)?;
        let seen = self.cache.look(&files)?;
        Ok(files.into_iter().zip(seen).map(|(name, seen)| (name, seen.digest)).collect())
    }

    fn table(&self, plan: &Plan, source: usize) -> Result<Arc<Table>, Fault> {
        let node = &plan.sources[source];
        if let Origin::Pipeline { .. } = node.spec.origin {
            return self.kept(plan, source, &|| {
                let meta = self.upstream(plan, source)?.expect("its origin is a pipeline");
                judged(node, upstream::rows(&Store::open(&self.project.root)?, &meta)?)
            });
        }
        self.kept(plan, source, &|| {
            let files = self.seen(plan, source)?.par_iter().map(|(name, seen)| self.load(name, seen));
            read(node, files.collect::<Result<_, _>>()?)
        })
    }

    fn first_of(&self, plan: &Plan, source: usize, bytes: &dyn Fn() -> Result<Vec<u8>, Fault>) -> Result<Table, Fault> {
        let node = &plan.sources[source];
        let file = Source { name: node.spec.path.clone(), bytes: bytes()? };
        let table = data::read(vec![file], &node.spec.reading).map_err(|fault| blamed(node, fault))?;
        filtered(judged(node, table)?.table, node)
    }

    fn table_of(
        &self,
        plan: &Plan,
        source: usize,
        bytes: Digest,
        read: &dyn Fn() -> Result<Vec<u8>, Fault>,
    ) -> Result<Arc<Table>, Fault> {
        self.identity_of(plan, source, bytes);
        let node = &plan.sources[source];
        self.kept(plan, source, &|| self::read(node, vec![Source { name: node.spec.path.clone(), bytes: read()? }]))
    }
}

impl SourceTables<'_> {
    /// The files of a source, looked at once: what is read later must be what was seen here.
    fn seen(&self, plan: &Plan, source: usize) -> Result<&[(String, Seen)], Fault> {
        if let Some(seen) = self.slots[source].seen.get() {
            return Ok(seen);
        }
        let files = self.project.files(&plan.sources[source].spec.path)?;
        let seen = self.cache.look(&files)?;
        Ok(self.slots[source].seen.get_or_init(|| files.into_iter().zip(seen).collect()))
    }

    /// A file's bytes, which must be those that its digest was taken of: a result is never kept under the key of other rows.
    fn load(&self, name: &str, seen: &Seen) -> Result<Source, StoreError> {
        let path = self.project.root.join(name);
        let bytes = std::fs::read(path).map_err(StoreError::io("read", name.as_ref()))?;
        if !self.cache.are(name, seen, &bytes)? {
            return Err(StoreError::Changing { path: name.into() });
        }
        Ok(Source { name: name.to_owned(), bytes })
    }

    /// What another pipeline keeps of the step that a source is.
    fn upstream(&self, plan: &Plan, source: usize) -> Result<Option<TableMeta>, Fault> {
        let Origin::Pipeline { pipeline, step, part } = &plan.sources[source].spec.origin else { return Ok(None) };
        let other = self.project.other(pipeline)?;
        let meta = upstream::kept_table(&other, pipeline, step)?;
        let parts = meta.parts.iter().filter(|meta| part.as_ref().is_none_or(|part| meta.part.name() == part));
        Ok(Some(TableMeta { parts: parts.cloned().collect(), ..meta }))
    }

    /// A source's table, read if it isn't in memory.
    fn kept(&self, plan: &Plan, source: usize, read: &dyn Fn() -> Result<Judged, Fault>) -> Result<Arc<Table>, Fault> {
        // Held while reading: two steps that need the same source read it once.
        let mut slot = self.slots[source].table.lock().expect("no holder panicked");
        if let Some(table) = slot.as_ref() {
            return Ok(Arc::clone(table));
        }
        let node = &plan.sources[source];
        let read = || {
            let judged = read()?;
            let findings = (judged.findings, judged.bad);
            // The same rows are found to be the same.
            let _ = self.slots[source].findings.set(Arc::new(findings));
            filtered(judged.table, node)
        };
        let table = read().map_err(|fault| {
            if fault.route == crate::source::Route::here() {
                fault.within("path").under(&node.spec.route())
            } else {
                fault
            }
        })?;
        let table = in_known_order(table, node)?;
        let mut shape: Shape = table.shape.clone();
        shape.protected.clone_from(&plan.protected);
        shape.guarded.clone_from(&plan.guarded);
        let table = Arc::new(table.with_shape(shape));
        *slot = Some(Arc::clone(&table));
        Ok(table)
    }
}

/// The table with its columns in the order that the plan knows, which the lock keeps: a file whose columns are swapped gives
/// the same table. One with other columns stays as it is, and is told of where they are missed.
fn in_known_order(table: Table, node: &SourceNode) -> Result<Table, Fault> {
    let Some(known) = &node.shape else { return Ok(table) };
    let is_same =
        known.fields.len() == table.shape.fields.len() && known.names().all(|name| table.shape.known(name).is_some());
    if !is_same || known.names().eq(table.shape.names()) {
        return Ok(table);
    }
    let fields = known.names().filter_map(|name| table.shape.fields.iter().find(|field| field.name == name));
    let shape = Shape { fields: fields.cloned().collect(), ..table.shape.clone() };
    let hidden = |frame: &DataFrame| {
        let names = frame.get_column_names().into_iter().map(|name| name.to_string());
        names.filter(|name| shape.known(name).is_none()).collect::<Vec<String>>()
    };
    let table = table.map(|_, frame| {
        let names = shape.names().map(str::to_owned).chain(hidden(&frame));
        frame.select(names).map_err(data::unexpected)
    })?;
    Ok(table.with_shape(shape))
}

/// How a source is read, and what it must look like, as it counts in keys.
fn how(node: &SourceNode) -> Json {
    let shape = node.shape.as_ref();
    let kinds: BTreeMap<&str, Kind> =
        shape.into_iter().flat_map(|shape| &shape.fields).map(|field| (field.name.as_str(), field.kind)).collect();
    let mut reading = serde_json::to_value(&node.spec.reading).expect("plain data");
    reading["kinds"] = json!(kinds);
    let contract = serde_json::to_value(&node.contract).expect("plain data");
    let condition = serde_json::to_value(&node.condition).expect("plain data");
    let mut how = json!({"reading": reading, "contract": contract, "where": condition});
    if node.condition.is_some() || node.contract.as_ref().is_some_and(|contract| !contract.checks.is_empty()) {
        how["functions"] = json!(expr::VERSION);
    }
    how
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_are_one_list_of_digests() {
        let dir = tempfile::tempdir().expect("folder");
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        names.iter().for_each(|name| std::fs::write(dir.path().join(name), name).expect("written"));
        let seen = Sources::open(dir.path()).expect("opened").look(&names).expect("read");
        let seen: Vec<(String, Seen)> = names.into_iter().zip(seen).collect();
        let list = |seen: &[(String, Seen)]| {
            Json::Array(seen.iter().map(|(_, seen)| seen.digest.to_string().into()).collect())
        };
        for count in [0, 2, 3] {
            assert_eq!(together(&seen[..count]), Digest::of_json(&list(&seen[..count])), "{count}");
        }
        assert_eq!(together(&seen[..1]), Digest::of(b"a"));
    }
}
