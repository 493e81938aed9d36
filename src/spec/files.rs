//! The files that a pipeline is made of and works on, as they are written in it.

use super::Spec;

/// Paths, relative to the project's root or absolute; those of data may be globs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// What its sources read.
    pub data: Vec<String>,
    /// What else decides about results: contracts.
    pub rules: Vec<String>,
    /// What its runs write into the project.
    pub written: Vec<String>,
}

impl Spec {
    /// The files that it names.
    pub fn files(&self) -> Files {
        let mut rules: Vec<String> = self.sources.iter().filter_map(|source| source.contract.clone()).collect();
        rules.sort();
        rules.dedup();
        Files {
            data: self.sources.iter().map(|source| source.path.clone()).collect(),
            rules,
            written: self.steps.iter().filter_map(|step| step.save.clone()).collect(),
        }
    }
}
