//! Steps that run a program of the user's own: their key, their scratch folder, what they leave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::child::{self, Job};
use super::event::{Event, Outcome};
use super::key;
use super::outcome::{Payload, StepDone};
use super::run::Cx;
use super::said::masked;
use super::shell;
use super::table::{self, object};
use super::unit::{Made, Parts, label, unit};
use crate::data::{self, Field, Format, Shape};
use crate::plan::{Input, Program, ProgramInput, Read, Step};
use crate::source::{Fault, Route};
use crate::spec::{Command, Cwd, Origin, OutputKind, OutputSpec, Piece, pieces, written};
use crate::store::{Digest, Record, STATE, StoreError};

/// What the log of a program is kept as, beside its record.
pub const LOG: &str = "log";

/// The columns of a table that a program left, as its record has them.
pub(super) fn columns(record: &Record, output: &str) -> Option<Shape> {
    let columns = &record.meta["outputs"][output]["columns"];
    let fields: Vec<Field> = serde_json::from_value(columns.clone()).ok()?;
    Some(Shape { fields, ..Shape::default() })
}

/// The tables among a program's outputs whose columns are others than those that the plan was made with.
fn surprises(cx: &Cx, step: &Step, program: &Program, record: &Record) -> BTreeMap<String, Shape> {
    let mut found = BTreeMap::new();
    for output in &program.spec.outputs {
        let name = format!("{}.{}", step.name, output.name);
        let (Some(shape), Some(source)) = (columns(record, &output.name), cx.plan.source(&name)) else { continue };
        let planned = cx.plan.sources[source].shape.as_ref().map(|shape| &shape.fields);
        if planned != Some(&shape.fields) {
            found.insert(name, shape);
        }
    }
    found
}

/// Runs a step with a program.
pub(super) fn run(cx: &Cx, step: &Step, program: &Program) -> Result<StepDone, Fault> {
    let parts = key(cx, step, program)?;
    let done = unit(cx, &label(&cx.plan.name, &step.name, ""), &parts, || {
        Attempt { cx, step, program, parts: &parts }.make()
    })?;
    let mut outputs = BTreeMap::new();
    for output in &program.spec.outputs {
        outputs.insert(output.name.clone(), done.output(&output.name)?);
    }
    let surprises = surprises(cx, step, program, &done.record);
    let sizes: Vec<String> = program.spec.outputs.iter().map(|output| shown(output, &done.record.meta)).collect();
    Ok(StepDone {
        outcome: if done.ran.is_some() { Outcome::Ran } else { Outcome::Cached },
        reason: done.ran.unwrap_or_else(|| "nothing it depends on changed".to_owned()),
        key: done.key,
        outputs,
        metrics: None,
        summary: if sizes.is_empty() { "leaves nothing".to_owned() } else { sizes.join(", ") },
        payload: Payload::Files(surprises),
    })
}

fn shown(output: &OutputSpec, meta: &Json) -> String {
    let of = &meta["outputs"][&output.name];
    match of["rows"].as_u64() {
        Some(rows) => format!("{} {rows} rows", output.name),
        None => format!("{} {} bytes", output.name, of["bytes"].as_u64().unwrap_or_default()),
    }
}

fn key(cx: &Cx, step: &Step, program: &Program) -> Result<Parts, Fault> {
    let spec = &program.spec;
    let mut parts = Parts::new("run");
    parts.add("command", spec.command_json());
    parts.add("cwd", if spec.cwd == Cwd::Root { "root" } else { "scratch" });
    for input in &program.inputs {
        input_key(cx, input, &mut parts)?;
    }
    for (nth, path) in spec.code.iter().enumerate() {
        let at = |fault: Fault| fault.under(&step.route().key("code").index(nth));
        for (file, digest) in cx.tables.code(path).map_err(at)? {
            parts.add(format!("code.{file}"), digest.to_string());
        }
    }
    for (name, value) in &spec.env {
        let value = match value {
            Some(value) => written(value),
            None => variable(name, &step.route().key("env"))?,
        };
        parts.add(format!("env.{name}"), Digest::of(value.as_bytes()).to_string());
    }
    for output in &spec.outputs {
        let how = match &output.kind {
            OutputKind::File | OutputKind::Model(_) => json!({"path": output.path}),
            OutputKind::Table(table) => json!({"path": output.path, "table": table.reading}),
        };
        parts.add(format!("outputs.{}", output.name), how);
    }
    Ok(parts)
}

