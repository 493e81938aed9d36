//! `cyclical`: numbers that go round, as points on a circle.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{ColumnMap, Kind, Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::numbers::float;
use crate::ops::{FitContext, Op, Page, Serving, first, not_numbers, resolved, taken};
use crate::recipe::RowStep;
use crate::source::Fault;

/// What becomes of a number on its circle: the end of the new column's name, and its function's name.
const SIDES: [&str; 2] = ["sin", "cos"];

/// The argument of `cyclical`: the period, by column.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(ColumnMap<f64>);

/// The checked form.
#[derive(Serialize)]
pub struct Cyclical {
    columns: ColumnMap<f64>,
}

impl Op for Cyclical {
    const NAME: &'static str = "cyclical";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Adds the sine and cosine of 2π · x / period as columns, `hour_sin` and `hour_cos`, so that 23 is as near to 0 as 1 is. The column itself stays.",
        learns: "",
        serving: Serving::Same,
        example: "cyclical: {hour: 24, month: 12}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let is_period = |period: f64| period > 0.0 && period.is_finite();
        let wrong = params.0.iter().filter(|(_, period)| !is_period(**period));
        let fault = |key| Fault::new("out-of-range", "a period must be above 0").within(key);
        let faults: Vec<Fault> = wrong.map(|(key, _)| fault(key)).collect();
        if faults.is_empty() { Ok(Self { columns: params.0 }) } else { Err(faults) }
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (column, _) in resolved(&self.columns, input, faults) {
            let key = self.columns.key_of(&column, input);
            if let Some(kind) = input.kind(&column).filter(|kind| !kind.is_numeric()) {
                faults.push(not_numbers(&column, kind, "go round").within(key));
            }
            for made in SIDES.map(|side| format!("{column}_{side}")) {
                if shape.known(&made).is_some() {
                    faults.push(taken(&made).within(key));
                }
                shape.set(&made, Kind::Float);
            }
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let each = self.columns.iter().flat_map(|(column, _)| SIDES.map(|side| (column, side)));
        each.map(|(column, side)| (format!("{column}_{side}"), BTreeSet::from([column.to_owned()]))).collect()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let mut sets = Vec::new();
        for (column, period) in self.columns.resolve(input).map_err(first)? {
            let number = Expr::column(&column, input.expect(&column)?).cast(Kind::Float);
            // Within one round first, which is exact, so that large numbers lose no digits.
            let rest = Expr::call("mod", vec![number, float(*period)]);
            let angle = rest.div(float(*period)).mul(float(TAU));
            sets.extend(SIDES.map(|side| (format!("{column}_{side}"), Expr::call(side, vec![angle.clone()]))));
        }
        Ok(vec![RowStep::set(sets)])
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_numpy() {
        held::against("cyclical", "cyclical", "{count: 24, big: 7, bmi: 0.25}");
    }

    #[test]
    fn what_does_not_go_round_is_told() {
        assert_eq!(held::mistakes("cyclical", "{count: 0}"), ["count: a period must be above 0"]);
        assert_eq!(held::mistakes("cyclical", "{city: 4}"), ["city: `city` is category: only numbers go round"]);
    }
}
