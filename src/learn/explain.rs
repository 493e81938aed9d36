//! Why an estimator says what it says of a row: what each feature contributes, exactly.

use crate::source::Fault;

/// What an answer is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// The target's own units.
    Number,
    /// A class' probability.
    Probability,
    /// The logarithm of the number.
    Logarithm,
    /// The logarithm of a class' odds, up to a shift that is the same for all classes.
    LogOdds,
}

/// What each feature contributes to an answer. For each output, base + Σ contributions is the answer on that scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What the contributions add up to.
    pub scale: Scale,
    /// What is said of no row in particular, one value an output.
    pub base: Vec<f64>,
    /// One value a feature, output after output.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// Nothing said yet of `outputs` answers from `columns` features.
    pub(super) fn new(scale: Scale, outputs: usize, columns: usize) -> Self {
        Self { scale, base: vec![0.0; outputs], contributions: vec![0.0; outputs * columns] }
    }

    /// Says of one output the opposite of what is said of another: of two classes, the odds are each other's inverse.
    pub(super) fn negate(&mut self, of: usize, into: usize) {
        let columns = self.contributions.len() / self.base.len();
        self.base[into] = -self.base[of];
        for column in 0..columns {
            self.contributions[into * columns + column] = -self.contributions[of * columns + column];
        }
    }

    /// The base of one output and each feature's contribution to it.
    ///
    /// # Panics
    /// If there is no such output.
    pub fn of(&self, output: usize) -> (f64, &[f64]) {
        let columns = self.contributions.len() / self.base.len();
        (self.base[output], &self.contributions[output * columns..(output + 1) * columns])
    }
}

/// The fault of a model whose answers aren't sums of what its features contribute.
pub(super) fn unexplained() -> Fault {
    Fault::new("not-explained", "only linear models and trees say exactly what each feature contributes")
        .help("ask without an explanation; `gristmill models show` tells which features matter on the whole")
}
