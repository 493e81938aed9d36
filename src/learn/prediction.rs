//! What an estimator says of rows.

/// Answers, one a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// For each row the probability of each class.
    Probabilities {
        /// How many classes.
        classes: usize,
        /// Row after row, `classes` values each.
        values: Vec<f64>,
    },
    /// For each row a number.
    Numbers(Vec<f64>),
}

impl Prediction {
    /// How many rows.
    pub fn rows(&self) -> usize {
        match self {
            Prediction::Probabilities { classes, values } => values.len() / (*classes).max(1),
            Prediction::Numbers(numbers) => numbers.len(),
        }
    }

    /// The likeliest class of each row, the first of equals; `None` for numbers.
    pub fn labels(&self) -> Option<Vec<u32>> {
        match self {
            Prediction::Probabilities { classes, values } => Some(values.chunks(*classes).map(argmax).collect()),
            Prediction::Numbers(_) => None,
        }
    }

    /// The same with certainty: of the first two classes `positive` from `threshold` on, which is what labels then say.
    #[must_use]
    pub fn decided(&self, positive: u32, threshold: f64) -> Self {
        let Prediction::Probabilities { classes, values } = self else { return self.clone() };
        let positive = positive as usize;
        let called = values.chunks(*classes).flat_map(|row| {
            let called = if row[positive] >= threshold { positive } else { 1 - positive };
            (0..*classes).map(move |class| if class == called { 1.0 } else { 0.0 })
        });
        Prediction::Probabilities { classes: *classes, values: called.collect() }
    }

    /// Each row's probability of one class; `None` for numbers or a class that isn't there.
    pub fn probability(&self, class: u32) -> Option<Vec<f64>> {
        match self {
            Prediction::Probabilities { classes, values } if (class as usize) < *classes => {
                let column = values.iter().skip(class as usize).step_by(*classes);
                Some(column.copied().collect())
            }
            _ => None,
        }
    }
}

/// The index of the largest value, the first of equals.
pub fn argmax(values: &[f64]) -> u32 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_likeliest_classes_and_ties_go_to_the_first() {
        let prediction = Prediction::Probabilities { classes: 3, values: vec![0.2, 0.5, 0.3, 0.4, 0.2, 0.4] };
        assert_eq!(prediction.labels(), Some(vec![1, 0]));
        assert_eq!(prediction.probability(2), Some(vec![0.3, 0.4]));
        assert_eq!(prediction.probability(3), None);
        assert_eq!(prediction.rows(), 2);
    }
}
