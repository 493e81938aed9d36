//! Logistic regression, for two classes and for more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, out_of_range};
use super::{HyperParameter, Model};
use crate::learn::linear::{Logistic, importance};
use crate::learn::memory::{Memory, Posterior, Seen, apart};
use crate::learn::minimize::{Stop, minimize};
use crate::learn::softmax::{Cost, Loss};
use crate::learn::{Estimator, Target, Task, Training, nature, validate};
use crate::source::Fault;

/// What large coefficients cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Their squares.
    #[default]
    L2,
    /// Their absolute values: many of them become 0.
    L1,
    /// Both, shared by `l1_ratio`.
    Elasticnet,
    /// Nothing.
    None,
}

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// The inverse of the penalty's strength.
    pub c: f64,
    /// What large coefficients cost.
    pub penalty: Penalty,
    /// The part of L1 in `elasticnet`.
    pub l1_ratio: Option<f64>,
    /// How near to the optimum is near enough.
    pub tol: f64,
    /// How many iterations at most.
    pub max_iter: usize,
    /// Whether an intercept is fitted.
    pub fit_intercept: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { c: 1.0, penalty: Penalty::L2, l1_ratio: None, tol: 1e-4, max_iter: 100, fit_intercept: true }
    }
}

/// Log-odds that are weighted sums: minimizes c · Σ weight · log-loss + penalty. The intercept costs nothing.
#[derive(Debug, Serialize)]
pub struct LogisticRegression {
    c: f64,
    penalty: Penalty,
    l1_ratio: f64,
    tol: f64,
    max_iter: usize,
    fit_intercept: bool,
}

impl Model for LogisticRegression {
    const NAME: &'static str = "logistic_regression";
    const VERSION: u32 = 3;
    const SUMMARY: &'static str = "log-odds as weighted sums, for two classes (binomial) or more (multinomial)";
    const EXAMPLE: &'static str = "{c: 0.5, penalty: l2}";
    const TASKS: &'static [Task] = &[Task::Classification];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        HyperParameter { name: "c", default: "1.0", range: "> 0", summary: "the inverse of the penalty's strength" },
        HyperParameter {
            name: "penalty",
            default: "l2",
            range: "l2, l1, elasticnet, none",
            summary: "what large coefficients cost",
        },
        HyperParameter {
            name: "l1_ratio",
            default: "0.5 with `elasticnet`",
            range: "0 to 1, only with `elasticnet`",
            summary: "the part of l1 in the penalty",
        },
        HyperParameter {
            name: "tol",
            default: "1e-4",
            range: "> 0",
            summary: "how near to the optimum is near enough, in standard deviations of the features",
        },
        HyperParameter { name: "max_iter", default: "100", range: "≥ 1", summary: "how many iterations at most" },
        HyperParameter {
            name: "fit_intercept",
            default: "true",
            range: "true, false",
            summary: "whether a constant is fitted besides the coefficients",
        },
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] =
        &[("C", "c"), ("iterations", "max_iter"), ("tolerance", "tol"), ("intercept", "fit_intercept")];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        for (key, value) in [("c", params.c), ("tol", params.tol)] {
            faults.positive(key, value);
        }
        faults.at_least("max_iter", 1, params.max_iter);
        match params.l1_ratio {
            Some(ratio) if !(0.0..=1.0).contains(&ratio) => faults.number("l1_ratio", ratio, false, "from 0 to 1"),
            Some(_) if params.penalty != Penalty::Elasticnet => {
                let fault = out_of_range("l1_ratio", "`l1_ratio` has no meaning with this penalty");
                faults.push(fault.help("say `penalty: elasticnet`, or leave it out"));
            }
            _ => {}
        }
        let l1_ratio = match params.penalty {
            Penalty::L1 => 1.0,
            Penalty::L2 | Penalty::None => 0.0,
            Penalty::Elasticnet => params.l1_ratio.unwrap_or(0.5),
        };
        let Params { c, penalty, tol, max_iter, fit_intercept, .. } = params;
        faults.or(Self { c, penalty, l1_ratio, tol, max_iter, fit_intercept })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let Target::Classes { codes, count } = data.y else {
            return Err(validate::wrong_task(Self::NAME, data.y.task()));
        };
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let (present, places) = present(data, codes, *count);
        let seen = Seen { data, places: &places, natures: &natures, intercept: self.fit_intercept };
        self.learn(*count, present, &seen, None)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let Target::Classes { codes, count } = data.y else {
            return Err(validate::wrong_task(Self::NAME, data.y.task()));
        };
        let (before, posterior) = Posterior::of(previous)?;
        if (before.columns, before.count) != (data.x.columns(), *count) {
            return Err(apart("reads other features, or knows other classes"));
        }
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let (own, _) = present(data, codes, *count);
        if own.iter().any(|class| !before.present.contains(class)) {
            return Err(apart("has met no row of one of these classes"));
        }
        let places = places(codes, &before.present);
        let seen = Seen { data, places: &places, natures: &natures, intercept: self.fit_intercept };
        self.learn(*count, before.present.clone(), &seen, Some(posterior))
    }
}

