//! Naive Bayes: normal distributions, yes or no, or counts.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::faults::{Faults, out_of_range};
use super::{HyperParameter, Model};
use crate::data::elementary::ln;
use crate::learn::bayes::{Bayes, LEAST, Likelihood};
use crate::learn::linear::{Logistic, importance};
use crate::learn::{Estimator, Target, Task, Training, nature, validate};
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
    const VERSION: u32 = 1;
    const SUMMARY: &'static str = "classes whose features are taken to be independent of each other";
    const EXAMPLE: &'static str = "{var_smoothing: 1e-8}";
    const TASKS: &'static [Task] = &[Task::Classification];
    const CHANCE: bool = false;
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
        let Target::Classes { codes, count } = data.y else {
            return Err(validate::wrong_task(Self::NAME, data.y.task()));
        };
        let classes = Classes::new(data, codes, *count)?;
        let even = -ln(classes.present.len() as f64);
        let total: f64 = classes.weights.iter().sum();
        let prior = |weight: &f64| if self.fit_prior { ln(weight / total).max(LEAST) } else { even };
        let priors: Vec<f64> = classes.weights.iter().map(prior).collect();
        let likelihood = match self.kind {
            Kind::Gaussian => self.gaussian(data, &classes)?,
            Kind::Bernoulli => self.bernoulli(data, &classes),
            Kind::Multinomial => return self.multinomial(data, classes, &priors),
        };
        let columns = data.x.columns();
        Ok(Estimator::Bayes(Bayes { count: *count, present: classes.present, columns, priors, likelihood }))
    }
}

/// The classes that occur, and the rows of each.
struct Classes {
    count: usize,
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
        Ok(Self { count, present, weights, places })
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
    fn gaussian(&self, data: &Training, classes: &Classes) -> Result<Likelihood, Fault> {
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let widest = natures.iter().fold(0.0f64, |widest, nature| widest.max(nature.deviation));
        let more = self.var_smoothing * widest * widest;
        let moments: Vec<(Vec<f64>, Vec<f64>)> = natures
            .par_iter()
            .enumerate()
            .map(|(column, nature)| {
                let share = |sums: Vec<f64>| sums.into_iter().zip(&classes.weights).map(|(sum, weight)| sum / weight);
                let rest = share(classes.sums(data, column, |_, x| x - nature.mean));
                let means: Vec<f64> = rest.map(|rest| nature.mean + rest).collect();
                let squares = share(classes.sums(data, column, |place, x| (x - means[place]) * (x - means[place])));
                // A feature that never differs says nothing; one that doesn't differ within a class, only so much.
                let least = if nature.deviation > 0.0 { (1e-12 * nature.deviation).powi(2) } else { 1.0 };
                let variances = squares.map(|square| (square + more).max(least).max(f64::MIN_POSITIVE)).collect();
                (means, variances)
            })
            .collect();
        let (means, variances): (Vec<_>, Vec<_>) = moments.into_iter().unzip();
        let (means, variances) = (classes.by_class(&means), classes.by_class(&variances));
        if means.iter().chain(&variances).all(|value| value.is_finite()) {
            return Ok(Likelihood::Gaussian { means, variances });
        }
        Err(Fault::new("numbers-too-large", "features have numbers so large that a class' spread is not finite")
            .help("scale or clip them first"))
    }

    fn bernoulli(&self, data: &Training, classes: &Classes) -> Likelihood {
        let shares: Vec<(Vec<f64>, Vec<f64>)> = (0..data.x.columns())
            .into_par_iter()
            .map(|column| {
                let yes = classes.sums(data, column, |_, x| if x > self.binarize { 1.0 } else { 0.0 });
                let no = classes.sums(data, column, |_, x| if x > self.binarize { 0.0 } else { 1.0 });
                let log = |sums: &[f64]| {
                    let shares = sums.iter().zip(&classes.weights);
                    shares
                        .map(|(sum, weight)| ln((sum + self.alpha) / (weight + 2.0 * self.alpha)).max(LEAST))
                        .collect()
                };
                (log(&yes), log(&no))
            })
            .collect();
        let (above, below): (Vec<_>, Vec<_>) = shares.into_iter().unzip();
        let (above, below) = (classes.by_class(&above), classes.by_class(&below));
        Likelihood::Bernoulli { threshold: self.binarize, above, below }
    }

    /// Log-odds that are weighted sums of the counts.
    fn multinomial(&self, data: &Training, classes: Classes, priors: &[f64]) -> Result<Estimator, Fault> {
        let columns = data.x.columns();
        let negative = |column: &usize| data.x.column(*column).iter().any(|count| *count < 0.0);
        if let Some(column) = (0..columns).find(negative) {
            let message = format!("feature `{}` has values below 0, which are no counts", data.x.names()[column]);
            return Err(Fault::new("negative-count", message).help("take `kind: gaussian`, or scale it from 0 to 1"));
        }
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        let counts: Vec<Vec<f64>> =
            (0..columns).into_par_iter().map(|column| classes.sums(data, column, |_, count| count)).collect();
        let counts = classes.by_class(&counts);
        let mut coefficients = Vec::with_capacity(counts.len());
        for counts in counts.chunks(columns) {
            let total = counts.iter().sum::<f64>() + self.alpha * columns as f64;
            coefficients.extend(counts.iter().map(|count| ln((count + self.alpha) / total).max(LEAST)));
        }
        let mut intercepts = priors.to_vec();
        if classes.present.len() == 2 {
            coefficients = (0..columns).map(|column| coefficients[columns + column] - coefficients[column]).collect();
            intercepts = vec![priors[1] - priors[0]];
        }
        if coefficients.iter().chain(&intercepts).any(|value| !value.is_finite()) {
            return Err(Fault::new("numbers-too-large", "the counts are too large for a sum").help("scale them first"));
        }
        let importance = importance(&coefficients, &natures);
        let Classes { count, present, .. } = classes;
        let means = natures.iter().map(|nature| nature.mean).collect();
        Ok(Estimator::Logistic(Logistic { count, present, columns, coefficients, intercepts, means, importance }))
    }
}
