//! `drop` and `keep`: which columns go on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving, selected};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `drop` and of `keep`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns.
    columns: Selector,
}

/// The checked form of `drop`.
#[derive(Serialize)]
pub struct Drop {
    columns: Selector,
}

impl Op for Drop {
    const NAME: &'static str = "drop";
    const VERSION: u32 = 1;
    const PAGE: Page =
        Page { summary: "Takes columns away.", learns: "", serving: Serving::Same, example: "drop: [year]" };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for column in selected(&self.columns, input, faults) {
            shape.remove(&column);
        }
        shape
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        let gone = self.columns.resolve(input)?;
        let columns = input.names().filter(|name| !gone.iter().any(|other| other == name)).map(str::to_owned).collect();
        Ok(vec![RowStep::keep(columns)])
    }
}

/// The checked form of `keep`.
#[derive(Serialize)]
pub struct Keep {
    columns: Selector,
}

impl Keep {
    /// What is picked, and, where a selector picks, the target and roles too: selectors leave those alone.
    fn kept(&self, mut picked: Vec<String>, input: &Shape) -> Vec<String> {
        if !self.columns.is_by_name() {
            let protected = input.names().filter(|name| input.protected.contains(*name));
            let more: Vec<String> = protected.map(str::to_owned).filter(|name| !picked.contains(name)).collect();
            picked.extend(more);
        }
        picked
    }
}

impl Op for Keep {
    const NAME: &'static str = "keep";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Keeps these columns, in this order, and takes the others away. Where a selector or glob picks, the target and roles stay too.",
        learns: "",
        serving: Serving::Same,
        example: "keep: [species, \"bill_*\"]",
    };
    const SHORTHAND: Option<&'static str> = Some("columns");
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { columns: params.columns })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let kept = self.kept(selected(&self.columns, input, faults), input);
        let mut shape = input.clone();
        shape.fields.clear();
        for column in kept {
            if let Some(kind) = input.known(&column) {
                shape.set(&column, kind);
            }
        }
        shape
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), input: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(vec![RowStep::keep(self.kept(self.columns.resolve(input)?, input))])
    }
}
