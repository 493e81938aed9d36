//! `standardize`: to a mean of 0 and a standard deviation of 1.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Selector, Shape, Table, Value, stats};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `standardize`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
}

/// The checked form.
#[derive(Serialize)]
pub struct Standardize {
    columns: Selector,
}

impl Op for Standardize {
    const NAME: &'static str = "standardize";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Brings numbers to a mean of 0 and a standard deviation of 1: (x - mean) / std, with the population's standard deviation. A constant column becomes 0.",
        learns: "mean and standard deviation",
        serving: Serving::Same,
        example: "standardize: numeric",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    /// Mean and standard deviation, by column.
    type Fitted = BTreeMap<String, (f64, f64)>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns })
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        match self.columns.select(input) {
            Ok(columns) => {
                for column in columns {
                    match input.kind(&column) {
                        Some(kind) if !kind.is_numeric() => {
                            let message = format!("`{column}` is {kind}: only numbers are scaled");
                            faults
                                .push(self.columns.blame(&column, Fault::new("wrong-type", message)).within("columns"));
                        }
                        _ if input.known(&column).is_some() => shape.set(&column, Kind::Float),
                        _ => {}
                    }
                }
            }
            Err(found) => faults.extend(found.into_iter().map(|fault| fault.within("columns"))),
        }
        shape
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        let columns = self.columns.select(input).unwrap_or_default().into_iter();
        columns.map(|column| (column, (0.0, 1.0))).collect()
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        let mut fitted = BTreeMap::new();
        for column in self.columns.resolve(&table.shape)? {
            let values = table.training_column(&column)?;
            let (Some(mean), Some(std)) = (stats::mean(values), stats::std(values)) else {
                let message = format!("`{column}` has no value in any training row");
                return Err(Fault::new("no-value", message).help("drop the column, or fill it first"));
            };
            fitted.insert(column, (mean, if std > 0.0 { std } else { 1.0 }));
        }
        Ok(fitted)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let sets = fitted
            .iter()
            .map(|(column, (mean, std))| {
                let number = Expr::column(column, input.expect(column)?).cast(Kind::Float);
                let scaled = number.sub(Expr::literal(Value::Float(*mean))).div(Expr::literal(Value::Float(*std)));
                Ok((column.clone(), scaled))
            })
            .collect::<Result<_, Fault>>()?;
        Ok(vec![RowStep::set(sets)])
    }
}
