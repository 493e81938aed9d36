//! `standardize`: to a mean of 0 and a standard deviation of 1.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, stats};
use crate::expr::Scope;
use crate::ops::numbers::{self, divisor, float};
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
        numbers::shape(&self.columns, "are scaled", input, faults)
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        numbers::placeholder(&self.columns, input, (0.0, 1.0))
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        numbers::fit(&self.columns, table, |values| Some((stats::mean(values)?, divisor(stats::std(values)?))))
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        numbers::set(fitted, input, |number, (mean, std)| number.sub(float(*mean)).div(float(*std)))
    }
}
