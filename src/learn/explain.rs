//! Why an estimator says what it says of a row: what each feature contributes.

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
    /// The logarithm of 1 + the number.
    Log1p,
    /// The root of the number.
    Root,
    /// A power of the number, by its mean and spread.
    YeoJohnson,
    /// The number's place among those of training, as a quantile of the normal distribution.
    Quantile,
    /// The logarithm of a class' odds, up to a shift that is the same for all classes.
    LogOdds,
}

/// What contributions add up to, on the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Of {
    /// What the model answers.
    Answer,
    /// What its probability was before it was calibrated: of two classes, the answer moves with that one way only.
    ScoreBeforeCalibration,
}

/// How contributions were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// From what the model has learned.
    Exact,
    /// From its answers to drawn mixtures of the record with rows that it was trained on.
    Sampled,
}

/// What each feature contributes to an answer. For each output, base + Σ contributions is the answer on that scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// What the sum is measured in.
    pub scale: Scale,
    /// What the sum is.
    pub of: Of,
    /// How it was found.
    pub method: How,
    /// What is said of no row in particular, one value an output.
    pub base: Vec<f64>,
    /// One value a feature, output after output.
    pub contributions: Vec<f64>,
}

impl Explanation {
    /// Nothing said yet of `outputs` answers from `columns` features.
    pub(super) fn new(scale: Scale, outputs: usize, columns: usize) -> Self {
        let (base, contributions) = (vec![0.0; outputs], vec![0.0; outputs * columns]);
        Self { scale, of: Of::Answer, method: How::Exact, base, contributions }
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
    pub fn output(&self, output: usize) -> (f64, &[f64]) {
        let columns = self.contributions.len() / self.base.len();
        (self.base[output], &self.contributions[output * columns..(output + 1) * columns])
    }

    /// Whether every number in it is one.
    pub(super) fn is_finite(&self) -> bool {
        self.base.iter().chain(&self.contributions).all(|value| value.is_finite())
    }
}
