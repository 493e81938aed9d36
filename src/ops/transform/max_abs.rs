//! `max_abs`: between -1 and 1, with 0 where it was.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, stats};
use crate::expr::Scope;
use crate::ops::numbers::{self, divisor, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `max_abs`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
}

/// The checked form.
#[derive(Serialize)]
pub struct MaxAbs {
    columns: Selector,
}

impl Op for MaxAbs {
    const NAME: &'static str = "max_abs";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Divides numbers by the greatest absolute value of the training rows, so that they lie between -1 and 1 and 0 stays 0.",
        learns: "the greatest absolute value",
        serving: Serving::Same,
        example: "max_abs: [fare, gust]",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    /// What each column is divided by.
    type Fitted = BTreeMap<String, f64>;

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
        numbers::placeholder(&self.columns, input, 1.0)
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        numbers::fit(&self.columns, table, |values| {
            let (min, max) = stats::range(values)?;
            Some(divisor(min.abs().max(max.abs())))
        })
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        numbers::set(fitted, input, |number, most| number.div(float(*most)))
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("max_abs_scaler", "max_abs", "numeric");
    }
}
