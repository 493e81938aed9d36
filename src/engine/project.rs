//! A project on the disk: its root, its pipelines, and what its files say of columns before a run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::contract::conditions;
use super::files::{is_glob, is_matched, matching};
use super::look::{Known, Right, look};
use super::program;
use super::unit::label;
use crate::data::{self, Contract, Field, Kind, Shape};
use crate::plan::{LastModel, Problem, Schemas};
use crate::source::{Data, Document, Fault, decode, suggest};
use crate::spec::{Origin, Overrides, SourceSpec};
use crate::store::{Lock, Store};

/// A project, seen from one of its pipelines.
pub struct Project {
    /// The project's root.
    pub root: PathBuf,
    /// What the pipeline's lock says of sources, if there is one.
    pub lock: Option<Lock>,
    /// Where the lock is.
    lock_file: PathBuf,
    /// The pipeline's name.
    pipeline: String,
    known: Known,
    /// The pipelines whose tables this one works on, opened once.
    others: Mutex<BTreeMap<String, Arc<Right>>>,
}

/// The nearest folder upward with `gristmill.yaml`, else with `.git`, else `from` itself.
pub fn root_of(from: &Path) -> PathBuf {
    let find = |name: &str| from.ancestors().find(|folder| folder.join(name).exists());
    find("gristmill.yaml").or_else(|| find(".git")).unwrap_or(from).to_owned()
}

impl Project {
    /// The project at `root`, seen from one of its pipelines.
    pub(super) fn new(root: &Path, pipeline: &str, lock_file: PathBuf, lock: Option<Lock>, known: Known) -> Self {
        Self { root: root.to_owned(), lock, lock_file, pipeline: pipeline.to_owned(), known, others: Mutex::default() }
    }

    /// Another pipeline of the project, which this one works on.
    pub(super) fn other(&self, name: &str) -> Result<Arc<Right>, Fault> {
        if let Some(known) = self.others.lock().expect("no holder panicked").get(name) {
            return Ok(Arc::clone(known));
        }
        let mut waiting = self.known.waiting.clone();
        waiting.push(self.pipeline.clone());
        if waiting.iter().any(|waiting| waiting == name) {
            let path = waiting.iter().chain([&name.to_owned()]).map(|name| format!("`{name}`")).collect::<Vec<_>>();
            return Err(Fault::new("cycle", format!("the pipelines wait for each other: {}", path.join(" → "))));
        }
        let file = Self::pipeline(&self.root, name)?;
        let known = Known { waiting, ..Known::default() };
        let looked = look(&self.root, &file, &Overrides::default(), known)?;
        let Some(right) = looked.right else {
            let cycle = looked.diagnostics.iter().find(|found| found.code == "cycle");
            let (code, message) = match cycle {
                Some(cycle) => ("cycle", cycle.message.clone()),
                None => ("broken-pipeline", format!("the pipeline `{name}` has mistakes of its own")),
            };
            return Err(Fault::new(code, message).help(format!("`gristmill check {name}` tells them")));
        };
        let right = Arc::new(right);
        self.others.lock().expect("no holder panicked").insert(name.to_owned(), Arc::clone(&right));
        Ok(right)
    }

    /// The columns of a table of another pipeline.
    fn columns_of(&self, pipeline: &str, step: &str, part: Option<&str>) -> Result<Option<Shape>, Fault> {
        let other = self.other(pipeline)?;
        let Some(table) = other.plan.step(step).and_then(|place| other.plan.table(place)) else {
            let steps = other.plan.steps.iter().enumerate().filter(|(place, _)| other.plan.table(*place).is_some());
            let fault = Fault::new("unknown-step", format!("the pipeline `{pipeline}` has no table `{step}`"));
            return Err(fault.maybe_help(suggest(step, steps.map(|(_, step)| step.name.as_str()))));
        };
        if let Some(part) = part.filter(|_| !table.is_split) {
            return Err(Fault::new("no-part", format!("`{step}` isn't split, so it has no {part} part")));
        }
        let shape = table.shape.clone();
        Ok(shape.map(|shape| Shape { protected: BTreeSet::new(), guarded: BTreeSet::new(), ..shape }))
    }

