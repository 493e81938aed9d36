//! `sqrt`: the square root.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::numbers;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `sqrt`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
}

/// The checked form.
#[derive(Serialize)]
pub struct Sqrt {
    columns: Selector,
}

impl Op for Sqrt {
    const NAME: &'static str = "sqrt";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Takes the square root. Below 0 there is none: the value is missing then.",
        learns: "",
        serving: Serving::Same,
        example: "sqrt: [fare]",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        numbers::shape(&self.columns, "have a square root", input, faults)
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = self.columns.resolve(input)?;
        let columns = columns.iter().map(|column| (column, ()));
        numbers::set(columns, input, |number, ()| Expr::call("sqrt", vec![number]))
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_numpy() {
        held::against("sqrt", "sqrt", "numeric");
    }
}
