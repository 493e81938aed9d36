//! Naive Bayes: normal distributions, yes or no, or counts.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, out_of_range};
use super::{HyperParameter, Model};
use crate::data::elementary::ln;
use crate::learn::bayes::{Bayes, LEAST, Likelihood};
use crate::learn::linear::{Logistic, importance};
use crate::learn::memory::{Memory, Sums, Tally};
use crate::learn::nature::{self, Nature};
use crate::learn::{Estimator, Target, Task, Training, validate};
use crate::source::Fault;

/// How values are distributed within a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Normally.
    #[default]
    Gaussian,
    /// Above a threshold or not.
    Bernoulli,
    /// As counts of one draw each.
    Multinomial,
}

/// The hyper-parameters as written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How values are distributed within a class.
    pub kind: Kind,
    /// What is added to variances, as a share of the largest one; `gaussian`.
    pub var_smoothing: Option<f64>,
    /// How many rows more every class is taken to have of everything; `bernoulli` and `multinomial`.
    pub alpha: Option<f64>,
    /// What counts as yes is above it; `bernoulli`.
    pub binarize: Option<f64>,
    /// Whether classes are as likely as they are frequent.
    pub fit_prior: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self { kind: Kind::Gaussian, var_smoothing: None, alpha: None, binarize: None, fit_prior: true }
    }
}

/// Classes whose features are taken to be independent of each other.
#[derive(Debug, Serialize)]
pub struct NaiveBayes {
    kind: Kind,
    var_smoothing: f64,
    alpha: f64,
    binarize: f64,
    fit_prior: bool,
}

impl Model for NaiveBayes {
    const NAME: &'static str = "naive_bayes";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "classes whose features are taken to be independent of each other";
    const EXAMPLE: &'static str = "{var_smoothing: 1e-8}";
    const TASKS: &'static [Task] = &[Task::Classification];
    const CHANCE: bool = false;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        HyperParameter {
            name: "kind",
            default: "gaussian",
            range: "gaussian, bernoulli, multinomial",
            summary: "how values are distributed within a class: normally, as yes or no, or as counts",
        },
        HyperParameter {
            name: "var_smoothing",
            default: "1e-9",
            range: "≥ 0, only with `gaussian`",
            summary: "what is added to variances, as a share of the largest one",
        },
        HyperParameter {
            name: "alpha",
            default: "1.0",
            range: "> 0, only with `bernoulli` and `multinomial`",
            summary: "how much every class is taken to have seen of everything beforehand",
        },
        HyperParameter {
            name: "binarize",
            default: "0.0",
            range: "a number, only with `bernoulli`",
            summary: "a value above it is a yes",
        },
        HyperParameter {
            name: "fit_prior",
            default: "true",
            range: "true, false",
            summary: "whether classes are as likely as they are frequent, or all the same",
        },
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("distribution", "kind"),
        ("smoothing", "alpha"),
        ("laplace", "alpha"),
        ("threshold", "binarize"),
        ("prior", "fit_prior"),
        ("priors", "fit_prior"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let Params { kind, var_smoothing, alpha, binarize, fit_prior } = params;
        let mut faults = Faults::default();
        let said = [
            ("var_smoothing", var_smoothing.is_some(), kind == Kind::Gaussian, "gaussian"),
            ("alpha", alpha.is_some(), kind != Kind::Gaussian, "bernoulli"),
            ("binarize", binarize.is_some(), kind == Kind::Bernoulli, "bernoulli"),
        ];
        for (key, said, fits, other) in said {
            if said && !fits {
                let fault = out_of_range(key, format!("`{key}` has no meaning with this kind"));
                faults.push(fault.help(format!("say `kind: {other}`, or leave it out")));
            }
        }
        let (var_smoothing, alpha) = (var_smoothing.unwrap_or(1e-9), alpha.unwrap_or(1.0));
        let binarize = binarize.unwrap_or(0.0);
        faults.not_negative("var_smoothing", var_smoothing);
        faults.positive("alpha", alpha);
        faults.number("binarize", binarize, binarize.is_finite(), "a number");
        faults.or(Self { kind, var_smoothing, alpha, binarize, fit_prior })
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let natures = nature::natures(data);
        let tally = self.tally(data, &natures)?;
        let estimator = self.estimator(&tally, &natures)?;
        data.keep(estimator, || Ok(Memory::Tally(tally)))
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let tally = Tally::of(previous)?.join(&self.tally(data, &nature::natures(data))?)?;
        let estimator = self.estimator(&tally, &tally.natures())?;
        data.keep(estimator, || Ok(Memory::Tally(tally)))
    }
}