    /// The columns that a program's table had when the program last ran here.
    fn columns_made(&self, source: &SourceSpec) -> Option<Shape> {
        if let Some(shape) = self.known.made.get(&source.name) {
            return Some(shape.clone());
        }
        let Origin::Program { step, output } = &source.origin else { return None };
        let store = Store::open(&self.root).ok()?;
        let record = store.record(&store.latest(&label(&self.pipeline, step, ""))?)?;
        program::columns(&record, output)
    }

    /// The files of a source, sorted by name, as paths relative to the root.
    ///
    /// # Errors
    /// If there is none: with the nearest name.
    pub fn files(&self, path: &str) -> Result<Vec<String>, Fault> {
        if is_glob(path) {
            let files = matching(&self.root, path)?;
            return if files.is_empty() { Err(unmatched(path)) } else { Ok(files) };
        }
        let whole = self.root.join(path);
        if whole.is_dir() {
            return Err(Fault::new(
                "not-supported",
                format!("`{path}` is a folder, and folders are not supported yet"),
            )
            .help(format!("write a glob: `{}/*.parquet`", path.trim_end_matches('/'))));
        }
        if whole.is_file() {
            return Ok(vec![path.to_owned()]);
        }
        let folder = whole.parent().unwrap_or(&self.root);
        let beside: Vec<String> = std::fs::read_dir(folder)
            .map(|entries| entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
            .unwrap_or_default();
        let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let near = crate::source::nearest(&name, beside.iter().map(String::as_str));
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        Err(Fault::new("missing-file", format!("there is no file `{path}`"))
            .maybe_help(near.map(|near| format!("did you mean `{}`?", folder.join(near).display()))))
    }

    /// The files of a folder with all beneath it, a glob or a file, sorted, as paths relative to the root. What is hidden and
    /// what Python compiles is no code.
    ///
    /// # Errors
    /// If there is none: with the nearest name.
    pub fn code(&self, path: &str) -> Result<Vec<String>, Fault> {
        let whole = self.root.join(path);
        if !whole.is_dir() {
            return self.files(path);
        }
        let mut files = Vec::new();
        walk(&whole, &mut files).map_err(crate::store::StoreError::io("read", Path::new(path)))?;
        let mut files: Vec<String> = files
            .iter()
            .map(|file| file.strip_prefix(&self.root).unwrap_or(file).to_string_lossy().into_owned())
            .collect();
        files.sort();
        Ok(files)
    }

    /// The first file of a source by name; any one, if only whether there is one counts.
    fn first(&self, path: &str, any: bool) -> Result<Option<String>, Fault> {
        if any && is_glob(path) {
            return if is_matched(&self.root, path)? { Ok(None) } else { Err(unmatched(path)) };
        }
        self.files(path).map(|files| files.into_iter().next())
    }

    fn locked(&self, source: &SourceSpec, said: &BTreeMap<String, Kind>) -> Option<Shape> {
        let locked = self.lock.as_ref()?.sources.get(&source.name)?;
        let fields = locked.columns.iter().filter_map(|(name, kind)| {
            let kind = said.get(name).copied().or_else(|| Kind::ALL.into_iter().find(|known| known.name() == kind))?;
            Some(Field { name: name.clone(), kind })
        });
        Some(Shape { fields: fields.collect(), ..Shape::default() })
    }

    /// The columns told by the beginning of the first file.
    fn head(&self, file: &str, source: &SourceSpec, said: &BTreeMap<String, Kind>) -> Result<Shape, Fault> {
        let mut reading = source.reading.clone();
        reading.kinds.clone_from(said);
        data::columns(&self.root.join(file), file, &reading)
    }
}

impl Schemas for Project {
    fn contract(&self, path: &str) -> Result<Contract, Problem> {
        let text = std::fs::read_to_string(self.root.join(path)).map_err(|_| {
            let fault = Fault::new("missing-file", format!("there is no file `{path}`"));
            let near = self.files(path).err().and_then(|fault| fault.help);
            Problem::Here(fault.maybe_help(near))
        })?;
        let document = Document::parse(path, &text).map_err(Problem::There)?;
        let mut faults = Vec::new();
        let contract: Option<Contract> = match document.root.data {
            Data::Map(_) => decode(&document.root, &mut faults),
            _ => {
                faults.push(Fault::new("wrong-type", "a contract is a map of fields").help("begin with `columns:`"));
                None
            }
        };
        faults.extend(contract.iter().flat_map(Contract::faults));
        faults.extend(contract.iter().filter_map(|contract| conditions(contract).err()).flatten());
        match contract {
            Some(contract) if faults.is_empty() => Ok(contract),
            _ => Err(Problem::There(faults.iter().map(|fault| document.diagnose(fault)).collect())),
        }
    }

