//! Where rows that are set aside may go: not over what the project reads or writes otherwise.

use super::node::Plan;
use crate::source::Fault;
use crate::spec::Origin;

/// A fault for each file of rows set aside that a source would read, or that is meant for something else.
pub(super) fn clashes(plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (place, source) in plan.sources.iter().enumerate() {
        let Some(file) = &source.spec.quarantine else { continue };
        let others = plan.sources.iter().enumerate();
        let read = others.clone().filter(|(_, other)| matches!(other.spec.origin, Origin::Files));
        let read = read.filter(|(_, other)| reads(&other.spec.path, file)).map(|(_, other)| {
            format!("the source `{}` reads `{}`, and would read the rows that are set aside", other.spec.name, file)
        });
        let again = others.clone().filter(|(other, source)| {
            *other != place && source.spec.quarantine.as_ref().is_some_and(|other| plain(other) == plain(file))
        });
        let again = again.map(|(_, other)| format!("the rows of `{}` go to this file too", other.spec.name));
        let rules =
            others.filter(|(_, other)| other.spec.contract.as_ref().is_some_and(|path| plain(path) == plain(file)));
        let rules = rules.map(|(_, other)| format!("it is the contract of `{}`", other.spec.name));
        let saved = plan.steps.iter().filter(|step| step.save.as_ref().is_some_and(|path| plain(path) == plain(file)));
        let saved = saved.map(|step| format!("the step `{}` saves its table here", step.name));
        if let Some(message) = read.chain(again).chain(rules).chain(saved).next() {
            let fault = Fault::new("file-clash", message).help("name a file that nothing else is kept in");
            faults.push(fault.within("quarantine").under(&source.spec.route()));
        }
    }
    faults
}

/// Whether a source with that path reads a file: it is the file, a folder above it, or a glob that stands for it.
fn reads(path: &str, file: &str) -> bool {
    let (path, file) = (plain(path), plain(file));
    let above = file.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    above || glob::Pattern::new(&path).is_ok_and(|pattern| pattern.matches(&file))
}

/// A path without what means nothing.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::reads;

    #[test]
    fn a_source_reads_its_file_its_folder_and_what_its_glob_stands_for() {
        for (path, file) in
            [("data/a.csv", "./data/a.csv"), ("data", "data/x/rejected.csv"), ("data/*.csv", "data/rejected.csv")]
        {
            assert!(reads(path, file), "{path} {file}");
        }
        for (path, file) in [("data/a.csv", "data/a.csv.bad.csv"), ("data/*.csv", "out/rejected.csv")] {
            assert!(!reads(path, file), "{path} {file}");
        }
    }
}
