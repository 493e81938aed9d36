//! The models: each in a file of its own that holds its hyper-parameters, their check, and its fit.

mod amount;
mod baseline;
mod brought;
mod decision_tree;
mod elastic_net;
mod extra_trees;
mod faults;
mod forest;
mod gradient_boosting;
mod growth;
mod knn;
mod lasso;
mod linear_regression;
mod logistic_regression;
mod monotone;
mod naive_bayes;
mod neural_network;
mod random_forest;
mod ridge;
mod svm;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub use self::brought::{BROUGHT, Brought};
use super::fusion::{ENSEMBLE, ensemble_entry};
use super::{Estimator, Task, Training, validate};
use crate::source::{Fault, nearest, suggest};

/// A line of a model's table of hyper-parameters.
#[derive(Clone, Copy, Debug)]
pub struct HyperParameter {
    /// Its name in `with`.
    pub name: &'static str,
    /// Its default, as YAML.
    pub default: &'static str,
    /// What it may be.
    pub range: &'static str,
    /// What it does.
    pub summary: &'static str,
}

/// A model whose hyper-parameters are checked. To add one: a file here, and a line in the list below.
pub trait Model: Serialize + Send + Sync + Sized + 'static {
    /// Its name in the language.
    const NAME: &'static str;
    /// The version of the estimators it makes: raised whenever the same data gives another one.
    const VERSION: u32;
    /// What it is, in a line.
    const SUMMARY: &'static str;
    /// A `with` that is accepted, as YAML.
    const EXAMPLE: &'static str;
    /// What it can predict.
    const TASKS: &'static [Task];
    /// Whether the seed counts.
    const CHANCE: bool;
    /// Whether it reads features at all.
    const FEATURES: bool = true;
    /// Whether a row may lack a feature (NaN in the matrix).
    const MISSING: bool = false;
    /// Whether a feature may be a category (its code in the matrix).
    const CATEGORIES: bool = false;
    /// Whether it can go on from what it learned before.
    const UPDATES: bool = false;
    /// Whether it needs a memory for that, which it keeps if it is told to.
    const REMEMBERS: bool = false;
    /// Its hyper-parameters.
    const HYPER: &'static [HyperParameter];
    /// What its hyper-parameters are called elsewhere, and their names here.
    const SYNONYMS: &'static [(&'static str, &'static str)];
    /// Its hyper-parameters as written.
    type Params: DeserializeOwned + JsonSchema + Default;

    /// Checks the hyper-parameters: all faults at once, each with the route to its key.
    ///
    /// # Errors
    /// If any is out of its range.
    fn check(params: Self::Params) -> Result<Self, Vec<Fault>>;

    /// Learns from rows that were checked by [`CheckedModel::fit`].
    ///
    /// # Errors
    /// If these rows can't be learned from, or the fit was interrupted.
    fn fit(&self, data: &Training) -> Result<Estimator, Fault>;

    /// Goes on from what it learned before, of the same features and classes, with rows that were checked as for `fit`.
    /// Only models that say so are asked.
    ///
    /// # Errors
    /// As `fit`; or if `previous` is of another kind.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let _ = (previous, data);
        Err(Fault::new("no-update", format!("`{}` can't go on from what it learned before", Self::NAME)))
    }
}

/// A checked model of any kind.
pub trait CheckedModel: Send + Sync {
    /// Its name in the language.
    fn name(&self) -> &'static str;
    /// The version of the estimators it makes.
    fn version(&self) -> u32;
    /// Every hyper-parameter, defaults filled in: its part of the key.
    fn canonical(&self) -> Json;
    /// Whether the seed counts.
    fn uses_chance(&self) -> bool;
    /// What it can predict.
    fn tasks(&self) -> &'static [Task];
    /// Whether a row may lack a feature.
    fn takes_missing(&self) -> bool;
    /// Whether a feature may be a category.
    fn takes_categories(&self) -> bool;
    /// Whether it needs a memory to go on.
    fn remembers(&self) -> bool {
        false
    }
    /// Checks the rows and learns from them.
    ///
    /// # Errors
    /// If the rows can't be learned from (none, not finite, one class, another task), or the fit was interrupted.
    fn fit(&self, data: &Training) -> Result<Estimator, Fault>;
    /// Checks the rows and goes on from what was learned before, of the same features and classes.
    ///
    /// # Errors
    /// As `fit`; or if it can't go on, or `previous` is of another kind.
    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        let _ = (previous, data);
        Err(Fault::new("no-update", format!("`{}` can't go on from what it learned before", self.name())))
    }
}

