//! The form of an op that the rest of the house sees, derived for every op, so that an op's own file never meets it.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::form::{self, Shorthand};
use super::{Entry, FitContext, Op, Page, Reference, Rows};
use crate::data::{Part, Shape, Table};
use crate::expr::Scope;
use crate::recipe::RowStep;
use crate::source::{Fault, Node};

/// A checked op of any kind. What it learned travels as JSON.
pub trait CheckedOp: Send + Sync {
    /// Its name in the language.
    fn name(&self) -> &'static str;
    /// The version of the bytes it makes.
    fn version(&self) -> u32;
    /// Its part of the key.
    fn canonical(&self) -> Json;
    /// Learns what another table looks like; see [`Op::meet`].
    fn meet(&mut self, table: &str, shape: Option<&Shape>);
    /// The columns that it reads of another table; see [`Op::reads`].
    fn reads(&self, table: &str) -> Option<BTreeSet<String>>;
    /// Whether the pipeline's seed counts in its key.
    fn uses_chance(&self) -> bool;
    /// Whether what it learns depends on the target.
    fn needs_target(&self) -> bool;
    /// Whether it repeats train rows, so that no split may come after it.
    fn repeats_rows(&self) -> bool;
    /// Whether it may drop rows.
    fn drops_rows(&self) -> bool;
    /// Whether it marks rows as train, validation or test.
    fn splits(&self) -> bool;
    /// What of its result a request brings itself.
    fn entry(&self) -> Entry;
    /// Whether it learns from the train rows.
    fn learns(&self) -> bool;
    /// Each column that it computes, with those it is computed from.
    fn derives(&self) -> Vec<(String, BTreeSet<String>)>;
    /// Whether rows of that part may come out of it.
    fn makes(&self, part: Part) -> bool;
    /// The columns after it; see [`Op::shape`].
    fn shape(&self, input: &Shape, fitted: Option<&Json>, faults: &mut Vec<Fault>) -> Shape;
    /// Whether it does anything to a request.
    fn serves(&self, rows: Option<Rows>) -> bool;
    /// Something in place of what it will learn; see [`Op::placeholder`].
    fn placeholder(&self, input: &Shape) -> Json;
    /// Learns; see [`Op::fit`].
    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Json, Fault>;
    /// What it does to a row; see [`Op::lower`].
    fn lower(&self, fitted: &Json, input: &Shape) -> Result<Vec<RowStep>, Fault>;
    /// What it does to a table; see [`Op::table`].
    fn table(&self, fitted: &Json, table: Table, cx: &FitContext) -> Result<Table, Fault>;
}

impl<O: Op> CheckedOp for O {
    fn name(&self) -> &'static str {
        O::NAME
    }

    fn version(&self) -> u32 {
        O::VERSION
    }

    fn canonical(&self) -> Json {
        serde_json::to_value(self).expect("a checked op is plain data")
    }

    fn meet(&mut self, table: &str, shape: Option<&Shape>) {
        Op::meet(self, table, shape);
    }

    fn reads(&self, table: &str) -> Option<BTreeSet<String>> {
        Op::reads(self, table)
    }

    fn uses_chance(&self) -> bool {
        Op::uses_chance(self)
    }

    fn needs_target(&self) -> bool {
        Op::needs_target(self)
    }

    fn repeats_rows(&self) -> bool {
        Op::repeats_rows(self)
    }

    fn drops_rows(&self) -> bool {
        O::DROPS_ROWS
    }

    fn splits(&self) -> bool {
        O::SPLITS
    }

    fn entry(&self) -> Entry {
        Op::entry(self)
    }

    fn learns(&self) -> bool {
        Op::learns(self)
    }

    fn derives(&self) -> Vec<(String, BTreeSet<String>)> {
        Op::derives(self)
    }

    fn makes(&self, part: Part) -> bool {
        Op::makes(self, part)
    }

    fn shape(&self, input: &Shape, fitted: Option<&Json>, faults: &mut Vec<Fault>) -> Shape {
        match fitted.map(learned::<O>).transpose() {
            Ok(fitted) => Op::shape(self, input, fitted.as_ref(), faults),
            Err(fault) => {
                faults.push(fault);
                input.clone()
            }
        }
    }

    fn serves(&self, rows: Option<Rows>) -> bool {
        Op::serves(self, rows)
    }

    fn placeholder(&self, input: &Shape) -> Json {
        serde_json::to_value(Op::placeholder(self, input)).expect("what an op learned is plain data")
    }

    fn fit(&self, table: &Table, cx: &FitContext) -> Result<Json, Fault> {
        let fitted = Op::fit(self, table, cx)?;
        Ok(serde_json::to_value(fitted).expect("what an op learned is plain data"))
    }

    fn lower(&self, fitted: &Json, input: &Shape) -> Result<Vec<RowStep>, Fault> {
        Op::lower(self, &learned::<O>(fitted)?, input)
    }

    fn table(&self, fitted: &Json, table: Table, cx: &FitContext) -> Result<Table, Fault> {
        Op::table(self, &learned::<O>(fitted)?, table, cx)
    }
}

fn learned<O: Op>(fitted: &Json) -> Result<O::Fitted, Fault> {
    serde_json::from_value(fitted.clone())
        .map_err(|error| Fault::new("fitted-state", format!("what `{}` learned can't be read", O::NAME)).because(error))
}

/// One line of the catalogue.
pub struct OpEntry {
    /// Its name in the language.
    pub name: &'static str,
    /// The version of the bytes it makes.
    pub version: u32,
    /// Its page in the reference.
    pub page: Page,
    /// The field that a bare argument stands for.
    pub shorthand: Option<&'static str>,
    /// Whether that field may be a map from columns.
    pub shorthand_maps: bool,
    /// The JSON Schema of its argument written as fields.
    pub schema: fn() -> schemars::Schema,
    /// The other tables that an argument names; see [`Op::references`].
    pub references: fn(&Node) -> Vec<Reference>,
    /// Reads and checks its argument.
    pub read: fn(&Node, &Scope) -> ReadOp,
}

/// An op whose argument is right, or every mistake in it.
pub type ReadOp = Result<Box<dyn CheckedOp>, Vec<Fault>>;

impl OpEntry {
    /// The field that an argument stands for, if it is written in its short form: mistakes in that field stand in the
    /// argument itself.
    pub fn short(&self, argument: &Node) -> Option<&'static str> {
        form::short(argument, self.shorthand.map(|field| Shorthand { field, maps: self.shorthand_maps }))
    }

    /// The entry of an op.
    pub(super) const fn of<O: Op>() -> Self {
        Self {
            name: O::NAME,
            version: O::VERSION,
            page: O::PAGE,
            shorthand: O::SHORTHAND,
            shorthand_maps: O::SHORTHAND_MAPS,
            schema: || schemars::schema_for!(O::Params),
            references: O::references,
            read: |argument, scope| {
                let shorthand = O::SHORTHAND.map(|field| Shorthand { field, maps: O::SHORTHAND_MAPS });
                let params = form::read::<O::Params>(argument, shorthand)?;
                Ok(Box::new(O::check(params, scope)?))
            },
        }
    }
}
