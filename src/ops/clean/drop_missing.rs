//! `drop_missing`: drops rows without a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Kind, Selector, Shape, Table, Value};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `drop_missing`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns that must have a value.
    columns: Selector,
    /// Keep a row when at least this share of the columns has a value; without it, all must.
    min_present: Option<f64>,
}

/// The checked form.
#[derive(Serialize)]
pub struct DropMissing {
    columns: Selector,
    min_present: Option<f64>,
}

impl Op for DropMissing {
    const NAME: &'static str = "drop_missing";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Drops rows that have no value in one of the columns.",
        learns: "",
        serving: Serving::Refuses,
        example: "drop_missing: [age, sex]",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    const DROPS_ROWS: bool = true;
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        if let Some(share) = params.min_present
            && !(share > 0.0 && share <= 1.0)
        {
            let fault = Fault::new("out-of-range", format!("{share} isn't a share of columns"))
                .help("write a number above 0 and up to 1, as in `min_present: 0.5`");
            return Err(vec![fault.within("min_present")]);
        }
        Ok(Self { columns: params.columns, min_present: params.min_present })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        if let Err(found) = self.columns.select(input) {
            faults.extend(found.into_iter().map(|fault| fault.within("columns")));
        }
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let columns = self.columns.resolve(input)?;
        let column = |name: &String| Ok::<Expr, Fault>(Expr::column(name, input.expect(name)?));
        let Some(share) = self.min_present else {
            return columns
                .iter()
                .map(|name| Ok(RowStep::refuse(column(name)?.is_null(), format!("`{name}` has no value"), Some(name))))
                .collect();
        };
        let needed = (share * columns.len() as f64).ceil() as i64;
        let mut present = Expr::literal(Value::Int(0));
        for name in &columns {
            present = present.add(column(name)?.is_null().not().cast(Kind::Int));
        }
        Ok(vec![RowStep::refuse(
            present.lt(Expr::literal(Value::Int(needed))),
            format!("fewer than {needed} of {} columns have a value", columns.len()),
            None,
        )])
    }
}
