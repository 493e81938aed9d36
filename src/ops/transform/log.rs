//! `log`: the natural logarithm.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::numbers::{self, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `log`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// What is added first: 1 lets counts be 0.
    #[serde(default)]
    offset: f64,
}

/// The checked form.
#[derive(Serialize)]
pub struct Log {
    columns: Selector,
    offset: f64,
}

impl Op for Log {
    const NAME: &'static str = "log";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Takes the natural logarithm, of x + `offset` if one is said. Where that isn't above 0 there is no logarithm: the value is missing then.",
        learns: "",
        serving: Serving::Same,
        example: "log: {columns: [income, fare], offset: 1}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if !params.offset.is_finite() {
            return Err(vec![Fault::new("out-of-range", "`offset` must be a finite number").within("offset")]);
        }
        Ok(Self { columns: params.columns, offset: params.offset })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        numbers::shape(&self.columns, "have a logarithm", input, faults)
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = self.columns.resolve(input)?;
        let columns = columns.iter().map(|column| (column, self.offset));
        numbers::set(columns, input, |number, offset| match offset {
            0.0 => Expr::call("ln", vec![number]),
            // Exact near zero, where counts and rates lie.
            1.0 => Expr::call("log1p", vec![number]),
            offset => Expr::call("ln", vec![number.add(float(offset))]),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_numpy() {
        held::against("log", "log", "numeric");
        held::against("log1p", "log", "{columns: numeric, offset: 1}");
        held::against("log_offset", "log", "{columns: numeric, offset: 2.5}");
    }
}