impl LogisticRegression {
    /// The optimum for the rows of today, and for those of before as far as they are remembered.
    fn learn(
        &self,
        count: usize,
        present: Vec<u32>,
        seen: &Seen,
        before: Option<&Posterior>,
    ) -> Result<Estimator, Fault> {
        let Seen { data, places, natures, .. } = *seen;
        if data.remembers() {
            Posterior::affordable(present.len(), data.x.columns())?;
        }
        let own = crate::data::stats::sum((0..data.x.rows()).map(|row| data.weight(row)));
        let total = own + before.map_or(0.0, |before| before.weights().iter().sum());
        let natures = before.map_or_else(|| natures.to_vec(), |before| before.natures(natures, own));
        let strength = if self.penalty == Penalty::None { 0.0 } else { 1.0 / self.c };
        let cost = Cost { l2: strength * (1.0 - self.l1_ratio), l1: strength * self.l1_ratio };
        let loss = Loss::new(data, places, present.len(), &natures, self.fit_intercept, cost, before)?;
        let (coefficients, intercepts) = self.search(data, &loss, total)?;
        let importance = importance(&coefficients, &natures);
        let means = natures.iter().map(|nature| nature.mean).collect();
        let columns = natures.len();
        let logistic = Logistic { count, present, columns, coefficients, intercepts, means, importance };
        let memory = || Ok(Memory::Posterior(Posterior::with(before, &logistic, seen)?));
        data.keep(Estimator::Logistic(logistic.clone()), memory)
    }

    /// The optimum, in the features' units. All rows weigh `total`.
    fn search(&self, data: &Training, loss: &Loss, total: f64) -> Result<(Vec<f64>, Vec<f64>), Fault> {
        // Parameters are scaled so that the curvature is near 1 and their own size grows with the root of the weight.
        let stop = Stop { tolerance: self.tol * total.sqrt(), iterations: self.max_iter };
        let mut passes = 0;
        let mut evaluate = |at: &[f64], gradient: &mut [f64]| {
            data.go_on()?;
            // Mostly one an iteration; what the line search looks at besides doesn't count beyond the end.
            passes += 1;
            data.watch.progress(passes.min(self.max_iter), self.max_iter, "iterations");
            Ok(loss.evaluate(at, gradient))
        };
        let found = minimize(&mut evaluate, loss.l1(), &stop)?;
        let (mut coefficients, mut intercepts) = loss.unscale(&found.at);
        // What is added to every class' log-odds says nothing; as much as no penalty pins it down is left out.
        if intercepts.len() > 1 {
            center(&mut intercepts, 1);
            if self.penalty == Penalty::None {
                center(&mut coefficients, data.x.columns());
            }
        }
        if coefficients.iter().chain(&intercepts).any(|value| !value.is_finite()) {
            return Err(Fault::new("no-solution", "the coefficients are not finite")
                .help("features of sizes as different as these need scaling first, or a penalty"));
        }
        if !found.converged {
            let message = format!("`{}` did not converge in {} iterations", Self::NAME, self.max_iter);
            data.watch.warn(Fault::warning("not-converged", message).help("raise `max_iter`, or lower `c`"));
        }
        Ok((coefficients, intercepts))
    }
}

/// Takes the mean over the rows of `width` numbers each off them.
fn center(rows: &mut [f64], width: usize) {
    let count = (rows.len() / width) as f64;
    for column in 0..width {
        let mean = rows.iter().skip(column).step_by(width).map(|value| value / count).sum::<f64>();
        rows.iter_mut().skip(column).step_by(width).for_each(|value| *value -= mean);
    }
}

/// The classes that count, and each row's place among them. A row of another class has weight 0, so its place is
/// all the same.
fn present(data: &Training, codes: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut seen = vec![false; count];
    for (row, &code) in codes.iter().enumerate() {
        seen[code as usize] |= data.weight(row) > 0.0;
    }
    let present: Vec<u32> = (0..count as u32).filter(|&class| seen[class as usize]).collect();
    let places = places(codes, &present);
    (present, places)
}

/// Each row's place among classes.
fn places(codes: &[u32], present: &[u32]) -> Vec<u32> {
    codes.iter().map(|code| present.binary_search(code).map_or(0, |place| place as u32)).collect()
}
