//! The files that a pipeline is made of and works on, as they are written in it.

use super::{Origin, Spec, Verb};

/// Paths, relative to the project's root or absolute; those of data may be globs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// What its sources read.
    pub data: Vec<String>,
    /// What else decides about results: contracts, and the code of programs.
    pub rules: Vec<String>,
    /// What its runs write into the project.
    pub written: Vec<String>,
    /// The pipelines whose tables it works on.
    pub pipelines: Vec<String>,
}

impl Files {
    /// With those of another pipeline.
    pub fn extend(&mut self, other: Self) {
        self.data.extend(other.data);
        self.rules.extend(other.rules);
        self.written.extend(other.written);
        self.pipelines.extend(other.pipelines);
    }
}

impl Spec {
    /// The files that it names.
    pub fn files(&self) -> Files {
        let mut files = Files::default();
        for source in &self.sources {
            match &source.origin {
                Origin::Files => files.data.push(source.path.clone()),
                Origin::Pipeline { pipeline, .. } => files.pipelines.push(pipeline.clone()),
                Origin::Program { .. } => {}
            }
            files.rules.extend(source.contract.clone());
        }
        for step in &self.steps {
            files.written.extend(step.save.clone());
            if let Verb::Run(run) = &step.verb {
                files.rules.extend(run.code.iter().cloned());
            }
        }
        files
    }
}
