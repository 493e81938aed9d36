//! `drop_duplicates`: keeps one of each.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::data::{Selector, Shape, Table};
use crate::expr::Scope;
use crate::ops::{FitContext, Op, Page, Serving};
use crate::recipe::RowStep;
use crate::source::Fault;

/// Which one of several equal rows stays.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    /// The first.
    #[default]
    First,
    /// The last.
    Last,
    /// None of them.
    None,
}

/// The argument of `drop_duplicates`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// The columns that make rows equal; without it, all.
    by: Option<Selector>,
    /// Which one of several equal rows stays.
    #[serde(default)]
    keep: Which,
}

/// The checked form.
#[derive(Serialize)]
pub struct DropDuplicates {
    by: Option<Selector>,
    keep: Which,
}

impl Op for DropDuplicates {
    const NAME: &'static str = "drop_duplicates";
    const VERSION: u32 = 1;
    const PAGE: Page = Page {
        summary: "Keeps one of several equal rows, or of rows with equal values in some columns.",
        learns: "",
        serving: Serving::Nothing,
        example: "drop_duplicates: {by: [id], keep: first}",
    };
    const SHORTHAND: Option<&'static str> = Some("by");
    const DROPS_ROWS: bool = true;
    type Params = Params;
    type Fitted = ();

    fn check(params: Params, _: &Scope) -> Result<Self, Vec<Fault>> {
        Ok(Self { by: params.by, keep: params.keep })
    }

    fn shape(&self, input: &Shape, _: Option<&()>, faults: &mut Vec<Fault>) -> Shape {
        if let Some(Err(found)) = self.by.as_ref().map(|by| by.select(input)) {
            faults.extend(found.into_iter().map(|fault| fault.within("by")));
        }
        input.clone()
    }

    fn placeholder(&self, _: &Shape) {}

    fn fit(&self, _: &Table, _: &FitContext) -> Result<(), Fault> {
        Ok(())
    }

    fn lower(&self, (): &(), _: &Shape) -> Result<Vec<RowStep>, Fault> {
        Ok(Vec::new())
    }

    fn table(&self, (): &(), table: Table, cx: &FitContext) -> Result<Table, Fault> {
        let by = match &self.by {
            Some(by) => by.resolve(&table.shape)?,
            None => table.shape.names().map(str::to_owned).collect(),
        };
        let only_train = cx.rows == Some(crate::ops::Rows::Train);
        // Rows of all parts in the order of their source, so that a test row equal to an earlier train row goes.
        let mut rows: BTreeMap<i64, Vec<u8>> = BTreeMap::new();
        for (part, frame) in table.parts() {
            if only_train && !part.trains() {
                continue;
            }
            rows.extend(crate::data::row_keys(frame, &by)?);
        }
        let mut seen: BTreeMap<&[u8], Vec<i64>> = BTreeMap::new();
        for (position, key) in &rows {
            seen.entry(key).or_default().push(*position);
        }
        let dropped: BTreeSet<i64> = seen
            .into_values()
            .filter(|positions| positions.len() > 1)
            .flat_map(|positions| match self.keep {
                Which::First => positions[1..].to_vec(),
                Which::Last => positions[..positions.len() - 1].to_vec(),
                Which::None => positions,
            })
            .collect();
        table.without_rows(&dropped)
    }
}
