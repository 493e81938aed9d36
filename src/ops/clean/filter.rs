//! `filter`: keeps the rows that meet a condition.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `filter`: an SQL condition.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(String);

/// The checked form.
#[derive(Serialize)]
pub struct Filter {
    condition: Expr,
}

impl Op for Filter {
    const NAME: &'static str = "filter";
    const VERSION: u32 = 2;
    const PAGE: Page = Page {
        summary: "Keeps the rows that meet an SQL condition.",
        learns: "",
        serving: Serving::Refuses,
        example: "filter: age > 0 AND age < 120",
    };
    const DROPS_ROWS: bool = true;
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, scope: &Scope) -> Result<Self, Vec<Fault>> {
        let condition = Expr::parse(&params.0, scope)?;
        if condition.kind() != Kind::Bool {
            let message = format!("a condition is true or false, and this is {}", condition.kind());
            let fault = Fault::new("wrong-type", message).help("compare it with something, as in `age > 0`");
            return Err(vec![fault]);
        }
        Ok(Self { condition })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, _: &mut Vec<Fault>) -> Shape {
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        let unmet = self.condition.clone().or_else(Expr::literal(Value::Bool(false))).not();
        let reason = format!("it doesn't meet `{}`", self.condition);
        Ok(vec![RowStep::refuse(unmet, reason, None)])
    }
}
