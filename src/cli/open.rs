//! Finding, reading and checking pipelines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Failure, ParamArgs};
use crate::data::Shape;
use crate::engine::{self, Env, Known, Project, Right, Said, SourceTables, StepDone, kept, root_of};
use crate::plan::Plan;
use crate::source::{Diagnostic, Document, Fault, Severity, suggest};
use crate::spec::Overrides;
use crate::store::Store;

/// A pipeline that is right.
pub(super) struct Opened {
    /// The project, seen from this pipeline.
    pub(super) project: Project,
    /// The pipeline's file.
    pub(super) file: PathBuf,
    pub(super) document: Document,
    pub(super) plan: Plan,
    /// Warnings.
    pub(super) warnings: Vec<Diagnostic>,
    /// Whether any param was overridden.
    pub(super) overridden: bool,
    /// What the command line says of params.
    params: ParamArgs,
}

/// What a file gives: a pipeline or not, and what there is to say of it.
pub(super) struct Looked {
    pub(super) name: String,
    pub(super) diagnostics: Vec<Diagnostic>,
    pub(super) opened: Option<Opened>,
    /// What it says of files and watching, if it could be read at all.
    pub(super) said: Option<Said>,
}

/// The project's root, from the current folder.
pub(super) fn root() -> PathBuf {
    root_of(&std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")))
}

impl ParamArgs {
    /// For a pipeline that another one works on: nothing from outside, the environment included, for that other one looks for
    /// the table that its file stands for.
    pub(super) fn as_written() -> Self {
        Self { as_written: true, ..Self::default() }
    }

    fn overrides(&self) -> Overrides {
        if self.as_written {
            return Overrides::default();
        }
        let (files, set, profile) = (self.params.clone(), self.set.clone(), self.profile.clone());
        Overrides { files, set, profile, ..Overrides::default() }.with_environment()
    }
}

/// Reads and checks the pipeline in a file.
pub(super) fn look(root: &Path, file: &Path, params: &ParamArgs) -> Result<Looked, Fault> {
    look_knowing(root, file, params, Known::default())
}

fn look_knowing(root: &Path, file: &Path, params: &ParamArgs, known: Known) -> Result<Looked, Fault> {
    let overrides = params.overrides();
    let engine::Looked { name, diagnostics, right, said } = engine::look(root, file, &overrides, known)?;
    let opened = right.map(|Right { project, document, plan }| Opened {
        project,
        file: file.to_owned(),
        document,
        plan,
        warnings: diagnostics.clone(),
        overridden: overrides.any(),
        params: params.clone(),
    });
    Ok(Looked { name, diagnostics, opened, said })
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
    open_file_loud(&file_of(&root(), name)?, params)
}

/// The pipeline in a file, or all of its mistakes. Warnings are printed.
pub(super) fn open_file_loud(file: &Path, params: &ParamArgs) -> Result<Opened, Failure> {
    let opened = open_file(file, params)?;
    if !opened.warnings.is_empty() {
        super::say(&format!("{}\n", crate::source::render(&opened.warnings, super::color(&std::io::stderr()))));
    }
    Ok(opened)
}

/// Warnings as the mistakes that a strict command takes them for.
pub(super) fn strictly(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.iter_mut().for_each(|found| found.severity = Severity::Error);
    found
}

/// The pipeline in a file, or all of its mistakes.
pub(super) fn open_file(file: &Path, params: &ParamArgs) -> Result<Opened, Failure> {
    let looked = look(&root(), file, params)?;
    looked.opened.ok_or_else(|| Failure::wrong(looked.diagnostics))
}

/// A pipeline and one of its steps, from `pipeline/step`, or from a step's name alone where only one pipeline has it.
pub(super) fn open_step(target: &str, params: &ParamArgs) -> Result<(Opened, String), Failure> {
    // In the name of a matrix's step, a slash may be part of a value.
    let is_pipeline = |pipeline: &str| !pipeline.ends_with("pipelines") && !pipeline.contains('@');
    if let Some((pipeline, step)) = target.split_once('/').filter(|(pipeline, _)| is_pipeline(pipeline)) {
        return Ok((open(Some(pipeline), params)?, step.to_owned()));
    }
    let root = root();
    let mut found = Vec::new();
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for name in Project::names(&root) {
        let file = Project::pipeline(&root, &name)?;
        let looked = look(&root, &file, params)?;
        let Some(opened) = looked.opened else {
            wrong.extend(looked.diagnostics);
            continue;
        };
        all.extend(opened.plan.steps.iter().map(|step| step.name.clone()));
        let own = target.rsplit_once('.').map_or(target, |(own, _)| own);
        if opened.plan.step(target).is_some() || opened.plan.step(own).is_some() {
            found.push((name, opened));
        }
    }
    match found.len() {
        1 => Ok((found.remove(0).1, target.to_owned())),
        // It may be a step of one that can't be read.
        0 if !wrong.is_empty() => Err(Failure::wrong(wrong)),
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
    /// The same pipeline read anew, now that the columns of what programs left are known.
    pub(super) fn knowing(&self, made: BTreeMap<String, Shape>) -> Result<Self, Failure> {
        let known = Known { made, ..Known::default() };
        let looked = look_knowing(&self.project.root, &self.file, &self.params, known)?;
        looked.opened.ok_or_else(|| Failure::wrong(looked.diagnostics))
    }

    /// The places of a step and of all that it needs; of all steps without one.
    pub(super) fn places(&self, step: Option<&str>) -> Result<Vec<usize>, Fault> {
        let Some(name) = step else {
            return Ok((0..self.plan.steps.len()).collect());
        };
        Ok(self.with_needs(self.named(name)?).into_iter().collect())
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
        Ok(Env::looking(Store::open(&self.project.root)?, tables))
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