/// The fault of an estimator that a model of another kind has made.
fn of_another_kind(name: &str) -> Fault {
    Fault::new("no-update", format!("the previous model is no `{name}`"))
}

impl<M: Model> CheckedModel for M {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn version(&self) -> u32 {
        M::VERSION
    }

    fn canonical(&self) -> Json {
        serde_json::to_value(self).expect("a checked model is plain data")
    }

    fn uses_chance(&self) -> bool {
        M::CHANCE
    }

    fn tasks(&self) -> &'static [Task] {
        M::TASKS
    }

    fn takes_missing(&self) -> bool {
        M::MISSING
    }

    fn takes_categories(&self) -> bool {
        M::CATEGORIES
    }

    fn remembers(&self) -> bool {
        M::REMEMBERS
    }

    fn fit(&self, data: &Training) -> Result<Estimator, Fault> {
        validate::training::<M>(data)?;
        Model::fit(self, data)
    }

    fn update(&self, previous: &Estimator, data: &Training) -> Result<Estimator, Fault> {
        validate::training::<M>(data)?;
        Model::update(self, previous, data)
    }
}

/// A model whose hyper-parameters hold, or all that is wrong with them, each with the route to its key.
pub type Checked = Result<Box<dyn CheckedModel>, Vec<Fault>>;

/// One line of the catalogue.
pub struct ModelEntry {
    /// Its name in the language.
    pub name: &'static str,
    /// The version of the estimators it makes.
    pub version: u32,
    /// What it is, in a line.
    pub summary: &'static str,
    /// A `with` that is accepted, as YAML.
    pub example: &'static str,
    /// What it can predict.
    pub tasks: &'static [Task],
    /// Whether a row may lack a feature.
    pub missing: bool,
    /// Whether a feature may be a category.
    pub categories: bool,
    /// Whether it can go on from what it learned before.
    pub updates: bool,
    /// Its hyper-parameters.
    pub hyper: &'static [HyperParameter],
    /// What its hyper-parameters are called elsewhere, and their names here.
    pub synonyms: &'static [(&'static str, &'static str)],
    /// The JSON Schema of its hyper-parameters.
    pub schema: fn() -> schemars::Schema,
    /// Reads and checks hyper-parameters; null stands for all defaults.
    pub check: fn(Json) -> Checked,
}

impl ModelEntry {
    const fn of<M: Model>() -> Self {
        Self {
            name: M::NAME,
            version: M::VERSION,
            summary: M::SUMMARY,
            example: M::EXAMPLE,
            tasks: M::TASKS,
            missing: M::MISSING,
            categories: M::CATEGORIES,
            updates: M::UPDATES,
            hyper: M::HYPER,
            synonyms: M::SYNONYMS,
            schema: || schemars::schema_for!(M::Params),
            check: check::<M>,
        }
    }
}

fn check<M: Model>(with: Json) -> Checked {
    let params = match with {
        Json::Null => M::Params::default(),
        with => serde_json::from_value(with).map_err(|error| {
            let message = format!("the hyper-parameters of `{}` can't be read", M::NAME);
            vec![Fault::new("bad-hyper-parameters", message).because(error)]
        })?,
    };
    Ok(Box::new(M::check(params)?))
}

/// Something to do with a model's type, as decoding its `Params` from a format of the caller's.
pub trait ModelVisitor {
    /// What comes of it.
    type Out;
    /// Does it.
    fn visit<M: Model>(self) -> Self::Out;
}

macro_rules! models {
    ($($model:ty),+ $(,)?) => {
        static CATALOGUE: &[ModelEntry] = &[$(ModelEntry::of::<$model>()),+];

        /// Calls the visitor with the type of the model of that name; `None` if there is none.
        pub fn with_model<V: ModelVisitor>(name: &str, visitor: V) -> Option<V::Out> {
            $(if name == <$model as Model>::NAME {
                return Some(visitor.visit::<$model>());
            })+
            None
        }
    };
}

