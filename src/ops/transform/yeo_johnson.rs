//! `yeo_johnson`: skewed numbers brought near a normal distribution by a power.

use std::collections::BTreeMap;

use polars::prelude::Column;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::yeo_johnson::{bend, lambda};
use crate::data::{Selector, Shape, Table, stats};
use crate::expr::{Expr, Scope};
use crate::ops::numbers::{self, divisor, float};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `yeo_johnson`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
    /// Bring the result to a mean of 0 and a standard deviation of 1.
    #[serde(default = "yes")]
    standardize: bool,
}

fn yes() -> bool {
    true
}

/// The checked form.
#[derive(Serialize)]
pub struct YeoJohnson {
    columns: Selector,
    standardize: bool,
}

/// What is learned of a column.
#[derive(Clone, Serialize, Deserialize)]
pub struct Power {
    lambda: f64,
    mean: f64,
    std: f64,
}

impl Op for YeoJohnson {
    const NAME: &'static str = "yeo_johnson";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Brings skewed numbers, negative ones too, near a normal distribution by the likeliest power (Yeo & Johnson 2000), then to a mean of 0 and a standard deviation of 1 unless `standardize: false` is said.",
        learns: "the power of maximum likelihood, mean and standard deviation",
        serving: Serving::Same,
        example: "yeo_johnson: {columns: [income, fare], standardize: false}",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = BTreeMap<String, Power>;

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns, standardize: params.standardize })
    }

    fn shape(&self, input: &Shape, _: Option<&Self::Fitted>, faults: &mut Vec<Fault>) -> Shape {
        numbers::shape(&self.columns, "are brought near a normal distribution", input, faults)
    }

    fn learns(&self) -> bool {
        true
    }

    fn placeholder(&self, input: &Shape) -> Self::Fitted {
        numbers::placeholder(&self.columns, input, Power { lambda: 1.0, mean: 0.0, std: 1.0 })
    }

    fn fit(&self, table: &Table, _: &FitContext) -> Result<Self::Fitted, Fault> {
        numbers::fit(&self.columns, table, |values| self.power(values))
    }

    fn lower(&self, fitted: &Self::Fitted, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        numbers::set(fitted, input, |number, power| {
            let bent = bent(number, power.lambda);
            if self.standardize { bent.sub(float(power.mean)).div(float(power.std)) } else { bent }
        })
    }
}

impl YeoJohnson {
    fn power(&self, column: &Column) -> Option<Power> {
        let values = stats::numbers(column);
        let lambda = if values.is_empty() { return None } else { lambda(&values) };
        if !self.standardize {
            return Some(Power { lambda, mean: 0.0, std: 1.0 });
        }
        let bent: Vec<f64> = values.into_iter().map(|x| bend(x, lambda)).collect();
        let bent = Column::new("bent".into(), bent);
        Some(Power { lambda, mean: stats::mean(&bent)?, std: divisor(stats::std(&bent)?) })
    }
}

/// [`bend`] as an expression.
fn bent(number: Expr, lambda: f64) -> Expr {
    if lambda == 1.0 {
        return number;
    }
    let power = |base: Expr, exponent: f64| {
        let log = Expr::call("log1p", vec![base]);
        match exponent {
            0.0 => log,
            exponent => Expr::call("expm1", vec![log.mul(float(exponent))]).div(float(exponent)),
        }
    };
    let above = power(number.clone(), lambda);
    let below = float(0.0).sub(power(float(0.0).sub(number.clone()), 2.0 - lambda));
    Expr::case(vec![(number.clone().gte(float(0.0)), above), (number.lt(float(0.0)), below)], None)
}

#[cfg(test)]
mod tests {
    use crate::ops::held;

    #[test]
    fn values_are_those_of_scikit_learn() {
        // Its search for the power ends at about seven digits.
        held::within(1e-6, "power_transformer", "yeo_johnson", "numeric");
        held::within(1e-6, "power_transformer_plain", "yeo_johnson", "{columns: numeric, standardize: false}");
    }

    #[test]
    fn the_power_is_where_the_likelihood_is_highest() {
        held::within(1e-9, "yeo_johnson", "yeo_johnson", "{columns: numeric, standardize: false}");
    }
}
