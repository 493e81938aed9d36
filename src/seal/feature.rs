//! A column that a model reads, and how its values become numbers.

use serde::{Deserialize, Serialize};

use crate::data::Value;

/// A column that a model reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// The categories of the train rows, in order: a value stands for its place among them. `None` for numbers.
    pub categories: Option<Vec<Value>>,
}

impl Feature {
    /// A feature that holds numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), categories: None }
    }

    /// A feature that holds categories.
    pub fn category(name: impl Into<String>, mut categories: Vec<Value>) -> Self {
        categories.sort_by(Value::order);
        Self { name: name.into(), categories: Some(categories) }
    }

    /// What a model reads for a value: the number, or the place of the category. NaN where there is no value, or a
    /// category that no train row had.
    pub fn read(&self, value: &Value) -> f64 {
        let Some(categories) = &self.categories else {
            return value.as_f64().unwrap_or(f64::NAN);
        };
        categories.binary_search_by(|category| category.order(value)).map_or(f64::NAN, |place| place as f64)
    }

    /// How many categories there are; `None` for numbers.
    pub fn levels(&self) -> Option<u32> {
        self.categories.as_ref().map(|categories| categories.len() as u32)
    }

    /// Whether the categories are in the order that `read` searches.
    pub(super) fn is_sound(&self) -> bool {
        self.categories.as_ref().is_none_or(|categories| {
            u32::try_from(categories.len()).is_ok() && categories.is_sorted_by(|a, b| a.order(b).is_lt())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_read_as_their_places_and_strangers_as_no_value() {
        let feature = Feature::category("sex", vec![Value::str("male"), Value::str("female")]);
        assert_eq!(feature.read(&Value::str("female")), 0.0);
        assert_eq!(feature.read(&Value::str("male")), 1.0);
        assert!(feature.read(&Value::str("?")).is_nan() && feature.read(&Value::Null).is_nan());
        assert_eq!(feature.levels(), Some(2));
        assert!(feature.is_sound());
        let unsorted = Feature { name: "sex".into(), categories: Some(vec![Value::str("b"), Value::str("a")]) };
        assert!(!unsorted.is_sound());
    }

    #[test]
    fn numbers_are_read_as_they_are() {
        let feature = Feature::number("age");
        assert_eq!(feature.read(&Value::Int(3)), 3.0);
        assert_eq!(feature.read(&Value::Bool(true)), 1.0);
        assert!(feature.read(&Value::Null).is_nan());
    }
}