models![
    linear_regression::LinearRegression,
    ridge::Ridge,
    lasso::Lasso,
    elastic_net::ElasticNet,
    logistic_regression::LogisticRegression,
    svm::Svm,
    decision_tree::DecisionTree,
    random_forest::RandomForest,
    extra_trees::ExtraTrees,
    gradient_boosting::GradientBoosting,
    neural_network::NeuralNetwork,
    naive_bayes::NaiveBayes,
    knn::Knn,
    baseline::Baseline,
];

/// What people call a model elsewhere, and its name here.
const SYNONYMS: &[(&str, &str)] = &[
    ("rf", "random_forest"),
    ("forest", "random_forest"),
    ("randomforestclassifier", "random_forest"),
    ("randomforestregressor", "random_forest"),
    ("ranger", "random_forest"),
    ("logistic", "logistic_regression"),
    ("logit", "logistic_regression"),
    ("logreg", "logistic_regression"),
    ("linear", "linear_regression"),
    ("ols", "linear_regression"),
    ("dummy", "baseline"),
    ("dummyclassifier", "baseline"),
    ("dummyregressor", "baseline"),
    ("elasticnet", "elastic_net"),
    ("ridgeregression", "ridge"),
    ("lassoregression", "lasso"),
    ("glmnet", "elastic_net"),
    ("svc", "svm"),
    ("svr", "svm"),
    ("linearsvc", "svm"),
    ("linearsvr", "svm"),
    ("libsvm", "svm"),
    ("supportvectormachine", "svm"),
    ("cart", "decision_tree"),
    ("decisiontreeclassifier", "decision_tree"),
    ("decisiontreeregressor", "decision_tree"),
    ("extratreesclassifier", "extra_trees"),
    ("extratreesregressor", "extra_trees"),
    ("xgboost", "gradient_boosting"),
    ("xgb", "gradient_boosting"),
    ("lightgbm", "gradient_boosting"),
    ("lgbm", "gradient_boosting"),
    ("catboost", "gradient_boosting"),
    ("gbm", "gradient_boosting"),
    ("gradientboostingclassifier", "gradient_boosting"),
    ("gradientboostingregressor", "gradient_boosting"),
    ("histgradientboostingclassifier", "gradient_boosting"),
    ("histgradientboostingregressor", "gradient_boosting"),
    ("mlp", "neural_network"),
    ("mlpclassifier", "neural_network"),
    ("mlpregressor", "neural_network"),
    ("gaussiannb", "naive_bayes"),
    ("bernoullinb", "naive_bayes"),
    ("multinomialnb", "naive_bayes"),
    ("bayes", "naive_bayes"),
    ("nb", "naive_bayes"),
    ("kneighborsclassifier", "knn"),
    ("kneighbors", "knn"),
    ("nearest_neighbors", "knn"),
    ("nearestneighbors", "knn"),
    ("kneighborsregressor", "knn"),
    ("stacking", "ensemble"),
    ("voting", "ensemble"),
];

/// Every model, in the order of the language page.
pub fn catalogue() -> &'static [ModelEntry] {
    CATALOGUE
}

/// The model of that name.
///
/// # Errors
/// If there is none, with the name that was probably meant.
pub fn find(name: &str) -> Result<&'static ModelEntry, Fault> {
    if let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == name) {
        return Ok(entry);
    }
    if name == ENSEMBLE {
        return Ok(ensemble_entry());
    }
    Err(Fault::new("unknown-model", format!("there is no model `{name}`")).maybe_help(meant(name)))
}

fn names() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|entry| entry.name).chain([ENSEMBLE])
}

/// What was probably meant by a name.
fn meant(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let plain = lower.replace(['_', '-', ' '], "");
    let synonym = SYNONYMS.iter().find(|(other, _)| *other == lower || *other == plain);
    let same = names().find(|ours| ours.replace('_', "") == plain);
    let Some(ours) = same.or(synonym.map(|(_, ours)| *ours)).or_else(|| nearest(name, names())) else {
        return suggest(name, names());
    };
    Some(format!("did you mean `{ours}`?"))
}

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_digits;
#[cfg(test)]
mod tests_explain;
#[cfg(test)]
mod tests_linear;
#[cfg(test)]
mod tests_memory;
#[cfg(test)]
mod tests_update;
