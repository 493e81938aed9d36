//! `ordinal`: categories by their place in an order.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{Cells, ColumnMap, Kind, Selector, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::plain::Plain;
use crate::ops::{FitContext, Op, Page, Serving, Unknown, categories, first, no_categories, resolved};
use crate::recipe::{Looked, Lookup, RowStep};
use crate::source::{Fault, Route};

/// The columns whose order is learned, or each with its order.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Columns {
    Learned(Selector),
    Said(ColumnMap<Vec<Plain>>),
}

impl<'de> Deserialize<'de> for Columns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnsVisitor)
    }
}

struct ColumnsVisitor;

impl<'de> de::Visitor<'de> for ColumnsVisitor {
    type Value = Columns;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("columns, or orders by column such as `{size: [S, M, L]}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Columns, E> {
        Selector::deserialize(de::value::StrDeserializer::new(text)).map(Columns::Learned)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Columns, A::Error> {
        Selector::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Columns::Learned)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Columns, A::Error> {
        let mut orders: Vec<(String, Vec<Plain>)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "except" {
                let columns: Vec<String> = map.next_value()?;
                return match map.next_key::<String>()? {
                    None if orders.is_empty() => Ok(Columns::Learned(Selector::except(&columns))),
                    _ => Err(de::Error::custom("`except` stands alone")),
                };
            }
            orders.push((key, map.next_value()?));
        }
        if orders.is_empty() {
            return Err(de::Error::custom("at least one column is needed"));
        }
        Ok(Columns::Said(orders.into_iter().collect()))
    }
}

impl JsonSchema for Columns {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OrdinalColumns".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let selector = generator.subschema_for::<Selector>();
        json_schema!({
            "description": "The columns, whose categories are ordered as they sort, or each with its order.",
            "anyOf": [selector, {"type": "object", "minProperties": 1, "additionalProperties":
                {"type": "array", "minItems": 1, "items": {"type": ["string", "number", "boolean"]}}}]
        })
    }
}

/// The argument of `ordinal`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns, whose categories are then ordered as they sort, or a map from each column to its order, the first first.
    columns: Columns,
    /// What happens to a category that isn't among them: `ignore`, it has no value, or `refuse`.
    #[serde(default)]
    unknown: Unknown,
}

/// The checked form.
#[derive(Serialize)]
pub struct Ordinal {
    columns: Columns,
    unknown: Unknown,
}

