//! `replace`: other values in place of some.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::data::{Cells, ColumnMap, Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::plain::Plain;
use crate::ops::{FitContext, Op, Page, Serving, first, resolved};
use crate::recipe::{Looked, Lookup, RowStep};
use crate::source::Fault;

/// New values by the text of the old.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent)]
pub struct News(BTreeMap<String, Plain>);

impl JsonSchema for News {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "News".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "minProperties": 1,
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]}})
    }
}

/// The argument of `replace`: new values by old ones, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<News>);

/// The checked form.
#[derive(Serialize)]
pub struct Replace {
    columns: ColumnMap<News>,
}

impl Op for Replace {
    const NAME: &'static str = "replace";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Puts other values in place of some; `null` makes a value missing. Only whole cells are replaced, all at once, so that two values may change places. For a missing value see `fill_missing`, for parts of a text the function `replace`.",
        learns: "",
        serving: Serving::Same,
        example: "replace: {kind: {\"N.Y.\": New York, \"?\": null}, year: {99: 1999}}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let empty = params.0.iter().filter(|(_, news)| news.0.is_empty());
        let fault = |key| Fault::new("nothing-to-replace", "say what is replaced: `{old: new}`").within(key);
        let faults: Vec<Fault> = empty.map(|(key, _)| fault(key)).collect();
        if faults.is_empty() { Ok(Self { columns: params.0 }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (column, news) in resolved(&self.columns, input, faults) {
            let Some(kind) = input.kind(&column) else { continue };
            if let Err(found) = news.typed(&column, kind) {
                let key = self.columns.key_of(&column, input);
                faults.extend(found.into_iter().map(|fault| fault.within(key)));
            }
            if input.known(&column).is_some() {
                shape.set(&column, news.kind(kind));
            }
        }
        shape
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut steps = Vec::new();
        let mut sets = Vec::new();
        for (column, news) in self.columns.resolve(input).map_err(first)? {
            let (kind, to) = (input.expect(&column)?, news.kind(input.expect(&column)?));
            let (olds, news): (Vec<Value>, Vec<Value>) = news.typed(&column, kind).map_err(first)?.into_iter().unzip();
            let [found, is_found] = ["found", "is found"].map(|what| spare(&format!("{column}, {what}"), input));
            let truths = Cells::new(Kind::Bool, vec![Value::Bool(true); olds.len()]);
            let brings = vec![
                Looked { name: found.clone(), cells: Cells::new(to, news), otherwise: Value::Null },
                Looked { name: is_found.clone(), cells: truths, otherwise: Value::Bool(false) },
            ];
            steps.push(RowStep::Lookup(Lookup::by(&column, Cells::new(kind, olds), brings)));
            let case = (Expr::column(&is_found, Kind::Bool), Expr::column(&found, to));
            sets.push((column.clone(), Expr::case(vec![case], Some(Expr::column(&column, kind).cast(to)))));
        }
        steps.push(RowStep::set(sets));
        steps.push(RowStep::keep(input.names().map(str::to_owned).collect()));
        Ok(steps)
    }
}

/// A name that no column has.
fn spare(name: &str, input: &Shape) -> String {
    let mut spare = name.to_owned();
    while input.known(&spare).is_some() {
        spare.push('\'');
    }
    spare
}

impl News {
    /// The column's type afterwards: ints among which a fraction is put are floats.
    fn kind(&self, kind: Kind) -> Kind {
        let is_fraction = |new: &Plain| matches!(new.0, Value::Float(number) if number.fract() != 0.0);
        if kind == Kind::Int && self.0.values().any(is_fraction) { Kind::Float } else { kind }
    }

    /// Old and new values as those of a column of type `kind`.
    fn typed(&self, column: &str, kind: Kind) -> Result<Vec<(Value, Value)>, Vec<Fault>> {
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        let mut faults = Vec::new();
        for (old, Plain(new)) in &self.0 {
            let wrong = |what: &dyn std::fmt::Display| {
                Fault::new("wrong-type", format!("`{column}` is {kind}, and `{what}` isn't"))
            };
            let typed = Value::str(old).coerced(kind).filter(|value| !value.is_null());
            match (typed, new.clone().coerced(self.kind(kind))) {
                (Some(old), Some(new)) => pairs.push((old, new)),
                (None, _) => faults.push(wrong(old).on_key().within(old)),
                (_, None) if kind.is_string() => {
                    faults.push(wrong(new).help("write it in quotes").within(old));
                }
                (_, None) => faults.push(wrong(new).help("`cast` the column first").within(old)),
            }
        }
        let mut olds: Vec<&Value> = pairs.iter().map(|(old, _)| old).collect();
        olds.sort_by(|a, b| a.order(b));
        if let Some(pair) = olds.windows(2).find(|pair| pair[0] == pair[1]) {
            faults.push(Fault::new("duplicate-value", format!("`{}` is replaced twice", pair[0])));
        }
        if faults.is_empty() { Ok(pairs) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::Kind;
    use crate::ops::held;

    #[test]
    fn values_are_those_of_pandas() {
        let argument = "{city: {\"N.Y.\": New York, \"?\": null, \"\": empty, Zürich: N.Y.}, count: {3: -7, -1: null, 0: 9007199254740993}, const: {3.5: 4}, day: {2024-02-29: 2024-03-01}, flag: {true: false, false: true}}";
        held::against("replace", "replace", argument);
    }

    #[test]
    fn a_fraction_among_ints_makes_floats() {
        assert_eq!(
            held::kinds("replace", "{count: {3: 2.5}, big: {1: 2.0}}", &["count", "big"]),
            [Kind::Float, Kind::Int]
        );
        held::against("replace_fraction", "replace", "{count: {3: 2.5}}");
    }

    #[test]
    fn what_is_of_another_type_is_told() {
        let told = |argument: &str| held::mistakes("replace", argument);
        assert_eq!(
            told("{count: {x: 1, 2: y}}"),
            ["count.2: `count` is int, and `y` isn't", "count.x: `count` is int, and `x` isn't"]
        );
        assert_eq!(told("{city: {a: 1}}"), ["city.a: `city` is category, and `1` isn't"]);
        assert_eq!(told("{bmi: {1: 2, 1.0: 3}}"), ["bmi: `1` is replaced twice"]);
        assert_eq!(told("{bmi: {}}"), ["bmi: say what is replaced: `{old: new}`"]);
    }

    #[test]
    fn many_values_are_replaced() {
        let pairs: Vec<String> = (0..3000).map(|nth| format!("v{nth}: w{nth}")).collect();
        held::runs("replace", &format!("{{city: {{{}}}}}", pairs.join(", ")));
    }
}
