//! `quantile_transform`: numbers by their rank among the training rows.

use std::collections::BTreeMap;

use polars::prelude::Column;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table, stats};
use crate::expr::{Expr, Scope};
use crate::ops::numbers::{self, clamped, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// How near to 0 and 1 a share may come before it is made a number of the normal distribution, as in scikit-learn.
const NEAREST: f64 = 1e-7 - f64::EPSILON;

/// The distribution of the result.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Distribution {
    /// Even between 0 and 1.
    #[default]
    Uniform,
    /// The standard normal one.
    Normal,
}

/// The argument of `quantile_transform`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// How many quantiles are learned, at most as many as there are values: 1000 unless said.
    #[serde(default = "thousand")]
    n_quantiles: usize,
    /// The distribution of the result: `uniform`, between 0 and 1, or `normal`.
    #[serde(default)]
    output_distribution: Distribution,
}

fn thousand() -> usize {
    1000
}

/// More quantiles than this would be a table, not a curve.
const MOST: usize = 10_000;

/// The checked form.
#[derive(Serialize)]
pub struct QuantileTransform {
    columns: Selector,
    n_quantiles: usize,
    output_distribution: Distribution,
}

impl Op for QuantileTransform {
    const NAME: &'static str = "quantile_transform";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Turns numbers into the share of training rows below them, between quantiles on straight lines, so that they are spread evenly between 0 and 1, or normally. Values beyond those of the training rows come out as the ends.",
        learns: "quantiles of all training rows",
        serving: Serving::Same,
        example: "quantile_transform: {columns: [income, fare], n_quantiles: 100, output_distribution: normal}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    /// Quantiles at even distances, by column.
    type Fitted = BTreeMap<String, Vec<f64>>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if !(2..=MOST).contains(&params.n_quantiles) {
            let fault = Fault::new("out-of-range", format!("`n_quantiles` must be from 2 to {MOST}"));
            return Err(vec![fault.within("n_quantiles")]);
        }
        let Params { columns, n_quantiles, output_distribution } = params;
        Ok(Self { columns, n_quantiles, output_distribution })
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        numbers::shape(&self.columns, "have quantiles", input, faults)
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        numbers::placeholder(&self.columns, input, vec![0.0, 1.0])
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        numbers::fit(&self.columns, table, |values| self.quantiles(values))
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        numbers::set(fitted, input, |number, quantiles| {
            let share = share(number, quantiles);
            match self.output_distribution {
                Distribution::Uniform => share,
                Distribution::Normal => {
                    let open = clamped(share, Some(float(NEAREST)), Some(float(1.0 - NEAREST)));
                    Expr::call("probit", vec![open])
                }
            }
        })
    }
}

impl QuantileTransform {
    fn quantiles(&self, column: &Column) -> Option<Vec<f64>> {
        let count = self.n_quantiles.min(column.len() - column.null_count()).max(2);
        stats::even_quantiles(column, count)
    }
}

/// The share of training rows below a number. The least value has none below it, and the greatest all.
fn share(number: Expr, quantiles: &[f64]) -> Expr {
    let last = quantiles.len() - 1;
    let curve =
        std::iter::once(number.clone()).chain(points(quantiles).into_iter().flat_map(|(x, y)| [float(x), float(y)]));
    let between = Expr::call("interpolate", curve.collect());
    let (least, greatest) = (float(quantiles[0]), float(quantiles[last]));
    Expr::case(vec![(number.clone().lte(least), float(0.0)), (number.gte(greatest), float(1.0))], Some(between))
}

/// Quantiles with their shares. Of many equal ones the first and the last tell all.
fn points(quantiles: &[f64]) -> Vec<(f64, f64)> {
    let last = quantiles.len() - 1;
    let is_inner = |nth: usize| {
        nth > 0 && nth < last && quantiles[nth - 1] == quantiles[nth] && quantiles[nth] == quantiles[nth + 1]
    };
    (0..=last).filter(|nth| !is_inner(*nth)).map(|nth| (quantiles[nth], nth as f64 / last as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::points;
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        held::against("quantile_uniform", "quantile_transform", "numeric");
        held::against("quantile_uniform_10", "quantile_transform", "{columns: numeric, n_quantiles: 10}");
        held::against("quantile_normal", "quantile_transform", "{columns: numeric, output_distribution: normal}");
    }

    #[test]
    fn equal_quantiles_are_two_points() {
        assert_eq!(points(&[1.0, 2.0, 2.0, 2.0, 3.0]), [(1.0, 0.0), (2.0, 0.25), (2.0, 0.75), (3.0, 1.0)]);
        assert_eq!(points(&[2.0; 4]), [(2.0, 0.0), (2.0, 1.0)]);
    }

    #[test]
    fn too_few_quantiles_make_no_curve() {
        let told = held::mistakes("quantile_transform", "{columns: numeric, n_quantiles: 1}");
        assert_eq!(told, ["n_quantiles: `n_quantiles` must be from 2 to 10000"]);
    }
}
