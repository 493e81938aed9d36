//! `derive`: makes columns of other columns.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Shape, Table};
use crate::expr::{Expr, Scope};
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `derive`: SQL expressions by the name of what they make.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, String>);

/// The checked form.
#[derive(Serialize)]
pub struct Derive {
    columns: BTreeMap<String, Expr>,
}

impl Op for Derive {
    const NAME: &'static str = "derive";
    const VERSION: u32 = 2;
    const PAGE: Page = Page {
        summary: "Makes columns by SQL expressions. All of them read the columns as they were before.",
        learns: "",
        serving: Serving::Same,
        example: "derive: {bmi: weight / (height * height)}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, scope: &Scope) -> Result<Self, Vec<Fault>> {
        let mut columns = BTreeMap::new();
        let mut faults = Vec::new();
        for (name, sql) in params.0 {
            if name.is_empty() || name.starts_with("__") {
                let message = format!("`{name}` can't be a column's name");
                faults.push(Fault::new("bad-name", message).within(&name).on_key());
                continue;
            }
            match Expr::parse(&sql, scope) {
                Ok(expr) => {
                    columns.insert(name, expr);
                }
                Err(found) => faults.extend(found.into_iter().map(|fault| meant_as_text(fault, &sql).within(&name))),
            }
        }
        if faults.is_empty() {
            return Ok(Self { columns });
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, _: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (name, expr) in &self.columns {
            shape.set(name, expr.kind());
        }
        shape
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        let columns = self.columns.iter();
        columns.map(|(name, expr)| (name.clone(), expr.columns())).collect()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        let sets = self.columns.clone().into_iter().collect();
        Ok(vec![RowStep::set(sets)])
    }
}

/// YAML takes the quotes of `kind: 'x'` away, and what is left is a column.
fn meant_as_text(fault: Fault, sql: &str) -> Fault {
    let is_word = !sql.is_empty() && sql.chars().all(|c| c.is_alphanumeric() || c == '_');
    if fault.code != "unknown-column" || !is_word {
        return fault;
    }
    let advice = format!("for the text, write \"'{sql}'\": YAML takes the outer quotes away");
    let help = fault.help.clone().map_or_else(|| advice.clone(), |help| format!("{help}; {advice}"));
    fault.help(help)
}
