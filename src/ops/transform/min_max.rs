//! `min_max`: between two bounds, 0 and 1 if no others are said.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, stats};
use crate::expr::Scope;
use crate::ops::numbers::{self, clamped, divisor, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `min_max`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// What the least and the greatest value of the training rows become.
    #[serde(default = "unit")]
    feature_range: [f64; 2],
    /// Keep values beyond those of the training rows within the range too.
    #[serde(default)]
    clip: bool,
}

fn unit() -> [f64; 2] {
    [0.0, 1.0]
}

/// The checked form.
#[derive(Serialize)]
pub struct MinMax {
    columns: Selector,
    feature_range: [f64; 2],
    clip: bool,
}

impl Op for MinMax {
    const NAME: &'static str = "min_max";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Brings numbers between 0 and 1, or the bounds of `feature_range`: (x - min) / (max - min). Values beyond those of the training rows come out beyond, unless `clip: true` is said. A constant column becomes the lower bound.",
        learns: "the least and the greatest value",
        serving: Serving::Same,
        example: "min_max: {columns: [age, fare], feature_range: [-1, 1], clip: true}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    /// The least and the greatest value, by column.
    type Fitted = BTreeMap<String, (f64, f64)>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let [low, high] = params.feature_range;
        if !(low < high && (high - low).is_finite()) {
            let fault = Fault::new("out-of-range", "`feature_range` must be two numbers, the lower one first");
            return Err(vec![fault.within("feature_range")]);
        }
        Ok(Self { columns: params.columns, feature_range: params.feature_range, clip: params.clip })
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
        numbers::fit(&self.columns, table, stats::range)
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let [low, high] = self.feature_range;
        numbers::set(fitted, input, |number, (min, max)| {
            let share = number.sub(float(*min)).div(float(divisor(max - min)));
            let scaled =
                if self.feature_range == unit() { share } else { share.mul(float(high - low)).add(float(low)) };
            if self.clip { clamped(scaled, Some(float(low)), Some(float(high))) } else { scaled }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("min_max_scaler", "min_max", "numeric");
        held::against("min_max_scaler_clipped", "min_max", "{columns: numeric, feature_range: [-1, 3], clip: true}");
    }

    #[test]
    fn bounds_must_rise() {
        let told = held::mistakes("min_max", "{columns: numeric, feature_range: [1, 1]}");
        assert_eq!(told, ["feature_range: `feature_range` must be two numbers, the lower one first"]);
    }
}