fn input_key(cx: &Cx, input: &ProgramInput, parts: &mut Parts) -> Result<(), Fault> {
    let name = format!("inputs.{}", input.name);
    match &input.from {
        Read::Table(Input::Source(source)) => {
            if is_elsewhere(cx, *source) {
                parts.add(format!("{name}.format"), json!(input.format));
            }
            parts.add(name, cx.identity(*source)?.bytes.to_string());
        }
        Read::Table(Input::Step(step)) => {
            let mut own = Parts(Vec::new());
            key::table(&mut own, cx.done(*step).table());
            parts.add(format!("{name}.format"), json!(input.format));
            parts.0.extend(own.0.into_iter().map(|(path, value)| (format!("{name}.{path}"), value)));
        }
        Read::File { step, output } => parts.add(name, cx.done(*step).outputs[output].to_string()),
    }
    Ok(())
}

/// Whether a source is a table of another pipeline: no file that a program could read in place.
fn is_elsewhere(cx: &Cx, source: usize) -> bool {
    matches!(cx.plan.sources[source].spec.origin, Origin::Pipeline { .. })
}

fn variable(name: &str, route: &Route) -> Result<String, Fault> {
    std::env::var(name)
        .map_err(|_| Fault::new("missing-env", format!("the environment variable `{name}` isn't set")).under(route))
}

/// A folder that is gone when this is dropped.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed now is swept with the process's own folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// One try of a program.
struct Attempt<'a> {
    cx: &'a Cx<'a>,
    step: &'a Step,
    program: &'a Program,
    /// What its key was made of.
    parts: &'a Parts,
}