    fn columns(&self, source: &SourceSpec, said: &BTreeMap<String, Kind>) -> (Option<Shape>, Option<Fault>) {
        let locked = self.locked(source, said);
        match &source.origin {
            Origin::Files => {}
            Origin::Program { .. } => return (self.columns_made(source).or(locked), None),
            Origin::Pipeline { pipeline, step, part } => {
                return match self.columns_of(pipeline, step, part.as_deref()) {
                    Ok(shape) => (shape.or(locked), None),
                    Err(fault) => (None, Some(fault)),
                };
            }
        }
        let first = match self.first(&source.path, locked.is_some()) {
            Ok(first) => first,
            Err(fault) if locked.is_some() && fault.code == "missing-file" => {
                let warning = Fault { severity: crate::source::Severity::Warning, ..fault };
                return (locked, Some(warning.help("its columns are taken from the lock; a run will need it")));
            }
            Err(fault) => return (None, Some(fault)),
        };
        let Some(first) = first.filter(|_| locked.is_none()) else {
            return (locked, None);
        };
        match self.head(&first, source, said) {
            Ok(shape) => (Some(shape), None),
            Err(fault) => (None, Some(fault)),
        }
    }

    fn last(&self, step: &str) -> Option<LastModel> {
        let lock = Lock::read(&self.lock_file).ok()??;
        let kept = lock.steps.get(step)?;
        let digest = |name: &str| kept.outputs.get(name)?.parse().ok();
        Some(LastModel { key: kept.key, model: digest("model")?, parent: digest("parent") })
    }

    fn exists(&self, path: &str) -> Result<(), Fault> {
        if self.root.join(path).is_dir() {
            return Ok(());
        }
        self.files(path).map(drop)
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
            continue;
        }
        // Links to folders are not followed: they may lead in circles.
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), files)?;
        } else if entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn unmatched(path: &str) -> Fault {
    Fault::new("missing-file", format!("no file matches `{path}`"))
}

/// The pipelines of a project: names and files, sorted.
pub(crate) fn pipelines(root: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(root.join("pipelines")) else {
        return Vec::new();
    };
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let extension = path.extension()?.to_str()?;
            let is_one = matches!(extension, "yaml" | "yml") && !path.is_dir();
            is_one.then(|| Some((path.file_stem()?.to_str()?.to_owned(), path.clone())))?
        })
        .collect();
    found.sort();
    found
}

impl Project {
    /// The file of a pipeline, by its name or its path.
    ///
    /// # Errors
    /// If there is none: with the nearest name.
    pub fn pipeline(root: &Path, name: &str) -> Result<PathBuf, Fault> {
        let path = Path::new(name);
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            if path.is_file() {
                return Ok(path.to_owned());
            }
            return Err(Fault::new("missing-file", format!("there is no file `{name}`")));
        }
        let known = pipelines(root);
        match known.iter().find(|(known, _)| known == name) {
            Some((_, file)) => Ok(file.clone()),
            None => Err(Fault::new("unknown-pipeline", format!("there is no pipeline `{name}` in `pipelines/`"))
                .maybe_help(suggest(name, known.iter().map(|(name, _)| name.as_str())))),
        }
    }

    /// The names of all pipelines.
    pub fn names(root: &Path) -> Vec<String> {
        pipelines(root).into_iter().map(|(name, _)| name).collect()
    }
}
