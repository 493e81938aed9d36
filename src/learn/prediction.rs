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

    /// The given rows, in the given order.
    #[must_use]
    pub fn take(&self, rows: &[usize]) -> Self {
        match self {
            Prediction::Numbers(numbers) => Prediction::Numbers(rows.iter().map(|&row| numbers[row]).collect()),
            Prediction::Probabilities { classes, values } => {
                let row = |row: &usize| values[row * classes..(row + 1) * classes].iter().copied();
                Prediction::Probabilities { classes: *classes, values: rows.iter().flat_map(row).collect() }
            }
        }
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
