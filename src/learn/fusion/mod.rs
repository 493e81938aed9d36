//! Several models as one: by votes, by averages, by weights found on held-out rows, or by a model of their answers.

mod ensemble;
mod simplex;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use ensemble::{Ensemble, Hard, Member, Mix};

use super::model::{CheckedModel, HyperParameter, ModelEntry, find as find_model};
use super::{Estimator, Target, Task, Training};
use crate::data::Matrix;
use crate::source::Fault;

/// Its name in the language.
pub const ENSEMBLE: &str = "ensemble";
const VERSION: u32 = 1;

/// How the answers of several models become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Each class gets the share of members that answer it.
    Vote,
    /// The mean of probabilities, or of numbers.
    #[default]
    Average,
    /// A weighted mean, the weights found on rows that the members haven't learned from.
    Weighted,
    /// A model that learns from the members' answers to rows that they haven't learned from.
    Stack,
}

/// The hyper-parameters as written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The train steps whose models are members.
    pub of: Vec<String>,
    /// How their answers become one.
    #[serde(default)]
    pub method: Method,
    /// How much each member counts, with `vote` or `average`.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// The model that learns from the members' answers, with `stack`.
    #[serde(default, rename = "final")]
    pub last: Option<String>,
}

/// How several models are combined, checked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fusion {
    method: Method,
    /// Shares that sum to 1.
    weights: Option<Vec<f64>>,
    #[serde(rename = "final")]
    last: Option<&'static str>,
}

const TASKS: &[Task] = &[Task::Classification, Task::Regression];

const HYPER: &[HyperParameter] = &[
    HyperParameter {
        name: "of",
        default: "none: it must be said",
        range: "names of train steps",
        summary: "the members",
    },
    HyperParameter {
        name: "method",
        default: "average",
        range: "vote, average, weighted, stack",
        summary: "how their answers become one: shares of votes, means, means by weights found on held-out rows, or a model of the answers",
    },
    HyperParameter {
        name: "weights",
        default: "null (all the same)",
        range: "a number a member, none below 0; with `vote` or `average`",
        summary: "how much each member counts",
    },
    HyperParameter {
        name: "final",
        default: "logistic_regression for classes, ridge for numbers",
        range: "a model's name; with `stack`",
        summary: "the model that learns from the members' answers",
    },
];

const SYNONYMS: &[(&str, &str)] = &[
    ("estimators", "of"),
    ("members", "of"),
    ("models", "of"),
    ("voting", "method"),
    ("final_estimator", "final"),
    ("meta_model", "final"),
    ("meta", "final"),
];

static ENTRY: ModelEntry = ModelEntry {
    name: ENSEMBLE,
    version: VERSION,
    summary: "several models as one: by votes, means, weights found on held-out rows, or a model of their answers",
    example: "{of: [forest, logistic], method: weighted}",
    tasks: TASKS,
    missing: true,
    categories: true,
    updates: false,
    hyper: HYPER,
    synonyms: SYNONYMS,
    schema: || schemars::schema_for!(Params),
    check: |with| {
        let params: Params = serde_json::from_value(with).map_err(|error| {
            vec![Fault::new("bad-hyper-parameters", "the hyper-parameters of `ensemble` can't be read").because(error)]
        })?;
        Ok(Box::new(Fusion::check(&params)?))
    },
};

/// The ensemble as the catalogue tells a model. It isn't in the catalogue: it learns from models, not from features.
pub fn ensemble_entry() -> &'static ModelEntry {
    &ENTRY
}

fn wrong(key: &str, message: impl Into<String>) -> Fault {
    Fault::new("out-of-range", message).within(key)
}

impl Fusion {
    /// Checks the hyper-parameters: all faults at once, each with the route to its key.
    ///
    /// # Errors
    /// If any is out of its range.
    pub fn check(params: &Params) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        if params.of.len() < 2 {
            faults.push(wrong("of", "an ensemble has at least 2 members"));
        }
        if let Some(weights) = &params.weights {
            faults.extend(Self::wrong_weights(params, weights));
        }
        let last = match (&params.last, params.method) {
            (Some(name), Method::Stack) => match find_model(name) {
                Ok(entry) if entry.name != ENSEMBLE => Some(entry.name),
                Ok(_) => {
                    faults.push(wrong("final", "a model that learns from answers is no ensemble itself"));
                    None
                }
                Err(fault) => {
                    faults.push(fault.within("final"));
                    None
                }
            },
            (Some(_), _) => {
                faults.push(wrong("final", "`final` has no meaning with this method").help("say `method: stack`"));
                None
            }
            (None, _) => None,
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let total: f64 = params.weights.iter().flatten().sum();
        let weights = params.weights.as_ref().map(|weights| weights.iter().map(|weight| weight / total).collect());
        Ok(Self { method: params.method, weights, last })
    }

