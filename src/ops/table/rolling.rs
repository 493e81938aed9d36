//! `rolling`: statistics of rows before.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::ordered::{self, Ordered};
use super::statistic::Statistic;
use crate::data::{Kind, Selector, Shape, Table, Value, span};
use crate::expr::Scope;
use crate::ops::{Entry, FitContext, Op, Page, Serving, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How far a window reaches back.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Reach {
    /// So many rows.
    Rows(usize),
    /// A span of time: as it was written, and in microseconds.
    Span(String, i64),
}

impl Reach {
    fn name(&self) -> String {
        match self {
            Reach::Rows(rows) => rows.to_string(),
            Reach::Span(text, _) => text.clone(),
        }
    }
}

impl<'de> Deserialize<'de> for Reach {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReachVisitor)
    }
}

struct ReachVisitor;

impl de::Visitor<'_> for ReachVisitor {
    type Value = Reach;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a number of rows, or a span of time such as `7d`")
    }

    fn visit_u64<E: de::Error>(self, rows: u64) -> Result<Reach, E> {
        match usize::try_from(rows) {
            Ok(rows) if rows > 0 => Ok(Reach::Rows(rows)),
            _ => Err(E::custom("a window has at least one row")),
        }
    }

    fn visit_i64<E: de::Error>(self, rows: i64) -> Result<Reach, E> {
        self.visit_u64(u64::try_from(rows).unwrap_or(0))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Reach, E> {
        let span = span(text);
        let wrong = || E::custom(format!("`{text}` isn't a span of time; write `28d`, `12h`, `30m` or `45s`"));
        span.map(|span| Reach::Span(text.to_owned(), span)).ok_or_else(wrong)
    }
}

impl JsonSchema for Reach {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Reach".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            {"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9]+[wdhms]$"}
        ]})
    }
}

fn mean() -> Vec<Statistic> {
    vec![Statistic::Mean]
}

fn one() -> usize {
    1
}

/// The argument of `rolling`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// The columns to look back at; also the target, by name.
    columns: Selector,
    /// How far windows reach back, in rows or as a span of time; each makes columns of its own.
    periods: Vec<Reach>,
    /// What is made of a window's values.
    #[serde(default = "mean")]
    functions: Vec<Statistic>,
    /// Fewer values in a window than this have no result.
    #[serde(default = "one")]
    min_rows: usize,
    /// Rows with other values here have a past of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_by: Option<Selector>,
    /// The column that tells what was before.
    order_by: String,
}

/// A new column.
struct Made {
    name: String,
    of: String,
    reach: Reach,
    function: Statistic,
    kind: Kind,
}

impl Op for Rolling {
    const NAME: &'static str = "rolling";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Adds statistics of the rows before, in the order of a column and within groups: `sales_mean_7`. The row itself is not in its own window, nor, in windows of a span of time, are others of its moment. It looks back through all parts of a table, since a test row's past is known when it comes. A request brings the new columns itself.",
        learns: "",
        serving: Serving::AsSaid,
        example: "rolling: {columns: [fare], periods: [7, 28], functions: [mean, std], partition_by: kind, order_by: year}",
    };
    type Params = Rolling;
    type Fitted = ();

    fn check(params: Rolling, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        for (key, is_empty) in [("periods", params.periods.is_empty()), ("functions", params.functions.is_empty())] {
            if is_empty {
                faults.push(Fault::new("bad-value", format!("`{key}` names at least one")).within(key));
            }
        }
        if faults.is_empty() { Ok(params) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        ordered::check(self.partition_by.as_ref(), &self.order_by, input, faults);
        let is_temporal = input.kind(&self.order_by).is_none_or(Kind::is_temporal);
        if let Some(span) = self.periods.iter().find(|reach| matches!(reach, Reach::Span(..))).filter(|_| !is_temporal)
        {
            let message = format!("`{}` is a span of time, and `{}` is no time", span.name(), self.order_by);
            faults.push(Fault::new("wrong-type", message).help("cast it to date or datetime first").within("periods"));
        }
        let mut shape = input.clone();
        let mut seen = BTreeSet::new();
        for made in self.made(input, faults) {
            if input.known(&made.name).is_some() || !seen.insert(made.name.clone()) {
                faults.push(taken(&made.name).within("columns"));
            }
            shape.set(&made.name, made.kind);
        }
        shape
    }

    fn entry(&self) -> Entry {
        Entry::Columns
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let made = self.made(input, &mut Vec::new());
        Ok(vec![RowStep::ask(made.into_iter().map(|made| made.name).collect())])
    }

    fn table(&self, (): &(), table: Table, _: &FitContext) -> Result<Table, Fault> {
        let ordered = Ordered::of(&table, self.partition_by.as_ref(), &self.order_by)?;
        let mut columns = Vec::new();
        for made in self.made(&table.shape, &mut Vec::new()) {
            let cells = ordered.cells(&made.of)?;
            let mut rolled = vec![Value::Null; cells.len()];
            for rows in &ordered.groups {
                let values: Vec<Value> = rows.iter().map(|row| cells[*row].clone()).collect();
                let windows = windows(&made.reach, &ordered, rows);
                for (row, window) in rows.iter().zip(windows) {
                    let window = &values[window];
                    if window.iter().filter(|value| !value.is_null()).count() >= self.min_rows {
                        rolled[*row] = made.function.of(window);
                    }
                }
            }
            columns.push((made.name, made.kind, rolled));
        }
        let shape = self.shape(&table.shape, Some(&()), &mut Vec::new());
        Ordered::with(table, columns, shape)
    }
}

impl Rolling {
    fn made(&self, input: &Shape, faults: &mut Vec<Fault>) -> Vec<Made> {
        let columns = match self.columns.select(input) {
            Ok(columns) => columns,
            Err(found) => {
                faults.extend(found.into_iter().map(|fault| fault.within("columns")));
                return Vec::new();
            }
        };
        let mut all = Vec::new();
        for of in columns {
            for function in &self.functions {
                let kind = match input.kind(&of).map_or(Ok(Kind::Float), |kind| function.kind(kind)) {
                    Ok(kind) => kind,
                    Err(needs) => {
                        let own = input.kind(&of).map_or("", Kind::name);
                        let message = format!("`{of}` is {own}: `{}` is of {needs}", function.name());
                        faults.push(self.columns.blame(&of, Fault::new("wrong-type", message)).within("columns"));
                        continue;
                    }
                };
                all.extend(self.periods.iter().map(|reach| Made {
                    name: format!("{of}_{}_{}", function.name(), reach.name()),
                    of: of.clone(),
                    reach: reach.clone(),
                    function: *function,
                    kind,
                }));
            }
        }
        all
    }
}

/// For each of `rows` the places among them that are before it and within reach.
fn windows(reach: &Reach, ordered: &Ordered, rows: &[usize]) -> Vec<Range<usize>> {
    match reach {
        Reach::Rows(count) => (0..rows.len()).map(|place| place.saturating_sub(*count)..place).collect(),
        Reach::Span(_, span) => {
            let moments = ordered.moments(rows);
            let (mut start, mut end) = (0, 0);
            let window = |now: &i64| {
                while moments[end] < *now {
                    end += 1;
                }
                while moments[start] < now.saturating_sub(*span) {
                    start += 1;
                }
                start..end
            };
            moments.iter().map(window).collect()
        }
    }
}
