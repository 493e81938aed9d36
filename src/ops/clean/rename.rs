//! `rename`: gives columns other names.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The argument of `rename`: new names by old ones.
#[derive(Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, String>);

/// The checked form.
#[derive(Serialize)]
pub struct Rename {
    names: BTreeMap<String, String>,
}

impl Op for Rename {
    const NAME: &'static str = "rename";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Gives columns other names.",
        learns: "",
        serving: Serving::Same,
        example: "rename: {wt: weight_kg}",
    };
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        for (old, new) in &params.0 {
            if new.is_empty() || new.starts_with("__") {
                let message = format!("`{new}` can't be a column's name");
                faults.push(Fault::new("bad-name", message).within(old));
            }
            if let Some(other) = taken.insert(new, old) {
                let message = format!("`{other}` is renamed to `{new}` too");
                faults.push(Fault::new("duplicate-column", message).within(old));
            }
        }
        if faults.is_empty() {
            return Ok(Self { names: params.0 });
        }
        Err(faults)
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        let mut shape = input.clone();
        for (old, new) in &self.names {
            if input.kind(old).is_none() {
                faults.push(input.unknown(old).within(old).on_key());
            }
            if input.known(new).is_some() && !self.names.contains_key(new) {
                let message = format!("there is a column `{new}` already");
                faults.push(Fault::new("duplicate-column", message).within(old));
            }
        }
        for field in &mut shape.fields {
            if let Some(new) = self.names.get(&field.name) {
                field.name.clone_from(new);
            }
        }
        let renamed = |names: &BTreeSet<String>| {
            let new = names.iter().map(|name| self.names.get(name).unwrap_or(name).clone());
            new.chain(names.iter().cloned()).collect()
        };
        shape.protected = renamed(&input.protected);
        shape.guarded = renamed(&input.guarded);
        shape
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(vec![RowStep::rename(self.names.iter().map(|(old, new)| (old.clone(), new.clone())).collect())])
    }
}
