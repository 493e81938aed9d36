//! Neural networks of fully connected layers, as scikit-learn's `MLPClassifier` and `MLPRegressor`.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::faults::{Faults, hyper, out_of_range};
use super::{HyperParameter, Model};
use crate::learn::neural::{self, Activation, Early, Plan, Rate};
use crate::learn::{Estimator, Task, Training, nature, spreads, validate};
use crate::source::Fault;

/// The most units a layer has, and the most layers: memory for more is a slip of the keyboard.
const MOST: usize = 100_000;

/// How steps are made of gradients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Solver {
    /// By the gradient's mean and size so far.
    #[default]
    Adam,
    /// By the gradient, with momentum.
    Sgd,
}

/// How many units each hidden layer has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Layers(Vec<usize>);

/// How many rows make a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Batch {
    /// 200, or all if there are fewer.
    #[default]
    Auto,
    /// So many.
    Rows(usize),
}

impl Serialize for Batch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Batch::Auto => serializer.serialize_str("auto"),
            Batch::Rows(rows) => serializer.serialize_u64(*rows as u64),
        }
    }
}

struct BatchReader;

impl Visitor<'_> for BatchReader {
    type Value = Batch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`auto` or a whole number")
    }

    fn visit_u64<E: de::Error>(self, rows: u64) -> Result<Batch, E> {
        usize::try_from(rows).map(Batch::Rows).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, rows: i64) -> Result<Batch, E> {
        usize::try_from(rows).map(Batch::Rows).map_err(|_| E::invalid_value(de::Unexpected::Signed(rows), &self))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Batch, E> {
        if word == "auto" { Ok(Batch::Auto) } else { Err(E::invalid_value(de::Unexpected::Str(word), &self)) }
    }
}

impl<'de> Deserialize<'de> for Batch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BatchReader)
    }
}

impl JsonSchema for Batch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Batch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]})
    }
}

struct LayersReader;

impl<'de> Visitor<'de> for LayersReader {
    type Value = Layers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of whole numbers, as `[64, 32]`")
    }

    fn visit_u64<E: de::Error>(self, units: u64) -> Result<Layers, E> {
        usize::try_from(units).map(|units| Layers(vec![units])).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Layers, A::Error> {
        let mut layers = Vec::new();
        while let Some(units) = list.next_element()? {
            layers.push(units);
        }
        Ok(Layers(layers))
    }
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LayersReader)
    }
}

impl JsonSchema for Layers {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Layers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let units = json_schema!({"type": "integer", "minimum": 1, "maximum": MOST});
        json_schema!({"anyOf": [units, {"type": "array", "items": units}]})
    }
}

/// The hyper-parameters as written.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// How many units each hidden layer has.
    pub hidden_layer_sizes: Layers,
    /// How the hidden layers' sums are bent.
    pub activation: Activation,
    /// How steps are made of gradients.
    pub solver: Solver,
    /// What large weights cost.
    pub alpha: f64,
    /// How many rows make a step.
    pub batch_size: Batch,
    /// How the rate of `sgd` changes.
    pub learning_rate: Rate,
    /// How long steps are at first.
    pub learning_rate_init: f64,
    /// How fast the rate of `invscaling` falls.
    pub power_t: f64,
    /// How many epochs at most.
    pub max_iter: usize,
    /// Whether rows are shuffled before each epoch.
    pub shuffle: bool,
    /// What counts as an improvement.
    pub tol: f64,
    /// How much of a step of `sgd` goes into the next.
    pub momentum: f64,
    /// Whether the gradient is taken where momentum leads.
    pub nesterovs_momentum: bool,
    /// Whether the fit stops by rows held out.
    pub early_stopping: bool,
    /// The share of the rows held out.
    pub validation_fraction: f64,
    /// How much of the gradient's mean `adam` keeps.
    pub beta_1: f64,
    /// How much of its square.
    pub beta_2: f64,
    /// What `adam` adds before it divides.
    pub epsilon: f64,
    /// For how many epochs nothing may improve.
    pub n_iter_no_change: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            hidden_layer_sizes: Layers(vec![100]),
            activation: Activation::Relu,
            solver: Solver::Adam,
            alpha: 1e-4,
            batch_size: Batch::Auto,
            learning_rate: Rate::Constant,
            learning_rate_init: 1e-3,
            power_t: 0.5,
            max_iter: 200,
            shuffle: true,
            tol: 1e-4,
            momentum: 0.9,
            nesterovs_momentum: true,
            early_stopping: false,
            validation_fraction: 0.1,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            n_iter_no_change: 10,
        }
    }
}

/// Layers of weighted sums, each passed through a bent function. Minimizes the mean log-loss, or half the mean squared
/// error of the target brought to mean 0 and deviation 1, plus alpha / (2 · rows of a batch) · Σ weight².
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct NeuralNetwork(Params);

