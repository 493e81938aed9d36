//! `fill_missing`: puts a value where there is none.

use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{ColumnMap, Kind, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::plain::{Plain, PlainVisitor};
use crate::ops::{FitContext, Op, Page, Serving, apply_to_table, first, taken};
use crate::recipe::RowStep;
use crate::source::{Fault, suggest};

/// What stands in for a missing value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum With {
    /// The mean of the training rows.
    Mean,
    /// Their median.
    Median,
    /// Their most frequent value; the smallest of several.
    Mode,
    /// The value of the row before; when serving, the last one of the training rows.
    Forward,
    /// This value.
    Value(Value),
}

/// How one column is filled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fill {
    with: With,
    indicator: Option<String>,
}

const METHODS: [&str; 4] = ["mean", "median", "mode", "forward"];

/// The long form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Long {
    with: Option<String>,
    value: Option<Plain>,
    indicator: Option<String>,
}

impl<'de> Deserialize<'de> for Fill {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FillVisitor)
    }
}

struct FillVisitor;

impl<'de> de::Visitor<'de> for FillVisitor {
    type Value = Fill;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("`mean`, `median`, `mode`, `forward`, a number, or `{value: …}`")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Fill, E> {
        Ok(Fill::of(With::Value(Value::Bool(flag))))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Fill, E> {
        Ok(Fill::of(With::Value(Value::Int(number))))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Fill, E> {
        PlainVisitor.visit_u64(number).map(|value| Fill::of(With::Value(value)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Fill, E> {
        Ok(Fill::of(With::Value(Value::Float(number))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Fill, E> {
        method(text).map(Fill::of)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Fill, A::Error> {
        let long = Long::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let with = match (long.with, long.value) {
            (Some(name), None) => method(&name)?,
            (None, Some(Plain(value))) => With::Value(value),
            _ => {
                return Err(de::Error::custom("say either `with`, a method, or `value`, a value of your own"));
            }
        };
        Ok(Fill { with, indicator: long.indicator })
    }
}

fn method<E: de::Error>(name: &str) -> Result<With, E> {
    Ok(match name {
        "mean" => With::Mean,
        "median" => With::Median,
        "mode" => With::Mode,
        "forward" => With::Forward,
        _ => {
            let meant = suggest(name, METHODS).unwrap_or_default();
            return Err(E::custom(format!(
                "`{name}` isn't a way to fill: {meant}; a value of your own is written `{{value: {name}}}`"
            )));
        }
    })
}

impl Fill {
    fn of(with: With) -> Self {
        Self { with, indicator: None }
    }

    /// The column's type once it is filled.
    fn kind(&self, kind: Kind) -> Kind {
        match (&self.with, kind) {
            (With::Mean | With::Median, Kind::Int) => Kind::Float,
            (With::Value(Value::Float(_)), Kind::Int) => Kind::Float,
            _ => kind,
        }
    }

    fn fits(&self, column: &str, kind: Kind) -> Result<(), Fault> {
        let needs_number = matches!(self.with, With::Mean | With::Median);
        if needs_number && !kind.is_numeric() {
            let fault = Fault::new("wrong-type", format!("`{column}` is {kind}: it has no mean or median"));
            return Err(fault.help("use `mode`, or a value: `{value: …}`"));
        }
        if let With::Value(value) = &self.with
            && value.clone().coerced(self.kind(kind)).is_none()
        {
            let fault = Fault::new("wrong-type", format!("`{column}` is {kind}, and `{value}` isn't"));
            return Err(fault);
        }
        Ok(())
    }
}

impl JsonSchema for Fill {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fill".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"enum": METHODS},
            {"type": ["number", "boolean"]},
            {"type": "object", "additionalProperties": false, "properties": {
                "with": {"enum": METHODS},
                "value": {"type": ["string", "number", "boolean"]},
                "indicator": {"type": "string", "description": "A bool column that says which rows were filled."}
            }}
        ]})
    }
}

/// The argument of `fill_missing`: how to fill, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Fill>);

/// The checked form.
#[derive(Serialize)]
pub struct FillMissing {
    columns: ColumnMap<Fill>,
}

impl Op for FillMissing {
    const NAME: &'static str = "fill_missing";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts a value where there is none: the mean, the median, the most frequent value, the row before's (`forward`; the first rows of the train part may stay without one), or one of your own.",
        learns: "the statistics it fills with",
        serving: Serving::Same,
        example: "fill_missing: {age: mean, kind: mode, gust: 0, notes: {value: none}}",
    };
    type Params = Params;
    /// What each column is filled with; absent when the training rows have no value at all.
    type Fitted = BTreeMap<String, Value>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.0 })
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        let resolved = match self.columns.resolve(input) {
            Ok(resolved) => resolved,
            Err(found) => {
                faults.extend(found);
                return shape;
            }
        };
        for (column, fill) in resolved {
            let Some(kind) = input.kind(&column) else {
                continue;
            };
            if let Err(fault) = fill.fits(&column, kind) {
                faults.push(fault.within(self.columns.key_of(&column, input)));
            }
            if input.known(&column).is_some() {
                shape.set(&column, fill.kind(kind));
            }
            match &fill.indicator {
                Some(indicator) if shape.known(indicator).is_some() => {
                    faults.push(taken(indicator).within("indicator").within(self.columns.key_of(&column, input)));
                }
                Some(indicator) => shape.set(indicator, Kind::Bool),
                None => {}
            }
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let named = self.columns.iter().filter_map(|(column, fill)| Some((fill.indicator.clone()?, column)));
        named.map(|(indicator, column)| (indicator, BTreeSet::from([column.to_owned()]))).collect()
    }

    fn learns(&self) -> bool {
        self.columns.values().any(|fill| !matches!(fill.with, With::Value(_)))
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.map(|(column, _)| (column, Value::Null)).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let training = table.training();
        let mut fitted = BTreeMap::new();
        for (column, fill) in self.columns.resolve(&table.shape).map_err(first)? {
            let kind = table.shape.expect(&column)?;
            let values = training.column(&column).map_err(|error| {
                Fault::new("unknown-column", format!("there is no column `{column}`")).because(error)
            })?;
            let value = match &fill.with {
                With::Mean => stats::mean(values).map(Value::Float),
                With::Median => stats::median(values).map(Value::Float),
                With::Mode => stats::mode(values),
                With::Forward => stats::last(values),
                With::Value(value) => value.clone().coerced(fill.kind(kind)),
            };
            let Some(value) = value else {
                return Err(Fault::new(
                    "no-value",
                    format!("`{column}` has no value in any training row, so there is nothing to fill it with"),
                )
                .help(format!("drop the column, or give a value: `{column}: {{value: …}}`")));
            };
            fitted.insert(column, value);
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut sets = Vec::new();
        for (column, fill) in self.columns.resolve(input).map_err(first)? {
            let kind = input.expect(&column)?;
            let value = fitted.get(&column).cloned().unwrap_or(Value::Null);
            let old = Expr::column(&column, kind);
            if let Some(indicator) = &fill.indicator {
                sets.push((indicator.clone(), old.clone().is_null()));
            }
            let old = if fill.kind(kind) == kind { old } else { old.cast(fill.kind(kind)) };
            sets.push((column, old.or_else(Expr::literal(value))));
        }
        Ok(vec![RowStep::set(sets)])
    }

    fn table(&self, fitted: &Self::Fitted, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let forward: Vec<String> = self
            .columns
            .resolve(&table.shape)
            .map_err(first)?
            .into_iter()
            .filter(|(_, fill)| fill.with == With::Forward)
            .map(|(column, _)| column)
            .collect();
        let before = table.carried_forward(&forward)?;
        let filled = apply_to_table(self, fitted, table, cx)?;
        filled.preferring(&before)
    }
}
