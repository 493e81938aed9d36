//! Workflows for continuous integration.

use std::path::Path;

use clap::ValueEnum;

use super::super::{Exit, Failure, out, say};
use crate::source::Fault;
use crate::store::write_atomic;

/// A system for which a workflow can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum System {
    /// `.github/workflows/gristmill.yml`
    Github,
    /// `.gitlab-ci.yml`
    Gitlab,
}

impl System {
    fn file(self) -> &'static str {
        match self {
            Self::Github => ".github/workflows/gristmill.yml",
            Self::Gitlab => ".gitlab-ci.yml",
        }
    }

    fn template(self) -> &'static str {
        match self {
            Self::Github => include_str!("github.yml"),
            Self::Gitlab => include_str!("gitlab.yml"),
        }
    }
}

/// Writes a workflow into the repository that the folder is in.
pub(super) fn write(folder: &Path, system: System) -> Result<Exit, Failure> {
    let whole = folder.canonicalize().map_err(crate::store::StoreError::io("read", folder))?;
    let repository = whole.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&whole);
    let way = whole.strip_prefix(repository).unwrap_or(Path::new("")).to_string_lossy().into_owned();
    let file = repository.join(system.file());
    if file.exists() {
        return Err(Fault::new("exists", format!("there is a `{}` already", system.file()))
            .help(format!("nothing was written; move it away, or take over what you need from `gristmill init --ci {}` in an empty folder", name(system)))
            .into());
    }
    write_atomic(&file, workflow(system, &way).as_bytes())?;
    out(&format!("wrote {}", file.strip_prefix(&whole).unwrap_or(&file).display()));
    if !whole.join("pipelines").is_dir() {
        say("note: there are no pipelines here yet; `gristmill init` begins a project with an example");
    }
    Ok(Exit::Done)
}

fn name(system: System) -> String {
    system.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The workflow of a project at `way` from the repository's root.
fn workflow(system: System, way: &str) -> String {
    let (folder, prefix) =
        if way.is_empty() { (".".to_owned(), String::new()) } else { (way.to_owned(), format!("{way}/")) };
    system.template().replace("@FOLDER@", &folder).replace("@PREFIX@", &prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_within_a_repository_is_told_by_its_way() {
        let text = workflow(System::Github, "ml/loans");
        assert!(text.contains("working-directory: ml/loans") && text.contains("path: ml/loans/.gristmill"), "{text}");
        assert!(!text.contains('@') || !text.contains("@P"), "{text}");
        let text = workflow(System::Gitlab, "");
        assert!(text.contains("files: [\"pipelines/*.lock\"]") && text.contains("- cd ."), "{text}");
    }
}
