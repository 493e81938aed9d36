//! `clip`: numbers beyond bounds become the bounds.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::bound::Bound;
use crate::data::{ColumnMap, Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::numbers::{clamped, float};
use crate::ops::{FitContext, Op, Page, Serving, first, no_value, not_numbers, resolved};
use crate::recipe::RowStep;
use crate::source::Fault;

/// Where one column is cut off: two bounds, or how they are found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Limits(Bound);

impl<'de> Deserialize<'de> for Limits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitsVisitor)
    }
}

struct LimitsVisitor;

impl<'de> de::Visitor<'de> for LimitsVisitor {
    type Value = Limits;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("two bounds such as `[0, 100]`, or `{quantile: [0.01, 0.99]}`, `{iqr: 1.5}`, `{zscore: 4}`")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Limits, A::Error> {
        let bounds = Deserialize::deserialize(de::value::SeqAccessDeserializer::new(list))?;
        Ok(Limits(Bound::Between(bounds)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Limits, A::Error> {
        Bound::deserialize(de::value::MapAccessDeserializer::new(map)).map(Limits)
    }
}

impl JsonSchema for Limits {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let bound = generator.subschema_for::<Bound>();
        let bounds = json_schema!({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2});
        json_schema!({"anyOf": [bounds, bound]})
    }
}

/// The argument of `clip`: where to cut off, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Limits>);

/// The checked form.
#[derive(Serialize)]
pub struct Clip {
    columns: ColumnMap<Limits>,
}

impl Op for Clip {
    const NAME: &'static str = "clip";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes numbers beyond two bounds the bounds: values of your own (`.inf` is none), or those beyond which `drop_outliers` would drop: `quantile`, `iqr`, `zscore`. A missing value stays missing, and an int stays one between whole bounds.",
        learns: "the bounds, save of `[low, high]`",
        serving: Serving::Same,
        example: "clip: {income: {quantile: [0.01, 0.99]}, age: [0, 100], fare: {iqr: 3}}",
    };
    type Params = Params;
    /// Lowest and highest value, by column.
    type Fitted = BTreeMap<String, (f64, f64)>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults: Vec<Fault> = params.0.iter().filter_map(|(key, limits)| limits.fault(key)).collect();
        if faults.is_empty() {
            return Ok(Self { columns: params.0 });
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (column, limits) in resolved(&self.columns, input, faults) {
            match input.kind(&column) {
                Some(kind) if !kind.is_numeric() => {
                    let fault = not_numbers(&column, kind, "are cut off");
                    faults.push(fault.within(self.columns.key_of(&column, input)));
                }
                Some(kind) if input.known(&column).is_some() => shape.set(&column, limits.kind(kind)),
                _ => {}
            }
        }
        shape
    }

    fn learns(&self) -> bool {
        self.columns.values().any(|limits| limits.said().is_none())
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.map(|(column, _)| (column, (0.0, 0.0))).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for (column, limits) in self.columns.resolve(&table.shape).map_err(first)? {
            if limits.said().is_none() {
                let bounds = limits.0.of(table.training_column(&column)?).ok_or_else(|| no_value(&column))?;
                fitted.insert(column, bounds);
            }
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut sets = Vec::new();
        for (column, limits) in self.columns.resolve(input).map_err(first)? {
            let kind = input.expect(&column)?;
            let bounds = limits.said().or_else(|| fitted.get(&column).map(|(low, high)| [*low, *high]));
            let Some(bounds) = bounds else {
                return Err(Fault::new("fitted-state", format!("`{column}` has no bounds")));
            };
            let to = limits.kind(kind);
            let [low, high] = bounds.map(|bound| match to {
                Kind::Int => whole(bound).map(|bound| Expr::literal(Value::Int(bound))),
                _ => bound.is_finite().then(|| float(bound)),
            });
            sets.push((column.clone(), clamped(Expr::column(&column, kind).cast(to), low, high)));
        }
        Ok(vec![RowStep::set(sets)])
    }
}

impl Limits {
    fn fault(&self, key: &str) -> Option<Fault> {
        let fault = self.0.fault()?;
        Some(match &self.0 {
            Bound::Between(_) => {
                Fault::new("out-of-range", "the bounds must be two values, the lower one first").within(key)
            }
            _ => fault.within(key),
        })
    }

    /// Bounds of one's own.
    fn said(&self) -> Option<[f64; 2]> {
        match self.0 {
            Bound::Between(bounds) => Some(bounds),
            _ => None,
        }
    }

    /// The type of what was of type `kind`: an int stays one if the bounds are ints.
    fn kind(&self, kind: Kind) -> Kind {
        let whole = |bounds: [f64; 2]| bounds.into_iter().all(|bound| bound.is_infinite() || whole(bound).is_some());
        if kind == Kind::Int && self.said().is_some_and(whole) { Kind::Int } else { Kind::Float }
    }
}

/// A bound as an int, if it is one.
fn whole(bound: f64) -> Option<i64> {
    match Value::Float(bound).coerced(Kind::Int)? {
        Value::Int(number) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_pandas() {
        let argument = "{bmi: [-0.01, 0.02], big: [0, 9000000], count: [2, .inf], flavanoids: {quantile: [0.1, 0.8]}, proline: {iqr: 0.5}}";
        held::against("clip", "clip", argument);
    }

    #[test]
    fn an_int_stays_one_between_whole_bounds() {
        use crate::data::Kind;
        let kinds = |argument: &str| held::kinds("clip", argument, &["count", "big"]);
        assert_eq!(kinds("{count: [0, 5], big: [-.inf, 7.0]}"), [Kind::Int, Kind::Int]);
        assert_eq!(kinds("{count: [0, 5.5], big: {iqr: 1}}"), [Kind::Float, Kind::Float]);
    }

    #[test]
    fn bounds_must_rise() {
        let told = |argument: &str| held::mistakes("clip", argument);
        assert_eq!(told("{bmi: [1, 0]}"), ["bmi: the bounds must be two values, the lower one first"]);
        assert!(told("{bmi: {quantile: [1, 99]}}")[0].starts_with("bmi.quantile: `quantile` must be two shares"));
        assert_eq!(told("{city: [0, 1]}"), ["city: `city` is category: only numbers are cut off"]);
    }
}