impl Attempt<'_> {
    fn make(&self) -> Result<Made, Fault> {
        let scratch = Scratch(self.cx.store.scratch()?);
        let inputs = self.inputs(&scratch.0)?;
        let left = scratch.0.join("outputs");
        for output in &self.program.spec.outputs {
            let path = left.join(&output.path);
            let folder = path.parent().unwrap_or(&left);
            fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        }
        fs::create_dir_all(&left).map_err(StoreError::io("create", &left))?;
        let log = self.log();
        self.run(&inputs, &left, &log)?;
        self.cx.check()?;
        if let Some(file) = self.changed()? {
            let fault = Fault::new("source-changed", format!("`{file}` changed while the program ran"));
            return Err(
                fault.help("run again when it is written; a program writes to its outputs, not to what it reads")
            );
        }
        let mut outputs = BTreeMap::new();
        let mut told = serde_json::Map::new();
        for output in &self.program.spec.outputs {
            let at = |fault: Fault| self.placed(fault, output);
            let (digest, about) = self.keep(output, &left).map_err(at)?;
            outputs.insert(output.name.clone(), digest);
            told.insert(output.name.clone(), about);
        }
        let log = self.cx.store.root().join(log);
        let (kept, _) = self.file(&log)?;
        drop(fs::remove_file(&log));
        drop(fs::remove_dir(log.parent().unwrap_or(&log)));
        let about = BTreeMap::from([(LOG.to_owned(), kept)]);
        Ok(Made { outputs, meta: json!({"outputs": told}), about })
    }

    /// A file that the program reads in place and that changed since the key was made: what it left is not of that key.
    fn changed(&self) -> Result<Option<String>, Fault> {
        for input in &self.program.inputs {
            let Read::Table(Input::Source(source)) = input.from else { continue };
            if self.cx.plan.maker(source).is_none()
                && let Some(file) = self.cx.tables.changed(self.cx.plan, source)?
            {
                return Ok(Some(file));
            }
        }
        let mut now = BTreeMap::new();
        for path in &self.program.spec.code {
            let files = self.cx.tables.code(path)?.into_iter();
            now.extend(files.map(|(file, digest)| (format!("code.{file}"), Json::from(digest.to_string()))));
        }
        let mut code = self.parts.0.iter().filter(|(part, _)| part.starts_with("code."));
        let changed = code.find(|(part, digest)| now.get(part) != Some(digest));
        Ok(changed.map(|(part, _)| part["code.".len()..].to_owned()))
    }

    /// A fault of an output at its place in the file.
    fn placed(&self, fault: Fault, output: &OutputSpec) -> Fault {
        match fault.route.segments().first() {
            Some(crate::source::Segment::Key(first)) if first == "steps" => fault,
            _ => Fault { route: Route::here(), ..fault }.under(&self.step.route().key("outputs").key(&output.name)),
        }
    }

    /// Where the lines of this run's program are while it runs, and stay if it fails.
    fn log(&self) -> PathBuf {
        Path::new(STATE).join("logs").join(&self.cx.run).join(format!("{}.log", file_name(&self.step.name)))
    }

    fn run(&self, inputs: &BTreeMap<String, PathBuf>, left: &Path, log: &Path) -> Result<(), Fault> {
        let spec = &self.program.spec;
        let filled = |text: &str| self.filled(text, inputs, left);
        let command = match &spec.command {
            Command::List(list) => list.iter().map(|text| filled(text)).collect(),
            Command::Shell(line) => {
                let line = shell::filled(line, &|mark| self.place(mark, inputs, left));
                vec!["sh".to_owned(), "-c".to_owned(), line]
            }
        };
        let mut set: Vec<(String, String)> = self.threads();
        for (name, value) in &spec.env {
            set.extend(value.as_ref().map(|value| (name.clone(), filled(value))));
        }
        let route = self.step.route().key("secrets");
        let secrets = spec.secrets.iter().map(|name| variable(name, &route)).collect::<Result<Vec<_>, _>>()?;
        let unset = self.cx.plan.secrets.iter().filter(|name| !spec.secrets.contains(name)).cloned().collect();
        let root = self.cx.store.root();
        let job = Job {
            command,
            folder: if spec.cwd == Cwd::Root { root } else { left },
            set,
            unset,
            secrets,
            log: &root.join(log),
        };
        let say = |line| self.cx.tell(Event::Said { step: self.step.name.clone(), line });
        let shown = |fault: Fault| {
            let help = fault.help.map(|help| help.replace(&format!("{}/", root.display()), ""));
            let message = masked(&fault.message, &job.secrets);
            let fault = Fault { message, help, ..fault };
            if fault.code == "interrupted" { fault } else { fault.within("run") }
        };
        child::run(&job, &say, &|| self.cx.stopped()).map_err(shown)
    }

    /// Programs that would take every processor are told how many they may, unless somebody outside has said it.
    fn threads(&self) -> Vec<(String, String)> {
        let mut set = vec![("PYTHONUNBUFFERED", "1".to_owned())];
        if let Some(cpu) = self.step.limits.cpu {
            let names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"];
            set.extend(names.into_iter().chain(["POLARS_MAX_THREADS"]).map(|name| (name, cpu.to_string())));
        }
        set.retain(|(name, _)| std::env::var_os(name).is_none());
        set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// A text with the places that its marks stand for.
    fn filled(&self, text: &str, inputs: &BTreeMap<String, PathBuf>, left: &Path) -> String {
        pieces(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Mark(mark) => self.place(mark, inputs, left),
            })
            .collect()
    }

    /// The place that a mark stands for.
    fn place(&self, mark: &str, inputs: &BTreeMap<String, PathBuf>, left: &Path) -> String {
        let output = mark.strip_prefix("outputs.").and_then(|name| {
            let found = self.program.spec.outputs.iter().find(|output| output.name == name)?;
            Some(left.join(&found.path))
        });
        let place = output.or_else(|| inputs.get(mark.strip_prefix("inputs.")?).cloned());
        place.map(|path| path.display().to_string()).unwrap_or_default()
    }

    /// Where each input is, by its mark: `features.train`, `penguins`.
    fn inputs(&self, scratch: &Path) -> Result<BTreeMap<String, PathBuf>, Fault> {
        let folder = scratch.join("inputs");
        fs::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        let mut places = BTreeMap::new();
        for (nth, input) in self.program.inputs.iter().enumerate() {
            match &input.from {
                Read::Table(Input::Step(step)) => {
                    for meta in &self.cx.done(*step).table().parts {
                        let mark = match meta.part {
                            data::Part::All => input.name.clone(),
                            part => format!("{}.{}", input.name, part.name()),
                        };
                        let path = folder.join(format!("{mark}.{}", extension(input.format)).replace('/', "_"));
                        let bytes = data::write(&*table::frame(self.cx, meta)?, &path.to_string_lossy())?;
                        fs::write(&path, bytes).map_err(StoreError::io("write", &path))?;
                        places.insert(mark, path);
                    }
                }
                Read::Table(Input::Source(source)) if is_elsewhere(self.cx, *source) => {
                    let path = folder.join(format!("{nth}.{}", extension(input.format)));
                    let bytes = data::write(self.cx.table(*source)?.training(), &path.to_string_lossy())?;
                    fs::write(&path, bytes).map_err(StoreError::io("write", &path))?;
                    places.insert(input.name.clone(), path);
                }
                Read::Table(Input::Source(source)) if self.cx.plan.maker(*source).is_none() => {
                    let path = self.cx.tables.file(self.cx.plan, *source);
                    let at = |fault: Fault| fault.under(&self.step.route().key("inputs").index(nth));
                    places.insert(input.name.clone(), path.map_err(at)?);
                }
                Read::Table(Input::Source(source)) => {
                    let spec = &self.cx.plan.sources[*source].spec;
                    let digest = self.cx.identity(*source)?.bytes;
                    places.insert(input.name.clone(), self.copy(&digest, &folder, nth, &spec.path)?);
                }
                Read::File { step, output } => {
                    let done = self.cx.done(*step);
                    let digest = done.outputs[output];
                    places.insert(input.name.clone(), self.copy(&digest, &folder, nth, output)?);
                }
            }
        }
        Ok(places)
    }

    /// A kept file as a copy that the program may do with as it likes.
    fn copy(&self, digest: &Digest, folder: &Path, nth: usize, name: &str) -> Result<PathBuf, Fault> {
        let name = Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let path = folder.join(format!("{nth}-{name}"));
        fs::write(&path, object(&self.cx.store, digest)?).map_err(StoreError::io("write", &path))?;
        Ok(path)
    }

    /// Keeps a file, however large, and tells its size.
    fn file(&self, path: &Path) -> Result<(Digest, u64), StoreError> {
        let mut file = fs::File::open(path).map_err(StoreError::io("read", path))?;
        let mut writer = self.cx.store.writer()?;
        let bytes = std::io::copy(&mut file, &mut writer).map_err(|error| writer.error(error))?;
        Ok((writer.finish()?, bytes))
    }

    /// Keeps what the program left, and tells how large it is. A table must be one.
    fn keep(&self, output: &OutputSpec, left: &Path) -> Result<(Digest, Json), Fault> {
        let path = left.join(&output.path);
        if !path.is_file() {
            return Err(no_file(output, left));
        }
        let (digest, bytes) = self.file(&path)?;
        let mut about = json!({"bytes": bytes});
        if let OutputKind::Table(_) = output.kind {
            let source = self.cx.plan.source(&format!("{}.{}", self.step.name, output.name));
            let source = source.expect("every table that a program leaves is a source");
            let rows = || object(&self.cx.store, &digest);
            let table = self.cx.tables.first_of(self.cx.plan, source, &rows)?;
            about["rows"] = table.rows().into();
            about["columns"] = json!(table.shape.fields);
        }
        if let OutputKind::Model(_) = output.kind {
            // A network that can't be run is told where it is made, and isn't kept.
            crate::learn::onnx::read(&object(&self.cx.store, &digest)?)?;
        }
        Ok((digest, about))
    }
}