impl Model for NeuralNetwork {
    const NAME: &'static str = "neural_network";
    const VERSION: u32 = 2;
    const SUMMARY: &'static str = "a neural network of fully connected layers; numbers are scaled for the fit and back";
    const EXAMPLE: &'static str = "{hidden_layer_sizes: [64, 32], early_stopping: true}";
    const TASKS: &'static [Task] = &[Task::Classification, Task::Regression];
    const CHANCE: bool = true;
    const UPDATES: bool = true;
    const REMEMBERS: bool = true;
    const HYPER: &'static [HyperParameter] = &[
        hyper("hidden_layer_sizes", "[100]", "whole numbers ≥ 1", "how many units each hidden layer has"),
        hyper("activation", "relu", "relu, tanh, logistic, identity", "how the hidden layers' sums are bent"),
        hyper("solver", "adam", "adam, sgd", "how steps are made of gradients"),
        hyper("alpha", "1e-4", "≥ 0", "what large weights cost (L2)"),
        hyper(
            "batch_size",
            "auto (200, or all rows if fewer)",
            "auto, or a whole number ≥ 1",
            "how many rows make a step",
        ),
        hyper("learning_rate", "constant", "constant, invscaling, adaptive", "how the rate of `sgd` changes"),
        hyper("learning_rate_init", "1e-3", "> 0", "how long steps are at first"),
        hyper("power_t", "0.5", "≥ 0", "how fast the rate of `invscaling` falls"),
        hyper("max_iter", "200", "≥ 1", "how many epochs at most: times that each row is seen"),
        hyper("shuffle", "true", "true, false", "whether rows are shuffled before each epoch"),
        hyper("tol", "1e-4", "≥ 0", "by how much the loss, or the held rows' score, must improve"),
        hyper("momentum", "0.9", "0 to 1", "how much of a step of `sgd` goes into the next"),
        hyper("nesterovs_momentum", "true", "true, false", "whether the gradient is taken where momentum leads"),
        hyper(
            "early_stopping",
            "false",
            "true, false",
            "whether the fit stops by rows held out, and the best epoch is kept",
        ),
        hyper("validation_fraction", "0.1", "above 0, below 1", "the share of the rows held out"),
        hyper("beta_1", "0.9", "0 up to, not including, 1", "how much of the gradient's mean `adam` keeps"),
        hyper("beta_2", "0.999", "0 up to, not including, 1", "how much of the gradient's square `adam` keeps"),
        hyper("epsilon", "1e-8", "> 0", "what `adam` adds before it divides"),
        hyper("n_iter_no_change", "10", "≥ 1", "for how many epochs nothing may improve"),
    ];
    const SYNONYMS: &'static [(&'static str, &'static str)] = &[
        ("hidden_layers", "hidden_layer_sizes"),
        ("layers", "hidden_layer_sizes"),
        ("hidden_units", "hidden_layer_sizes"),
        ("hidden_size", "hidden_layer_sizes"),
        ("units", "hidden_layer_sizes"),
        ("optimizer", "solver"),
        ("l2", "alpha"),
        ("weight_decay", "alpha"),
        ("batch", "batch_size"),
        ("lr", "learning_rate_init"),
        ("eta", "learning_rate_init"),
        ("lr_schedule", "learning_rate"),
        ("epochs", "max_iter"),
        ("n_epochs", "max_iter"),
        ("iterations", "max_iter"),
        ("tolerance", "tol"),
        ("nesterov", "nesterovs_momentum"),
        ("validation_split", "validation_fraction"),
        ("beta1", "beta_1"),
        ("beta2", "beta_2"),
        ("patience", "n_iter_no_change"),
    ];
    type Params = Params;

    fn check(params: Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        if params.hidden_layer_sizes.0.iter().any(|units| *units == 0 || *units > MOST) {
            let message = format!("a hidden layer has 1 to {MOST} units");
            faults.push(out_of_range("hidden_layer_sizes", message).help("leave a layer out that is to have none"));
        }
        if params.batch_size == Batch::Rows(0) {
            faults.push(out_of_range("batch_size", "`batch_size` is at least 1"));
        }
        for (key, value) in [("alpha", params.alpha), ("power_t", params.power_t), ("tol", params.tol)] {
            faults.not_negative(key, value);
        }
        for (key, value) in [("learning_rate_init", params.learning_rate_init), ("epsilon", params.epsilon)] {
            faults.positive(key, value);
        }
        faults.number("momentum", params.momentum, (0.0..=1.0).contains(&params.momentum), "from 0 to 1");
        faults.between("validation_fraction", params.validation_fraction);
        for (key, value) in [("beta_1", params.beta_1), ("beta_2", params.beta_2)] {
            faults.number(key, value, (0.0..1.0).contains(&value), "at least 0 and below 1");
        }
        for (key, value) in [("max_iter", params.max_iter), ("n_iter_no_change", params.n_iter_no_change)] {
            faults.at_least(key, 1, value);
        }
        faults.or(Self(params))
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        look(data)?;
        neural::fit(&self.plan(), data)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        look(data)?;
        neural::update(&self.plan(), previous, data)
    }
}

/// Looks at the features' sizes before a fit.
fn look(data: &Training) -> Result<(), Fault> {
    let natures = nature::natures(data);
    validate::spread(data, &natures)?;
    spreads::warn(NeuralNetwork::NAME, &natures, data);
    Ok(())
}

impl NeuralNetwork {
    /// The hyper-parameters as the fit takes them.
    fn plan(&self) -> Plan {
        let params = &self.0;
        Plan {
            hidden: params.hidden_layer_sizes.0.clone(),
            activation: params.activation,
            solver: match params.solver {
                Solver::Adam => {
                    neural::Solver::Adam { beta_1: params.beta_1, beta_2: params.beta_2, epsilon: params.epsilon }
                }
                Solver::Sgd => neural::Solver::Sgd {
                    rate: params.learning_rate,
                    power_t: params.power_t,
                    momentum: params.momentum,
                    nesterov: params.nesterovs_momentum,
                },
            },
            rate: params.learning_rate_init,
            alpha: params.alpha,
            batch: match params.batch_size {
                Batch::Auto => None,
                Batch::Rows(rows) => Some(rows),
            },
            epochs: params.max_iter,
            shuffle: params.shuffle,
            tolerance: params.tol,
            patience: params.n_iter_no_change,
            early: params.early_stopping.then_some(Early { share: params.validation_fraction }),
        }
    }
}
