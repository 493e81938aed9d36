//! `aggregate`: one row of several.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{DataFrame, IdxCa, IntoColumn, NamedFrom, Series};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::statistic::{Statistic, groups};
use crate::data::{Kind, ROW, Selector, Shape, Table, Value, column_of, row_keys, unexpected, value_at};
use crate::expr::{Expr, Scope};
use crate::ops::{Entry, FitContext, Op, Page, Serving, taken};
use crate::recipe::{RowStep, evaluate};
use crate::source::{At, Fault, suggest};

/// The argument of `aggregate`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns whose values make a group.
    by: Selector,
    /// By the name of each new column: a function of an expression, `sum(price * pieces)`, or `count(*)`.
    columns: BTreeMap<String, String>,
}

/// One new column.
#[derive(Clone, Serialize)]
struct Made {
    function: Statistic,
    /// Of what; `None` for `count(*)`.
    of: Option<Expr>,
    #[serde(skip)]
    kind: Option<Kind>,
}

/// The checked form.
#[derive(Serialize)]
pub struct Aggregate {
    by: Selector,
    columns: BTreeMap<String, Made>,
}

impl Op for Aggregate {
    const NAME: &'static str = "aggregate";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Makes one row of all that have the same values in some columns, with the functions `count`, `count_distinct`, `sum`, `mean`, `min`, `max`, `median`, `std`, `var`, `first`, `last` and `mode` of expressions. Missing values don't count; a missing value in `by` is a group of its own. Groups stand in the order of their first rows; after a split, each part is aggregated by itself.",
        learns: "",
        serving: Serving::Begins,
        example: "aggregate: {by: kind, columns: {total: sum(fare * weight), orders: count(*), latest: max(joined)}}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, scope: &Scope) -> Result<Self, Vec<Fault>> {
        let mut columns = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, sql) in &params.columns {
            match made(sql, scope) {
                Ok(made) => drop(columns.insert(name.clone(), made)),
                Err(found) => faults.extend(found.into_iter().map(|fault| fault.within(name).within("columns"))),
            }
        }
        if columns.is_empty() && faults.is_empty() {
            let fault = Fault::new("bad-value", "an aggregate makes at least one column");
            faults.push(fault.help("write `columns: {rows: count(*)}`").within("columns"));
        }
        if faults.is_empty() { Ok(Self { by: params.by, columns }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = Shape { fields: Vec::new(), families: Vec::new(), ..input.clone() };
        match self.by.select(input) {
            Ok(by) => {
                for name in by {
                    shape.set(&name, input.kind(&name).unwrap_or(Kind::Str));
                }
            }
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.within("by"))),
        }
        for (name, made) in &self.columns {
            if shape.known(name).is_some() {
                faults.push(taken(name).on_key().within(name).within("columns"));
            }
            shape.set(name, made.kind.unwrap_or(Kind::Int));
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let of = |made: &Made| made.of.as_ref().map(Expr::columns).unwrap_or_default();
        self.columns.iter().map(|(name, made)| (name.clone(), of(made))).collect()
    }

    fn entry(&self) -> Entry {
        Entry::All
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let after = self.shape(input, None, &mut Vec::new());
        Ok(vec![RowStep::begin(after.names().map(str::to_owned).collect())])
    }

    fn table(&self, (): &(), table: Table, _: &FitContext) -> Result<Table, Fault> {
        let by = self.by.resolve(&table.shape)?;
        let shape = self.shape(&table.shape, Some(&()), &mut Vec::new());
        table.map(|_, frame| self.grouped(&by, &frame))?.with_shape(shape).renumbered()
    }
}

impl Aggregate {
    fn grouped(&self, by: &[String], frame: &DataFrame) -> Result<DataFrame, Fault> {
        let groups = groups(&row_keys(frame, by)?);
        let firsts = IdxCa::new("".into(), groups.iter().map(|rows| rows[0] as u32).collect::<Vec<_>>());
        let mut columns = Vec::new();
        for name in by {
            columns.push(frame.column(name).and_then(|column| column.take(&firsts)).map_err(unexpected)?);
        }
        for (name, made) in &self.columns {
            let cells: Vec<Value> = match &made.of {
                None => groups.iter().map(|rows| Value::Int(rows.len() as i64)).collect(),
                Some(of) => {
                    let values = evaluate(of, frame)?;
                    let of = |rows: &Vec<usize>| rows.iter().map(|row| value_at(&values, *row)).collect::<Vec<_>>();
                    groups.iter().map(|rows| made.function.of(&of(rows))).collect()
                }
            };
            columns.push(column_of(name, made.kind.unwrap_or(Kind::Int), &cells));
        }
        columns.push(Series::new(ROW.into(), vec![0_i64; groups.len()]).into_column());
        DataFrame::new(groups.len(), columns).map_err(unexpected)
    }
}

/// `sum(price * pieces)`: the function, and what it is of. Faults stand at their place in the text.
fn made(sql: &str, scope: &Scope) -> Result<Made, Vec<Fault>> {
    let not_one = || {
        let fault = Fault::new("bad-aggregate", "this is no function of a group's rows");
        vec![fault.help("write `sum(price)` or `count(*)`; what is worked out of several, `derive` in a later op")]
    };
    let start = sql.find('(').ok_or_else(not_one)?;
    let name = sql[..start].trim();
    let end = closing(sql, start).filter(|end| sql[end + 1..].trim().is_empty()).ok_or_else(not_one)?;
    let mut inner = &sql[start + 1..end];
    let Some(mut function) = Statistic::named(name) else {
        let fault = Fault::new("unknown-function", format!("there is no function `{name}` of a group's rows"));
        let at = sql.find(name).unwrap_or(0);
        let at = At::Inside(at..at + name.len());
        return Err(vec![Fault { at, ..fault.maybe_help(suggest(name, Statistic::names())) }]);
    };
    if inner.trim() == "*" && function == Statistic::Count {
        return Ok(Made { function, of: None, kind: Some(Kind::Int) });
    }
    if let Some(rest) = distinct(inner).filter(|_| function == Statistic::Count) {
        function = Statistic::CountDistinct;
        inner = rest;
    }
    // In front of it as many spaces as there is text, so that its mistakes are told at their place.
    let before = inner.as_ptr() as usize - sql.as_ptr() as usize;
    let of = Expr::parse(&format!("{}{inner}", " ".repeat(before)), scope)?;
    match function.kind(of.kind()) {
        Ok(kind) => Ok(Made { function, of: Some(of), kind: Some(kind) }),
        Err(needs) => {
            let message = format!("`{name}` is of {needs}, and this is {}", of.kind());
            Err(vec![Fault { at: At::Inside(before..end), ..Fault::new("wrong-type", message) }])
        }
    }
}

/// What stands behind a leading `DISTINCT`.
fn distinct(text: &str) -> Option<&str> {
    let trimmed = text.trim_start();
    let (word, rest) = trimmed.split_at_checked("distinct ".len())?;
    word.eq_ignore_ascii_case("distinct ").then_some(rest)
}

/// Where the bracket that opens at `start` closes; brackets in quotes don't count.
fn closing(sql: &str, start: usize) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, letter) in sql.char_indices().skip_while(|(at, _)| *at < start) {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}