/// The classes that occur, and the rows of each.
struct Classes {
    present: Vec<u32>,
    /// What the rows of each present class weigh.
    weights: Vec<f64>,
    /// Each row's place among the present classes; of a class that doesn't occur, it has weight 0.
    places: Vec<u32>,
}

impl Classes {
    fn new(data: &Training, codes: &[u32], count: usize) -> Result<Self, Fault> {
        let mut weights = vec![0.0; count];
        for (row, &code) in codes.iter().enumerate() {
            weights[code as usize] += data.weight(row);
        }
        let present: Vec<u32> = (0..count as u32).filter(|&class| weights[class as usize] > 0.0).collect();
        weights.retain(|weight| *weight > 0.0);
        if !weights.iter().sum::<f64>().is_finite() {
            return Err(Fault::new("bad-weight", "the weights are too large for a sum"));
        }
        let places = codes.iter().map(|code| present.binary_search(code).map_or(0, |place| place as u32)).collect();
        Ok(Self { present, weights, places })
    }

    /// For each class Σ weight · value(place, x) over the rows of a column.
    fn sums(&self, data: &Training, column: usize, value: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.present.len()];
        for (row, (&x, &place)) in data.x.column(column).iter().zip(&self.places).enumerate() {
            sums[place as usize] += data.weight(row) * value(place as usize, x);
        }
        sums
    }

    /// Brings what was found column by column into the order class by class.
    fn by_class(&self, columns: &[Vec<f64>]) -> Vec<f64> {
        (0..self.present.len()).flat_map(|place| columns.iter().map(move |column| column[place])).collect()
    }
}

impl NaiveBayes {
    /// What the rows of each class hold.
    fn tally(&self, data: &Training, natures: &[Nature]) -> Result<Tally, Fault> {
        let Target::Classes { codes, count } = data.y else {
            return Err(validate::wrong_task(Self::NAME, data.y.task()));
        };
        let classes = Classes::new(data, codes, *count)?;
        if self.kind == Kind::Multinomial {
            no_less_than_none(data)?;
        }
        let sums = match self.kind {
            Kind::Bernoulli => self.counts(data, &classes),
            Kind::Gaussian | Kind::Multinomial => moments(data, &classes, natures)?,
        };
        let Classes { present, weights, .. } = classes;
        Ok(Tally { count: *count, present, weights, sums })
    }

    /// What a class' rows weigh on each side of the threshold.
    fn counts(&self, data: &Training, classes: &Classes) -> Sums {
        let sides: Vec<(Vec<f64>, Vec<f64>)> = (0..data.x.columns())
            .into_par_iter()
            .map(|column| {
                let yes = classes.sums(data, column, |_, x| if x > self.binarize { 1.0 } else { 0.0 });
                let no = classes.sums(data, column, |_, x| if x > self.binarize { 0.0 } else { 1.0 });
                (yes, no)
            })
            .collect();
        let (above, below): (Vec<_>, Vec<_>) = sides.into_iter().unzip();
        Sums::Counts { threshold: self.binarize, above: classes.by_class(&above), below: classes.by_class(&below) }
    }

    /// The model of what was seen. `natures` are the features' over all rows.
    fn estimator(&self, tally: &Tally, natures: &[Nature]) -> Result<Estimator, Fault> {
        let even = -ln(tally.present.len() as f64);
        let total: f64 = tally.weights.iter().sum();
        let prior = |weight: &f64| if self.fit_prior { ln(weight / total).max(LEAST) } else { even };
        let priors: Vec<f64> = tally.weights.iter().map(prior).collect();
        let columns = tally.columns();
        let likelihood = match &tally.sums {
            Sums::Moments { means, .. } if self.kind == Kind::Multinomial => {
                return self.multinomial(tally, means, natures, &priors);
            }
            Sums::Moments { means, variances } => self.gaussian(natures, means, variances)?,
            Sums::Counts { threshold, above, below } => {
                let log = |sums: &[f64]| {
                    let cells = sums.iter().enumerate();
                    cells
                        .map(|(cell, sum)| {
                            let weight = tally.weights[cell / columns];
                            ln((sum + self.alpha) / (weight + 2.0 * self.alpha)).max(LEAST)
                        })
                        .collect()
                };
                Likelihood::Bernoulli { threshold: *threshold, above: log(above), below: log(below) }
            }
        };
        let (count, present) = (tally.count, tally.present.clone());
        Ok(Estimator::Bayes(Bayes { count, present, columns, priors, likelihood }))
    }

