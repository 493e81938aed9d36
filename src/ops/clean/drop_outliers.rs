//! `drop_outliers`: drops rows whose values are far from the others.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{ColumnMap, Kind, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Rows, Serving, apply_to_table, first};
use crate::recipe::RowStep;
use crate::source::Fault;

/// What is far.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bound {
    /// More than so many interquartile ranges below the first or above the third quartile (Tukey 1977).
    Iqr(f64),
    /// More than so many standard deviations from the mean.
    Zscore(f64),
    /// Outside of these two quantiles.
    Quantile([f64; 2]),
    /// Outside of these two values.
    Between([f64; 2]),
}

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
        match self.columns.resolve(input) {
            Ok(resolved) => {
                for (column, _) in resolved {
                    if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_numeric()) {
                        let message = format!("`{column}` is {kind}: only numbers have outliers");
                        let key = self.columns.key_of(&column, input);
                        faults.push(Fault::new("wrong-type", message).within(key));
                    }
                }
            }
            Err(found) => faults.extend(found),
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
                // Beyond the floats nothing is far.
                fitted.insert(column, (low.max(f64::MIN), high.min(f64::MAX)));
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

impl Bound {
    fn fault(&self) -> Option<Fault> {
        let (field, message) = match self {
            Bound::Iqr(width) if *width < 0.0 || width.is_nan() => ("iqr", "must not be negative"),
            Bound::Zscore(width) if *width <= 0.0 || width.is_nan() => ("zscore", "must be above 0"),
            Bound::Quantile([low, high]) if !(0.0 <= *low && low < high && *high <= 1.0) => {
                ("quantile", "must be two shares, the lower one first, as in [0.01, 0.99]")
            }
            Bound::Between([low, high]) if low.is_nan() || high.is_nan() || low > high => {
                ("between", "must be two values, the lower one first")
            }
            _ => return None,
        };
        Some(Fault::new("out-of-range", format!("`{field}` {message}")).within(field))
    }

    /// Lowest and highest value that stay; `None` for a column without values.
    fn of(&self, values: &polars::prelude::Column) -> Option<(f64, f64)> {
        let quantile = |share| stats::quantile(values, share);
        Some(match self {
            Bound::Iqr(width) => {
                let (first, third) = (quantile(0.25)?, quantile(0.75)?);
                let reach = width * (third - first);
                (first - reach, third + reach)
            }
            Bound::Zscore(width) => {
                let (mean, reach) = (stats::mean(values)?, width * stats::std(values)?);
                (mean - reach, mean + reach)
            }
            Bound::Quantile([low, high]) => (quantile(*low)?, quantile(*high)?),
            Bound::Between([low, high]) => (*low, *high),
        })
    }
}
