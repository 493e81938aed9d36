//! Support vector machines (Cortes & Vapnik 1995), for classes and numbers.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::faults::{Faults, hyper, out_of_range};
use super::{HyperParameter, Model};
use crate::learn::nature::{self, Nature};
use crate::learn::svm::{self, Plan};
use crate::learn::{Estimator, Task, Training, spreads, validate};
use crate::source::Fault;

/// How alike two rows are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// Their product.
    Linear,
    /// A bell around each row.
    #[default]
    Rbf,
    /// A power of their product.
    Poly,
    /// The hyperbolic tangent of their product.
    Sigmoid,
}

/// The kernel's coefficient.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Gamma {
    /// 1 / (features · variance of all values)
    #[default]
    Scale,
    /// 1 / features
    Auto,
    /// So much.
    Number(f64),
}

impl Serialize for Gamma {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Gamma::Scale => serializer.serialize_str("scale"),
            Gamma::Auto => serializer.serialize_str("auto"),
            Gamma::Number(number) => serializer.serialize_f64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for Gamma {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Visitor<'_> for Reader {
    type Value = Gamma;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`scale`, `auto` or a number")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Gamma, E> {
        Ok(Gamma::Number(number as f64))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Gamma, E> {
        Ok(Gamma::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Gamma, E> {
        Ok(Gamma::Number(number))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Gamma, E> {
        match word {
            "scale" => Ok(Gamma::Scale),
            "auto" => Ok(Gamma::Auto),
            _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
        }
    }
}

impl JsonSchema for Gamma {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Gamma".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"enum": ["scale", "auto"]}, {"type": "number", "exclusiveMinimum": 0}]})
    }
}

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How alike two rows are.
    pub kernel: Kernel,
    /// What a row on the wrong side costs.
    pub c: f64,
    /// The coefficient of `rbf`, `poly` and `sigmoid`.
    pub gamma: Gamma,
    /// The power of `poly`.
    pub degree: u32,
    /// What `poly` and `sigmoid` add.
    pub coef0: f64,
    /// Up to where an error of a number costs nothing.
    pub epsilon: f64,
    /// How near to the optimum is near enough.
    pub tol: f64,
    /// How many steps at most.
    pub max_iter: Option<usize>,
    /// Whether probabilities are fitted.
    pub probability: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            kernel: Kernel::Rbf,
            c: 1.0,
            gamma: Gamma::Scale,
            degree: 3,
            coef0: 0.0,
            epsilon: 0.1,
            tol: 1e-3,
            max_iter: None,
            probability: true,
        }
    }
}

/// The widest gap between two classes, or the flattest function through a tube around the numbers; more than two
/// classes by the votes of each two of them.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Svm(Params);

impl Model for Svm {
    const NAME: &'static str = "svm";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "a support vector machine: the widest gap between classes, or a tube around numbers";
    const EXAMPLE: &'static str = "{kernel: rbf, c: 2.0, gamma: scale}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("kernel", "rbf", "linear, rbf, poly, sigmoid", "how alike two rows are"),
        hyper("c", "1.0", "> 0", "what a row on the wrong side costs: the inverse of the penalty's strength"),
        hyper(
            "gamma",
            "scale",
            "scale (1 / (features · variance)), auto (1 / features), or a number > 0",
            "the coefficient of `rbf`, `poly` and `sigmoid`",
        ),
        hyper("degree", "3", "0 to 100", "the power of `poly`"),
        hyper("coef0", "0.0", "a number", "what `poly` and `sigmoid` add to the product"),
        hyper("epsilon", "0.1", "≥ 0", "up to where an error costs nothing, where numbers are predicted"),
        hyper("tol", "1e-3", "> 0", "how near to the optimum is near enough"),
        hyper("max_iter", "null (until `tol` is reached)", "≥ 1", "how many steps at most"),
        hyper(
            "probability",
            "true",
            "true, false",
            "whether probabilities are fitted, on rows held out five times, so that the likeliest class is always the \
             one decided for; without it they only tell the order of the decisions, in a sixth of the time",
        ),
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("C", "c"),
        ("cost", "c"),
        ("regularization", "c"),
        ("tolerance", "tol"),
        ("eps", "tol"),
        ("iterations", "max_iter"),
        ("max_iterations", "max_iter"),
        ("p", "epsilon"),
        ("coefficient0", "coef0"),
        ("probabilities", "probability"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        for (key, value) in [("c", params.c), ("tol", params.tol)] {
            faults.positive(key, value);
        }
        if let Gamma::Number(gamma) = params.gamma {
            faults.number("gamma", gamma, gamma > 0.0 && gamma.is_finite(), "above 0, `scale` or `auto`");
        }
        if params.degree > 100 {
            let message = format!("`degree` is at most 100, and this is {}", params.degree);
            faults.push(out_of_range("degree", message));
        }
        faults.number("coef0", params.coef0, params.coef0.is_finite(), "a finite number");
        faults.not_negative("epsilon", params.epsilon);
        faults.at_least("max_iter", 1, params.max_iter.unwrap_or(1));
        faults.or(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let params = &self.0;
        let natures = nature::natures(data);
        validate::spread(data, &natures)?;
        spreads::warn(Self::NAME, &natures, data);
        let plan = Plan {
            kernel: self.kernel(&natures),
            c: params.c,
            epsilon: params.epsilon,
            tolerance: params.tol,
            max_iter: params.max_iter,
            probability: params.probability,
        };
        svm::fit(&plan, &natures, data)
    }
}

impl Svm {
    /// The kernel with its parameters in numbers.
    fn kernel(&self, natures: &[Nature]) -> svm::Kernel {
        let columns = natures.len() as f64;
        let gamma = match self.0.gamma {
            Gamma::Number(number) => number,
            Gamma::Auto => 1.0 / columns,
            Gamma::Scale => {
                let mean = natures.iter().map(|nature| nature.mean / columns).sum::<f64>();
                let square = |nature: &Nature| nature.deviation.powi(2) + (nature.mean - mean).powi(2);
                let variance: f64 = natures.iter().map(|nature| square(nature) / columns).sum();
                // Where nothing varies, or too little for a float, any will do.
                let gamma = 1.0 / (columns * variance);
                if gamma.is_finite() { gamma } else { 1.0 }
            }
        };
        match self.0.kernel {
            Kernel::Linear => svm::Kernel::Linear,
            Kernel::Rbf => svm::Kernel::Rbf { gamma },
            Kernel::Poly => svm::Kernel::Poly { gamma, coef0: self.0.coef0, degree: self.0.degree },
            Kernel::Sigmoid => svm::Kernel::Sigmoid { gamma, coef0: self.0.coef0 },
        }
    }
}
