//! `robust_scale`: by the median and a spread that outliers don't move.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, stats};
use crate::expr::Scope;
use crate::ops::numbers::{self, divisor, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `robust_scale`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// The two quantiles whose distance is the spread, as shares: 0.25 and 0.75 unless said.
    #[serde(default = "quartiles")]
    quantile: [f64; 2],
}

fn quartiles() -> [f64; 2] {
    [0.25, 0.75]
}

/// The checked form.
#[derive(Serialize)]
pub struct RobustScale {
    columns: Selector,
    quantile: [f64; 2],
}

impl Op for RobustScale {
    const NAME: &'static str = "robust_scale";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Brings numbers to a median of 0 and a distance of 1 between the quartiles: (x - median) / (q3 - q1), which outliers hardly move. Where the quartiles are equal, nothing is divided.",
        learns: "the median and two quantiles",
        serving: Serving::Same,
        example: "robust_scale: {columns: [income, fare], quantile: [0.1, 0.9]}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    /// Median and spread, by column.
    type Fitted = BTreeMap<String, (f64, f64)>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let [low, high] = params.quantile;
        if !(0.0 <= low && low < high && high <= 1.0) {
            let fault = Fault::new("out-of-range", "`quantile` must be two shares, the lower one first");
            return Err(vec![fault.help("quartiles are [0.25, 0.75]").within("quantile")]);
        }
        Ok(Self { columns: params.columns, quantile: params.quantile })
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
        let [low, high] = self.quantile;
        numbers::fit(&self.columns, table, |values| {
            let found = stats::quantiles(values, [0.5, low, high])?;
            Some((found[0], divisor(found[2] - found[1])))
        })
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        numbers::set(fitted, input, |number, (median, spread)| number.sub(float(*median)).div(float(*spread)))
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("robust_scaler", "robust_scale", "numeric");
        held::against("robust_scaler_deciles", "robust_scale", "{columns: numeric, quantile: [0.1, 0.9]}");
    }

    #[test]
    fn quantiles_are_shares() {
        let told = held::mistakes("robust_scale", "{columns: numeric, quantile: [25, 75]}");
        assert_eq!(told, ["quantile: `quantile` must be two shares, the lower one first"]);
    }
}
