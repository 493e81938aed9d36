//! `cast`: makes columns of another type.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::data::{ColumnMap, Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving, apply_to_table, first};
use crate::recipe::RowStep;
use crate::source::{Fault, suggest};

/// The type that a column becomes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct To {
    kind: Kind,
    format: Option<String>,
}

impl<'de> Deserialize<'de> for To {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ToVisitor)
    }
}

struct ToVisitor;

impl<'de> de::Visitor<'de> for ToVisitor {
    type Value = To;

    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("a type, or `{date: \"%d/%m/%Y\"}`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<To, E> {
        let kind = kind(text)?;
        Ok(To { kind, format: None })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<To, A::Error> {
        let Some((name, format)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::custom("say a type and its format: `{date: \"%d/%m/%Y\"}`"));
        };
        let kind = kind(&name)?;
        if !matches!(kind, Kind::Date | Kind::Datetime) {
            return Err(de::Error::custom(format!("only `date` and `datetime` have a format, `{name}` hasn't")));
        }
        if map.next_key::<String>()?.is_some() {
            return Err(de::Error::custom("say one type and its format"));
        }
        Ok(To { kind, format: Some(format) })
    }
}

fn kind<E: de::Error>(name: &str) -> Result<Kind, E> {
    Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
        let help = suggest(name, Kind::ALL.map(Kind::name)).unwrap_or_default();
        E::custom(format!("there is no type `{name}`: {help}"))
    })
}

impl JsonSchema for To {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CastTo".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"enum": Kind::ALL.map(Kind::name)},
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
             "properties": {"date": {"type": "string"}, "datetime": {"type": "string"}}}
        ]})
    }
}

/// The argument of `cast`: types by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<To>);

/// The checked form.
#[derive(Serialize)]
pub struct Cast {
    columns: ColumnMap<To>,
}

impl Op for Cast {
    const NAME: &'static str = "cast";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes columns of another type. A value that has no counterpart there is an error in a table, and refuses a request.",
        learns: "",
        serving: Serving::Same,
        example: "cast: {zip: str, joined: {date: \"%d/%m/%Y\"}}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.0 })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        match self.columns.resolve(input) {
            Ok(resolved) => {
                for (column, to) in resolved {
                    let Some(from) = input.kind(&column) else {
                        continue;
                    };
                    if let Err(fault) = to.of(&column, from) {
                        faults.push(fault.within(self.columns.key_of(&column, input)));
                    }
                    if input.known(&column).is_some() {
                        shape.set(&column, to.kind);
                    }
                }
            }
            Err(found) => faults.extend(found),
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
        for (column, to) in self.columns.resolve(input).map_err(first)? {
            let kind = input.expect(&column)?;
            let made = to.of(&column, kind)?;
            let lost = to.lost(&column, kind, &made);
            let reason = format!("`{column}` can't be made {}", to.kind);
            steps.push(RowStep::refuse(lost, reason, Some(&column)));
            sets.push((column, made));
        }
        steps.push(RowStep::set(sets));
        Ok(steps)
    }

    fn table(&self, (): &(), table: Table, cx: &FitContext) -> Result<Table, Fault> {
        for (column, to) in self.columns.resolve(&table.shape).map_err(first)? {
            let kind = table.shape.expect(&column)?;
            let made = to.of(&column, kind)?;
            let lost = to.lost(&column, kind, &made);
            for (_, frame) in table.parts() {
                if let Some((row, value)) = crate::recipe::first_where(&lost, frame, &column)? {
                    let message = format!("`{column}` in row {}: `{value}` can't be made {}", row + 1, to.kind);
                    return Err(Fault::new("cast", message)
                        .help("filter such rows, or name the value in the source's `missing`")
                        .within(self.columns.key_of(&column, &table.shape)));
                }
            }
        }
        apply_to_table(self, &(), table, cx)
    }
}

impl To {
    /// Where a value has no counterpart: nothing comes of it, or something else, as of 3.7 made an int.
    fn lost(&self, column: &str, from: Kind, made: &Expr) -> Expr {
        let value = Expr::column(column, from);
        let gone = value.clone().is_null().not().and(made.clone().is_null());
        let other = match (from, self.kind) {
            (Kind::Float, Kind::Int) => value.equals(made.clone().cast(Kind::Float)).not(),
            (Kind::Int, Kind::Bool) => value.is_in(&[Value::Int(0), Value::Int(1)]).not(),
            (Kind::Float, Kind::Bool) => value.is_in(&[Value::Float(0.0), Value::Float(1.0)]).not(),
            _ => return gone,
        };
        gone.or(other)
    }

    /// The expression that makes it of `column`.
    fn of(&self, column: &str, from: Kind) -> Result<Expr, Fault> {
        let value = Expr::column(column, from);
        if let Some(format) = &self.format {
            if !from.is_string() {
                let message = format!("`{column}` is {from}: only text is read with a format");
                return Err(Fault::new("wrong-type", message));
            }
            return Ok(value.parsed(self.kind, format));
        }
        let fits = from == self.kind
            || self.kind.is_string()
            || from.is_string()
            || (from.is_numeric() || from == Kind::Bool) && (self.kind.is_numeric() || self.kind == Kind::Bool)
            || from == Kind::Date && self.kind == Kind::Datetime
            || from == Kind::Datetime && self.kind == Kind::Date;
        if !fits || (self.kind == Kind::Duration && from != Kind::Duration) {
            let message = format!("`{column}` is {from}, and can't be made {}", self.kind);
            return Err(Fault::new("wrong-type", message));
        }
        Ok(value.cast(self.kind))
    }
}
