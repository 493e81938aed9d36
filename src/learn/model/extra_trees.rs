//! Extremely randomized trees (Geurts, Ernst and Wehenkel 2006): features are cut at places drawn by chance.

use serde::Serialize;

use super::{HyperParameter, Model, forest, of_another_kind};
use crate::learn::tree;
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// Trees whose cuts are the best of a few drawn by chance; their answers are averaged.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct ExtraTrees(forest::Params);

impl Model for ExtraTrees {
    const NAME: &'static str = "extra_trees";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "trees whose cuts are drawn by chance, whose answers are averaged";
    const EXAMPLE: &'static str = "{n_estimators: 200, min_samples_leaf: 3}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const UPDATES: bool = true;
    const MISSING: bool = true;
    const CATEGORIES: bool = true;
    const HYPER: &'static [HyperParameter] = &forest::table("false");
    const SYNONYMS: &'static [(&'static str, &'static str)] = &forest::SYNONYMS;
    type Params = forest::Params;

    fn check(params: Self::Params) -> Result<Self, Vec<Fault>> {
        Ok(Self(params.checked(false)?))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        Ok(Estimator::Forest(tree::forest(data, &self.0.plan(data, true)?)?))
    }

    /// As many trees more, grown on the rows of today.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Estimator::Forest(previous) = previous else { return Err(of_another_kind(Self::NAME)) };
        Ok(Estimator::Forest(tree::more(previous, data, &self.0.plan(data, true)?)?))
    }
}