    fn gaussian(&self, natures: &[Nature], means: &[f64], variances: &[f64]) -> Result<Likelihood, Fault> {
        let widest = natures.iter().fold(0.0f64, |widest, nature| widest.max(nature.deviation));
        let more = self.var_smoothing * widest * widest;
        let smooth = |(cell, variance): (usize, &f64)| {
            // A feature that never differs says nothing; one that doesn't differ within a class, only so much.
            let deviation = natures[cell % natures.len()].deviation;
            let least = if deviation > 0.0 { (1e-12 * deviation).powi(2) } else { 1.0 };
            (variance + more).max(least).max(f64::MIN_POSITIVE)
        };
        let variances: Vec<f64> = variances.iter().enumerate().map(smooth).collect();
        if variances.iter().all(|value| value.is_finite()) {
            return Ok(Likelihood::Gaussian { means: means.to_vec(), variances });
        }
        Err(too_large())
    }

    /// Log-odds that are weighted sums of the counts.
    fn multinomial(
        &self,
        tally: &Tally,
        means: &[f64],
        natures: &[Nature],
        priors: &[f64],
    ) -> Result<Estimator, Fault> {
        let columns = natures.len();
        let mut coefficients = Vec::with_capacity(means.len());
        for (means, weight) in means.chunks(columns).zip(&tally.weights) {
            let counts = || means.iter().map(|mean| (mean * weight).max(0.0));
            let total = counts().sum::<f64>() + self.alpha * columns as f64;
            coefficients.extend(counts().map(|count| ln((count + self.alpha) / total).max(LEAST)));
        }
        let mut intercepts = priors.to_vec();
        if tally.present.len() == 2 {
            coefficients = (0..columns).map(|column| coefficients[columns + column] - coefficients[column]).collect();
            intercepts = vec![priors[1] - priors[0]];
        }
        if coefficients.iter().chain(&intercepts).any(|value| !value.is_finite()) {
            return Err(Fault::new("numbers-too-large", "the counts are too large for a sum").help("scale them first"));
        }
        let importance = importance(&coefficients, natures);
        let (count, present) = (tally.count, tally.present.clone());
        let means = natures.iter().map(|nature| nature.mean).collect();
        Ok(Estimator::Logistic(Logistic { count, present, columns, coefficients, intercepts, means, importance }))
    }
}

/// The means and variances of each class' rows.
fn moments(data: &Training, classes: &Classes, natures: &[Nature]) -> Result<Sums, Fault> {
    validate::spread(data, natures)?;
    let moments: Vec<(Vec<f64>, Vec<f64>)> = natures
        .par_iter()
        .enumerate()
        .map(|(column, nature)| {
            let share = |sums: Vec<f64>| sums.into_iter().zip(&classes.weights).map(|(sum, weight)| sum / weight);
            let rest = share(classes.sums(data, column, |_, x| x - nature.mean));
            let means: Vec<f64> = rest.map(|rest| nature.mean + rest).collect();
            let squares = share(classes.sums(data, column, |place, x| (x - means[place]) * (x - means[place])));
            let variances = squares.collect();
            (means, variances)
        })
        .collect();
    let (means, variances): (Vec<_>, Vec<_>) = moments.into_iter().unzip();
    let (means, variances) = (classes.by_class(&means), classes.by_class(&variances));
    if means.iter().chain(&variances).all(|value| value.is_finite()) {
        return Ok(Sums::Moments { means, variances });
    }
    Err(too_large())
}

/// Refuses features that aren't counts.
fn no_less_than_none(data: &Training) -> Result<(), Fault> {
    let negative = |column: &usize| data.x.column(*column).iter().any(|count| *count < 0.0);
    let Some(column) = (0..data.x.columns()).find(negative) else { return Ok(()) };
    let message = format!("feature `{}` has values below 0, which are no counts", data.x.names()[column]);
    Err(Fault::new("negative-count", message).help("take `kind: gaussian`, or scale it from 0 to 1"))
}

fn too_large() -> Fault {
    Fault::new("numbers-too-large", "features have numbers so large that a class' spread is not finite")
        .help("scale or clip them first")
}