    fn wrong_weights(params: &Params, weights: &[f64]) -> Option<Fault> {
        if !matches!(params.method, Method::Vote | Method::Average) {
            let fault = wrong("weights", "`weights` has no meaning with this method, which finds its own");
            return Some(fault.help("say `method: average`, or leave `weights` out"));
        }
        if weights.len() != params.of.len() {
            let message = format!("there are {} members, and {} weights", params.of.len(), weights.len());
            return Some(wrong("weights", message));
        }
        let sound = weights.iter().all(|weight| *weight >= 0.0) && weights.iter().sum::<f64>().is_normal();
        (!sound).then(|| wrong("weights", "weights are numbers of at least 0, and not all 0"))
    }

    /// How the answers become one.
    pub fn method(&self) -> Method {
        self.method
    }

    /// Why it can't do a task, if it can't.
    pub fn unfit(&self, task: Task) -> Option<Fault> {
        if self.method == Method::Vote && task == Task::Regression {
            let fault = Fault::new("wrong-task", "`vote` is for classes, and the target has numbers");
            return Some(fault.help("say `method: average`").within("method"));
        }
        let last = self.last.and_then(|name| find_model(name).ok())?;
        let message = || format!("`{}` does no {}", last.name, task.name());
        (!last.tasks.contains(&task)).then(|| Fault::new("wrong-task", message()).within("final"))
    }

    /// Whether it learns from answers to rows that the members haven't learned from.
    pub fn learns(&self) -> bool {
        matches!(self.method, Method::Weighted | Method::Stack)
    }

    /// What combines `members` answers of `outputs` values each, where nothing is learned for it.
    pub fn fixed(&self, task: Task, members: usize, outputs: usize) -> Option<Estimator> {
        let weights = self.weights.clone().unwrap_or_else(|| vec![1.0 / members as f64; members]);
        (!self.learns()).then(|| Estimator::Mix(Mix { task, outputs, weights }))
    }

    /// The model that learns from answers.
    fn last(&self, task: Task) -> Result<Box<dyn CheckedModel>, Fault> {
        let name = self.last.unwrap_or(match task {
            Task::Classification => "logistic_regression",
            Task::Regression => "ridge",
        });
        (find_model(name)?.check)(Json::Null).map_err(|mut faults| faults.remove(0))
    }
}

/// How many columns the answers of a member have as a combination reads them: of two classes the second's probability
/// says all.
pub fn answer_columns(task: Task, outputs: usize) -> usize {
    if task == Task::Classification && outputs == 2 { 1 } else { outputs }
}

impl CheckedModel for Fusion {
    fn name(&self) -> &'static str {
        ENSEMBLE
    }

    fn version(&self) -> u32 {
        VERSION
    }

    fn canonical(&self) -> Json {
        serde_json::to_value(self).expect("a checked model is plain data")
    }

    fn uses_chance(&self) -> bool {
        let chance = |task| self.last(task).is_ok_and(|last| last.uses_chance());
        self.method == Method::Stack && TASKS.iter().any(|task| chance(*task))
    }

    fn tasks(&self) -> &'static [Task] {
        TASKS
    }

    fn takes_missing(&self) -> bool {
        true
    }

    fn takes_categories(&self) -> bool {
        true
    }

    /// Learns how to combine. The columns of `data` are the members' answers to rows that they haven't learned from, one
    /// member after another, [`answer_columns`] each.
    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        let task = data.y.task();
        let outputs = match data.y {
            Target::Classes { count, .. } => *count,
            Target::Numbers(_) => 1,
        };
        let width = answer_columns(task, outputs);
        if data.x.columns() == 0 || !data.x.columns().is_multiple_of(width) {
            return Err(Fault::new("columns-differ", "the members' answers are not of the target's classes"));
        }
        let members = data.x.columns() / width;
        if let Some(fixed) = self.fixed(task, members, outputs) {
            return Ok(fixed);
        }
        if data.x.rows() == 0 {
            return Err(Fault::new("no-rows", "there are no held-out rows to learn from")
                .help("hold out more rows, or say `method: average`"));
        }
        if self.method == Method::Stack {
            return self.last(task)?.fit(data);
        }
        let weights = match data.y {
            Target::Numbers(numbers) => simplex::of_numbers(data, numbers)?,
            Target::Classes { codes, .. } => simplex::of_classes(data, &of_truth(data.x, codes, width, members))?,
        };
        Ok(Estimator::Mix(Mix { task, outputs, weights }))
    }
}

/// What each member says of each row's true class.
fn of_truth(x: &Matrix, codes: &[u32], width: usize, members: usize) -> Vec<Vec<f64>> {
    let of = |member: usize, row: usize, code: usize| match width {
        1 if code == 0 => 1.0 - x.at(row, member),
        1 => x.at(row, member),
        _ => x.at(row, member * width + code),
    };
    let member = |member| codes.iter().enumerate().map(|(row, code)| of(member, row, *code as usize)).collect();
    (0..members).map(member).collect()
}
