//! Random forests (Breiman 2001): trees on bootstrap samples that look at a few features for each cut.

use serde::Serialize;

use super::{HyperParameter, Model, forest, of_another_kind};
use crate::learn::tree;
use crate::learn::{Estimator, Task, Training};
use crate::source::Fault;

/// Trees that each learn from other rows and features; their answers are averaged.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct RandomForest(forest::Params);

impl Model for RandomForest {
    const NAME: &'static str = "random_forest";
    const VERSION: u32 = 3;
    const SUMMARY: &'static str = "trees on random rows and features, whose answers are averaged";
    const EXAMPLE: &'static str = "{n_estimators: 200, max_depth: 8}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const UPDATES: bool = true;
    const MISSING: bool = true;
    const CATEGORIES: bool = true;
    const HYPER: &'static [HyperParameter] = &forest::table("true");
    const SYNONYMS: &'static [(&'static str, &'static str)] = &forest::SYNONYMS;
    type Params = forest::Params;

    fn check(params: Self::Params) -> Result<Self, Vec<Fault>> {
        Ok(Self(params.checked(true)?))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        Ok(Estimator::Forest(tree::forest(data, &self.0.plan(data, false)?)?))
    }

    /// As many trees more, grown on the rows of today.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Estimator::Forest(previous) = previous else { return Err(of_another_kind(Self::NAME)) };
        Ok(Estimator::Forest(tree::more(previous, data, &self.0.plan(data, false)?)?))
    }
}