/// Why an output can't be kept: it isn't there, or it isn't a file.
fn no_file(output: &OutputSpec, left: &Path) -> Fault {
    let let_it = format!("let it write a file to `{{{{ outputs.{} }}}}`", output.name);
    let what = match fs::symlink_metadata(left.join(&output.path)) {
        Ok(found) if found.is_dir() => "a folder",
        Ok(found) if found.is_symlink() => "a link that leads to no file",
        Ok(_) => "no plain file",
        Err(_) => {
            let entries = fs::read_dir(left).into_iter().flatten();
            let mut beside: Vec<String> =
                entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
            beside.sort();
            let fault = Fault::new("no-output", format!("the program left no file `{}`", output.path));
            return fault.help(match beside.is_empty() {
                true => let_it,
                false => format!("it left {}", crate::source::list(beside.iter().map(String::as_str))),
            });
        }
    };
    Fault::new("no-output", format!("what the program left as `{}` is {what}", output.path)).help(let_it)
}

/// The longest name of a step that a file is named after as it is.
const LONGEST_NAME: usize = 120;

/// A step's name as that of a file: no two have the same.
fn file_name(step: &str) -> String {
    let plain = !step.contains(['/', '\\']) && !step.chars().any(char::is_control);
    if plain && step.len() <= LONGEST_NAME {
        return step.to_owned();
    }
    let bad = |c: char| matches!(c, '/' | '\\') || c.is_control();
    let shown: String = step.chars().map(|c| if bad(c) { '_' } else { c }).take(LONGEST_NAME / 4).collect();
    format!("{shown}-{}", &Digest::of(step.as_bytes()).hex()[..8])
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Csv => "csv",
        Format::Tsv => "tsv",
        Format::Parquet => "parquet",
        Format::Arrow => "arrow",
        Format::Ndjson => "ndjson",
        Format::Json => "json",
    }
}
