//! Finding, reading and checking pipelines.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use super::{Failure, ParamArgs};
use crate::engine::{DeployResult, Effects, Env, Project, Registration, SourceTables, StepDone, kept, root_of};
use crate::plan::{Plan, build};
use crate::source::{Diagnostic, Document, Fault, Severity, in_order, suggest};
use crate::spec::{Overrides, load};
use crate::store::{Lock, Store};

/// A pipeline that is right.
pub(super) struct Opened {
    /// The project's root.
    pub(super) project: Project,
    /// The pipeline's file, relative to the root where it is inside.
    pub(super) file: PathBuf,
    pub(super) document: Document,
    pub(super) plan: Plan,
    /// Warnings.
    pub(super) warnings: Vec<Diagnostic>,
    /// Whether any param was overridden.
    pub(super) overridden: bool,
}

/// What a file gives: a plan or not, and what there is to say of it.
pub(super) struct Looked {
    pub(super) name: String,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) opened: Option<Opened>,
}

/// The project's root, from the current folder.
pub(super) fn root() -> PathBuf {
    root_of(&std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")))
}

impl ParamArgs {
    fn overrides(&self) -> Overrides {
        Overrides { files: self.params.clone(), set: self.set.clone(), ..Overrides::default() }.with_environment()
    }
}

/// Reads and checks the pipeline in a file.
pub(super) fn look(root: &Path, file: &Path, params: &ParamArgs) -> Result<Looked, Fault> {
    let shown = file.strip_prefix(root).unwrap_or(file).to_path_buf();
    let name = shown.display().to_string();
    let text = std::fs::read_to_string(file).map_err(crate::store::StoreError::io("read", &shown))?;
    let overrides = params.overrides();
    let loaded = match load(&name, &text, &overrides, root) {
        Ok(loaded) => loaded,
        Err(diagnostics) => return Ok(Looked { name, diagnostics: in_order(diagnostics), opened: None }),
    };
    let project = Project { root: root.to_owned(), lock: Lock::read(&lock_path(file))? };
    let built = build(&loaded.spec, &project, loaded.faults);
    let mut diagnostics: Vec<Diagnostic> = built.faults.iter().map(|fault| loaded.document.diagnose(fault)).collect();
    diagnostics.extend(built.elsewhere);
    diagnostics.extend(loaded.outside.iter().map(Diagnostic::placeless));
    let wrong = Opened::has_errors(&diagnostics);
    let diagnostics = in_order(diagnostics);
    let opened = built.plan.filter(|_| !wrong).map(|plan| Opened {
        project,
        file: file.to_owned(),
        document: loaded.document,
        plan,
        warnings: diagnostics.clone(),
        overridden: overrides.any(),
    });
    Ok(Looked { name, diagnostics, opened })
}

/// The lock beside a pipeline's file.
pub(super) fn lock_path(file: &Path) -> PathBuf {
    file.with_extension("lock")
}

/// The pipeline's file that a name stands for; without a name, the project's only one.
pub(super) fn file_of(root: &Path, name: Option<&str>) -> Result<PathBuf, Fault> {
    if let Some(name) = name {
        return Project::pipeline(root, name);
    }
    let names = Project::names(root);
    match names.as_slice() {
        [one] => Project::pipeline(root, one),
        [] => Err(Fault::new("no-pipeline", format!("there is no pipeline in `{}`", root.join("pipelines").display()))
            .help("`gristmill init` begins a project with an example in it")),
        many => Err(Fault::new("which-pipeline", "there are several pipelines")
            .help(format!("name one of {}", crate::source::list(many.iter().map(String::as_str))))),
    }
}

/// A right pipeline, or all of its mistakes. Warnings are printed.
pub(super) fn open(name: Option<&str>, params: &ParamArgs) -> Result<Opened, Failure> {
    let root = root();
    let file = file_of(&root, name)?;
    let looked = look(&root, &file, params)?;
    match looked.opened {
        Some(opened) => {
            if !opened.warnings.is_empty() {
                super::say(&format!("{}\n", crate::source::render(&opened.warnings, super::color(&std::io::stderr()))));
            }
            Ok(opened)
        }
        None => Err(Failure::wrong(looked.diagnostics)),
    }
}

/// A pipeline and one of its steps, from `pipeline/step`, or from a step's name alone where only one pipeline has it.
pub(super) fn open_step(target: &str, params: &ParamArgs) -> Result<(Opened, String), Failure> {
    if let Some((pipeline, step)) = target.split_once('/').filter(|(pipeline, _)| !pipeline.ends_with("pipelines")) {
        return Ok((open(Some(pipeline), params)?, step.to_owned()));
    }
    let root = root();
    let mut found = Vec::new();
    let mut all = Vec::new();
    for name in Project::names(&root) {
        let file = Project::pipeline(&root, &name)?;
        let Some(opened) = look(&root, &file, params)?.opened else { continue };
        all.extend(opened.plan.steps.iter().map(|step| step.name.clone()));
        let own = target.split('.').next().unwrap_or(target);
        if opened.plan.step(target).is_some() || opened.plan.step(own).is_some() {
            found.push((name, opened));
        }
    }
    match found.len() {
        1 => Ok((found.remove(0).1, target.to_owned())),
        0 => Err(Fault::new("unknown-step", format!("no pipeline has a step `{target}`"))
            .maybe_help(suggest(target, all.iter().map(String::as_str)))
            .into()),
        _ => {
            let names: Vec<String> = found.iter().map(|(name, _)| format!("`{name}/{target}`")).collect();
            Err(Fault::new("which-pipeline", format!("several pipelines have a step `{target}`"))
                .help(format!("write {}", names.join(" or ")))
                .into())
        }
    }
}

impl Opened {
    /// The places of a step and of all that it needs; of all steps without one.
    pub(super) fn places(&self, step: Option<&str>) -> Result<Vec<usize>, Fault> {
        let Some(name) = step else {
            return Ok((0..self.plan.steps.len()).collect());
        };
        let place = self.place(name)?;
        let mut places = vec![place];
        let mut next = 0;
        while next < places.len() {
            for need in self.plan.needs(places[next]) {
                if !places.contains(&need) {
                    places.push(need);
                }
            }
            next += 1;
        }
        places.sort_unstable();
        Ok(places)
    }

    /// The place of a step.
    pub(super) fn place(&self, name: &str) -> Result<usize, Fault> {
        self.plan.step(name).ok_or_else(|| {
            let known = self.plan.steps.iter().map(|step| step.name.as_str());
            Fault::new("unknown-step", format!("`{}` has no step `{name}`", self.plan.name))
                .maybe_help(suggest(name, known))
        })
    }

    /// What is kept of a step.
    ///
    /// # Errors
    /// If a run would make it anew.
    pub(super) fn kept(&self, step: &str) -> Result<StepDone, Fault> {
        let places = self.places(Some(step))?;
        let place = self.place(step)?;
        let tables = self.tables()?;
        let at = places.iter().position(|other| *other == place).expect("it is among what it needs");
        kept(&self.plan, &places, &self.looking(&tables)?).swap_remove(at).ok_or_else(|| {
            Fault::new("not-made", format!("`{step}` isn't up to date"))
                .help(format!("`gristmill run {}/{step}` makes it", self.plan.name))
        })
    }

    /// Where its rows come from.
    pub(super) fn tables(&self) -> Result<SourceTables<'_>, Fault> {
        SourceTables::new(&self.project, &self.plan)
    }

    /// An environment that changes nothing: for commands that only look.
    pub(super) fn looking<'a>(&'a self, tables: &'a SourceTables<'a>) -> Result<Env<'a>, Fault> {
        Ok(Env {
            store: Store::open(&self.project.root)?,
            tables,
            effects: &Nothing,
            jobs: 1,
            force: false,
            record: false,
            run: String::new(),
            stop: &RUNNING,
        })
    }

    /// A fault at its place in the pipeline's file.
    pub(super) fn diagnose(&self, fault: &Fault) -> Diagnostic {
        if fault.route.segments().is_empty() { Diagnostic::placeless(fault) } else { self.document.diagnose(fault) }
    }

    /// Whether there is an error among these.
    pub(super) fn has_errors(diagnostics: &[Diagnostic]) -> bool {
        diagnostics.iter().any(|found| found.severity == Severity::Error)
    }
}

static RUNNING: AtomicBool = AtomicBool::new(false);

/// Nothing is deployed by a command that only looks.
struct Nothing;

impl Effects for Nothing {
    fn register(&self, _: &Registration) -> Result<DeployResult, Fault> {
        Err(Fault::new("not-run", "nothing is deployed here"))
    }
}
