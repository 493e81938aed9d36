//! What several values are made into: the functions of `aggregate` and `rolling`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Value, stats};

/// A function of several values. Missing ones don't count, and without any value there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Statistic {
    /// How many.
    Count,
    /// How many different ones.
    CountDistinct,
    /// The sum.
    Sum,
    /// The arithmetic mean.
    Mean,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The middle value, or the mean of the two in the middle.
    Median,
    /// The sample's standard deviation, as SQL's `stddev`: none of a single value.
    Std,
    /// The sample's variance.
    Var,
    /// The first.
    First,
    /// The last.
    Last,
    /// The most frequent; the least of several.
    Mode,
}

/// Each by the names that people know it by, its own first.
const NAMES: [(Statistic, &[&str]); 12] = [
    (Statistic::Count, &["count"]),
    (Statistic::CountDistinct, &["count_distinct", "nunique", "n_unique"]),
    (Statistic::Sum, &["sum"]),
    (Statistic::Mean, &["mean", "avg"]),
    (Statistic::Min, &["min"]),
    (Statistic::Max, &["max"]),
    (Statistic::Median, &["median"]),
    (Statistic::Std, &["std", "stddev", "stddev_samp"]),
    (Statistic::Var, &["var", "variance", "var_samp"]),
    (Statistic::First, &["first", "first_value"]),
    (Statistic::Last, &["last", "last_value"]),
    (Statistic::Mode, &["mode"]),
];

impl Statistic {
    /// The function of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(statistic, _)| *statistic)
    }

    /// Its own name.
    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(statistic, _)| *statistic == self).map_or("", |(_, names)| names[0])
    }

    /// The names that can be said.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(_, names)| names[0])
    }

    /// The type of its result over values of `kind`, or what it needs instead.
    pub(super) fn kind(self, kind: Kind) -> Result<Kind, &'static str> {
        match self {
            Statistic::Count | Statistic::CountDistinct => Ok(Kind::Int),
            Statistic::First | Statistic::Last | Statistic::Mode => Ok(kind),
            Statistic::Min | Statistic::Max => Ok(kind),
            Statistic::Sum => match kind {
                Kind::Bool => Ok(Kind::Int),
                Kind::Int | Kind::Float | Kind::Duration => Ok(kind),
                _ => Err("a number"),
            },
            Statistic::Mean | Statistic::Median | Statistic::Std | Statistic::Var => match kind {
                Kind::Bool | Kind::Int | Kind::Float => Ok(Kind::Float),
                _ => Err("a number"),
            },
        }
    }

    /// Its result over values of one type, in the order of their rows. Sums of ints that no int holds are missing.
    pub(super) fn of(self, values: &[Value]) -> Value {
        let solid: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
        match self {
            Statistic::Count => return Value::Int(solid.len() as i64),
            Statistic::CountDistinct => return Value::Int(counts(&solid).len() as i64),
            _ if solid.is_empty() => return Value::Null,
            _ => {}
        }
        let numbers = || solid.iter().filter_map(|value| value.as_f64()).collect::<Vec<f64>>();
        match self {
            Statistic::First => solid[0].clone(),
            Statistic::Last => solid[solid.len() - 1].clone(),
            Statistic::Min => solid.iter().min_by(|a, b| a.order(b)).map_or(Value::Null, |value| (*value).clone()),
            Statistic::Max => solid.iter().max_by(|a, b| a.order(b)).map_or(Value::Null, |value| (*value).clone()),
            Statistic::Mode => mode(&solid),
            Statistic::Sum => sum(&solid),
            Statistic::Mean => stats::mean_of(&numbers()).map_or(Value::Null, Value::float),
            Statistic::Median => stats::median_of(numbers()).map_or(Value::Null, Value::float),
            Statistic::Var => spread(&numbers()).map_or(Value::Null, Value::float),
            Statistic::Std => spread(&numbers()).map_or(Value::Null, |spread| Value::float(spread.sqrt())),
            Statistic::Count | Statistic::CountDistinct => Value::Null,
        }
    }
}

fn counts<'a>(values: &[&'a Value]) -> Vec<(&'a Value, usize)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| a.order(b));
    let mut counts: Vec<(&Value, usize)> = Vec::new();
    for value in sorted {
        match counts.last_mut() {
            Some((before, count)) if *before == value => *count += 1,
            _ => counts.push((value, 1)),
        }
    }
    counts
}

fn mode(values: &[&Value]) -> Value {
    let counts = counts(values);
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(Value::Null, |(value, _)| (*value).clone())
}

fn sum(values: &[&Value]) -> Value {
    if let Value::Float(_) = values[0] {
        return Value::float(stats::sum(values.iter().filter_map(|value| value.as_f64())));
    }
    let whole = |value: &&&Value| match value {
        Value::Bool(flag) => i128::from(*flag),
        Value::Int(number) | Value::Duration(number) => i128::from(*number),
        _ => 0,
    };
    let sum: i128 = values.iter().map(|value| whole(&value)).sum();
    match (i64::try_from(sum), values[0]) {
        (Ok(sum), Value::Duration(_)) => Value::Duration(sum),
        (Ok(sum), _) => Value::Int(sum),
        (Err(_), _) => Value::Null,
    }
}

fn spread(numbers: &[f64]) -> Option<f64> {
    let free = numbers.len().checked_sub(1).filter(|free| *free > 0)?;
    let mean = stats::mean_of(numbers)?;
    Some(stats::sum(numbers.iter().map(|number| (number - mean).powi(2))) / free as f64)
}

/// Rows by the values of some columns, in the order in which these first appear: for each group its rows.
pub(super) fn groups(keys: &[Vec<u8>]) -> Vec<Vec<usize>> {
    let mut places: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let place = *places.entry(key).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Vec::new());
        }
        groups[place].push(row);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_those_of_pandas() {
        let values = [3, 1, 4, 1, 5].map(Value::Int);
        let of = |statistic: Statistic| statistic.of(&values);
        assert_eq!(of(Statistic::Count), Value::Int(5));
        assert_eq!(of(Statistic::CountDistinct), Value::Int(4));
        assert_eq!(of(Statistic::Sum), Value::Int(14));
        assert_eq!(of(Statistic::Mean), Value::Float(2.8));
        assert_eq!(of(Statistic::Median), Value::Float(3.0));
        assert_eq!(of(Statistic::Mode), Value::Int(1));
        assert_eq!((of(Statistic::Min), of(Statistic::Max)), (Value::Int(1), Value::Int(5)));
        assert_eq!((of(Statistic::First), of(Statistic::Last)), (Value::Int(3), Value::Int(5)));
        // pandas.Series([3, 1, 4, 1, 5]).var()
        let Value::Float(var) = of(Statistic::Var) else { panic!("a number") };
        assert!((var - 3.2).abs() < 1e-12);
        assert_eq!(Statistic::Std.of(&[Value::Float(2.0)]), Value::Null);
        assert_eq!(Statistic::Sum.of(&[Value::Null, Value::Null]), Value::Null);
        assert_eq!(Statistic::Count.of(&[Value::Null]), Value::Int(0));
        assert_eq!(Statistic::Sum.of(&[Value::Int(i64::MAX), Value::Int(1)]), Value::Null);
        assert_eq!(Statistic::Sum.of(&[Value::Bool(true), Value::Bool(true)]), Value::Int(2));
    }
}
