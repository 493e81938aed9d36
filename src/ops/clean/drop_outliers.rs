//! `drop_outliers`: drops rows whose values are far from the others.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bound::Bound;
use crate::data::{ColumnMap, Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Rows, Serving, apply_to_table, first, not_numbers, resolved};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `drop_outliers`: what is far, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<Bound>);

/// The checked form.
#[derive(Serialize)]
pub struct DropOutliers {
    columns: ColumnMap<Bound>,
}

impl Op for DropOutliers {
    const NAME: &'static str = "drop_outliers";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Drops rows with a value far from the others; a missing value isn't far. After a split it works on the train rows, unless `rows: all` is said.",
        learns: "the bounds, save of `between`",
        serving: Serving::Nothing,
        example: "drop_outliers: {income: {iqr: 1.5}, fare: {zscore: 4}, age: {between: [0, 120]}}",
    };
    const DROPS_ROWS: bool = true;
    type Params = Params;
    /// Lowest and highest value that stay, by column.
    type Fitted = BTreeMap<String, (f64, f64)>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let faults: Vec<Fault> =
            params.0.iter().filter_map(|(key, bound)| bound.fault().map(|fault| fault.within(key))).collect();
        if faults.is_empty() {
            return Ok(Self { columns: params.0 });
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        for (column, _) in resolved(&self.columns, input, faults) {
            if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_numeric()) {
                faults.push(not_numbers(&column, kind, "have outliers").within(self.columns.key_of(&column, input)));
            }
        }
        input.clone()
    }

    fn learns(&self) -> bool {
        self.columns.values().any(|bound| !matches!(bound, Bound::Between(_)))
    }

    fn serves(&self, rows: Option<Rows>) -> bool {
        rows == Some(Rows::All)
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.resolve(input).unwrap_or_default().into_iter();
        columns.map(|(column, _)| (column, (0.0, 0.0))).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for (column, bound) in self.columns.resolve(&table.shape).map_err(first)? {
            let values = table.training_column(&column)?;
            if let Some((low, high)) = bound.of(values) {
                fitted.insert(column, (low, high));
            }
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        fitted
            .iter()
            .map(|(column, (low, high))| {
                let number = Expr::column(column, input.expect(column)?).cast(Kind::Float);
                let far = number
                    .clone()
                    .lt(Expr::literal(Value::Float(*low)))
                    .or(number.gt(Expr::literal(Value::Float(*high))));
                let reason = format!("`{column}` is outside of {low} to {high}");
                Ok(RowStep::refuse(far, reason, Some(column)))
            })
            .collect()
    }

    fn table(&self, fitted: &Self::Fitted, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let rows = cx.rows.or(table.is_split().then_some(Rows::Train));
        apply_to_table(self, fitted, table, &FitContext { rows, ..*cx })
    }
}
