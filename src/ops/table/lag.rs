//! `lag`: values of rows before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ordered::{self, Ordered};
use crate::data::{Kind, Selector, Shape, Table, Value};
use crate::expr::Scope;
use crate::ops::{Entry, FitContext, Op, Page, Serving, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `lag`, and its checked form.
#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lag {
    /// The columns to look back at; also the target, by name.
    columns: Selector,
    /// How many rows back, each a column of its own.
    periods: Vec<usize>,
    /// Rows with other values here have a past of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_by: Option<Selector>,
    /// The column that tells what was before.
    order_by: String,
}

impl Op for Lag {
    const NAME: &'static str = "lag";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Adds what columns were so many rows before, in the order of a column and within groups: `sales_lag_7`. It looks back through all parts of a table, since a test row's past is known when it comes. Rows of one moment stay as they stand. A request brings the new columns itself.",
        learns: "",
        serving: Serving::AsSaid,
        example: "lag: {columns: [fare], periods: [1, 7], partition_by: kind, order_by: year}",
    };
    type Params = Lag;
    type Fitted = ();

    fn check(params: Lag, _: &Scope) -> Result<Self, Vec<Fault>> {
        let fault = |message: &str| Fault::new("out-of-range", message).within("periods");
        if params.periods.is_empty() {
            return Err(vec![fault("at least one period is needed").help("write `periods: [1]`")]);
        }
        if let Some(twice) =
            (1..params.periods.len()).find(|nth| params.periods[..*nth].contains(&params.periods[*nth]))
        {
            return Err(vec![fault(&format!("{} stands here twice", params.periods[twice]))]);
        }
        if params.periods.contains(&0) {
            return Err(vec![fault("a period of 0 is the row itself: the least is 1")]);
        }
        Ok(params)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        ordered::check(self.partition_by.as_ref(), &self.order_by, input, faults);
        let mut shape = input.clone();
        match self.made(input) {
            Ok(made) => {
                for (name, _, _, kind) in made {
                    if input.known(&name).is_some() {
                        faults.push(taken(&name).within("columns"));
                    }
                    shape.set(&name, kind);
                }
            }
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.within("columns"))),
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
        let made = self.made(input).map_err(crate::ops::first)?;
        Ok(vec![RowStep::ask(made.into_iter().map(|(name, ..)| name).collect())])
    }

    fn table(&self, (): &(), table: Table, _: &FitContext) -> Result<Table, Fault> {
        let ordered = Ordered::of(&table, self.partition_by.as_ref(), &self.order_by)?;
        let mut columns = Vec::new();
        for (name, column, period, kind) in self.made(&table.shape).map_err(crate::ops::first)? {
            let cells = ordered.cells(&column)?;
            let mut lagged = vec![Value::Null; cells.len()];
            for rows in &ordered.groups {
                for (now, before) in rows.iter().skip(period).zip(rows) {
                    lagged[*now] = cells[*before].clone();
                }
            }
            columns.push((name, kind, lagged));
        }
        let shape = self.shape(&table.shape, Some(&()), &mut Vec::new());
        Ordered::with(table, columns, shape)
    }
}

/// A new column: its name, of which column it is, how many rows back, and its type.
type Made = (String, String, usize, Kind);

impl Lag {
    /// The new columns.
    fn made(&self, input: &Shape) -> Result<Vec<Made>, Vec<Fault>> {
        let mut made = Vec::new();
        for column in self.columns.select(input)? {
            let kind = input.kind(&column).unwrap_or(Kind::Float);
            for period in &self.periods {
                made.push((format!("{column}_lag_{period}"), column.clone(), *period, kind));
            }
        }
        Ok(made)
    }
}