impl Op for Ordinal {
    const NAME: &'static str = "ordinal";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts in place of each category its place in an order, from 0: the order that is said, or that in which the training rows' categories sort. A missing value stays missing.",
        learns: "the categories, where no order is said",
        serving: Serving::Same,
        example: "ordinal: {columns: {kind: [S, M, L]}, unknown: refuse}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    const SHORTHAND_MAPS: bool = true;
    type Params = Params;
    /// The categories in their order, by column.
    type Fitted = BTreeMap<String, Vec<Value>>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let Params { columns, unknown } = params;
        let Columns::Said(orders) = &columns else { return Ok(Self { columns, unknown }) };
        let mut faults = Vec::new();
        for (key, order) in orders.iter() {
            let at = |nth: usize| Route::of(["columns", key]).index(nth);
            if order.is_empty() {
                faults.push(Fault::new("no-order", "an order has at least one category").within(key).within("columns"));
            }
            for (nth, Plain(value)) in order.iter().enumerate() {
                if value.is_null() {
                    let fault = Fault::new("no-order", "what is missing has no place in an order");
                    faults.push(fault.under(&at(nth)));
                }
            }
        }
        if faults.is_empty() { Ok(Self { columns, unknown }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        let columns: Vec<String> = match &self.columns {
            Columns::Learned(columns) => categories(columns, input, faults),
            Columns::Said(orders) => {
                let mut found = Vec::new();
                let resolved = resolved(orders, input, &mut found);
                for (column, order) in &resolved {
                    let fault = input
                        .kind(column)
                        .and_then(|kind| no_categories(column, kind).or_else(|| typed(column, kind, order).err()));
                    found.extend(fault.map(|fault| fault.within(orders.key_of(column, input))));
                }
                faults.extend(found.into_iter().map(|fault| fault.within("columns")));
                resolved.into_iter().map(|(column, _)| column).collect()
            }
        };
        for column in columns.iter().filter(|column| input.known(column).is_some()) {
            shape.set(column, Kind::Int);
        }
        shape
    }

    fn learns(&self) -> bool {
        matches!(self.columns, Columns::Learned(_))
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = match &self.columns {
            Columns::Learned(columns) => columns.select(input).unwrap_or_default(),
            Columns::Said(_) => Vec::new(),
        };
        columns.into_iter().map(|column| (column, Vec::new())).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let Columns::Learned(columns) = &self.columns else { return Ok(BTreeMap::new()) };
        let mut fitted = BTreeMap::new();
        for column in columns.resolve(&table.shape)? {
            let counts = stats::value_counts(table.training_column(&column)?);
            let mut order: Vec<Value> = counts.into_iter().map(|(value, _)| value).collect();
            stats::sort(&mut order);
            fitted.insert(column, order);
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        for (column, order) in self.orders(fitted, input)? {
            let kind = input.expect(&column)?;
            if self.unknown == Unknown::Refuse {
                let value = Expr::column(&column, kind);
                let reason = format!("`{column}` is of a category that isn't among those that are ordered");
                steps.push(RowStep::refuse(value.is_in(&order).not(), reason, Some(&column)));
            }
            let places = Cells::new(Kind::Int, (0..order.len() as i64).map(Value::Int));
            let place = Looked { name: column.clone(), cells: places, otherwise: Value::Null };
            steps.push(RowStep::Lookup(Lookup::by(&column, Cells::new(kind, order), vec![place])));
        }
        Ok(steps)
    }
}

impl Ordinal {
    /// The order of each column.
    fn orders(&self, fitted: &BTreeMap<String, Vec<Value>>, input: &Shape) -> Result<Vec<(String, Vec<Value>)>, Fault> {
        match &self.columns {
            Columns::Learned(_) => Ok(fitted.iter().map(|(column, order)| (column.clone(), order.clone())).collect()),
            Columns::Said(orders) => {
                let resolved = orders.resolve(input).map_err(first)?;
                let each = resolved.into_iter().map(|(column, order)| {
                    let order = typed(&column, input.expect(&column)?, order)?;
                    Ok((column, order))
                });
                each.collect()
            }
        }
    }
}

/// An order as values of the column's type.
fn typed(column: &str, kind: Kind, order: &[Plain]) -> Result<Vec<Value>, Fault> {
    let mut found = Vec::new();
    for (nth, Plain(value)) in order.iter().enumerate() {
        let at = Route::here().index(nth);
        let Some(value) = value.clone().coerced(kind) else {
            let fault = Fault::new("wrong-type", format!("`{column}` is {kind}, and `{value}` isn't"));
            let help = kind.is_string().then(|| "write it in quotes".to_owned());
            return Err(fault.maybe_help(help).under(&at));
        };
        found.push(value);
    }
    let mut sorted = found.clone();
    stats::sort(&mut sorted);
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Fault::new("duplicate-value", format!("`{}` stands in the order twice", pair[0]))),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("ordinal", "ordinal", "[city, size, count, flag]");
        held::against("ordinal_said", "ordinal", "{size: [S, M, L, XL], count: [3, 0, -1]}");
    }

    #[test]
    fn strangers_are_refused_where_that_is_said() {
        held::against("ordinal_refused", "ordinal", "{columns: {size: [S, M]}, unknown: refuse}");
    }

    #[test]
    fn an_order_that_does_not_fit_is_told() {
        let told = |argument: &str| held::mistakes("ordinal", argument);
        assert_eq!(told("{size: [S, M, S]}"), ["columns.size: `S` stands in the order twice"]);
        assert_eq!(told("{size: [S, 1]}"), ["columns.size[1]: `size` is category, and `1` isn't"]);
        assert_eq!(told("{size: [S, null]}"), ["columns.size[1]: what is missing has no place in an order"]);
        assert_eq!(told("[bmi]"), ["columns[0]: `bmi` is float: it has no categories"]);
        assert!(
            told("{columns: [size], colour: red}")[0].contains("there is no key"),
            "{:?}",
            told("{columns: [size], colour: red}")
        );
        assert!(told("{except: [bmi, count]}").iter().any(|fault| fault.contains("it has no categories")));
    }
}
