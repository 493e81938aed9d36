//! The rows as requests bring them: those of the source, with the columns that only a whole table could make; or those
//! that such an op has made of them.

use std::collections::HashMap;
use std::sync::Arc;

use polars::prelude::{DataFrame, IdxCa, SortMultipleOptions};

use super::run::Cx;
use super::table::work;
use crate::data::{Part, Table, order_column, positions, unexpected};
use crate::ops::Entry;
use crate::plan::{Input, OpNode, enter};
use crate::recipe::RowStep;
use crate::source::Fault;

/// The rows as requests to a model on the table `input` bring them.
pub(super) fn raw(cx: &Cx, input: Input) -> Result<Arc<Table>, Fault> {
    let (source, steps) = cx.plan.chain(input);
    let table = cx.table(source)?;
    let ops: Vec<&OpNode> = steps.iter().flat_map(|step| &cx.plan.table(*step).expect("a table").ops).collect();
    let Some(last) = ops.iter().rposition(|node| node.op.entry() != Entry::Nothing) else { return Ok(table) };
    let (mut raw, mut now) = ((*table).clone(), (*table).clone());
    for node in &ops[..=last] {
        cx.check()?;
        let worked = work(&[node], now, cx)?;
        now = worked.table;
        let mut shape = raw.shape.clone();
        enter(&mut shape, &worked.recipe, &now.shape);
        raw = match node.op.entry() {
            Entry::Nothing => raw,
            Entry::All => whole(&now)?,
            Entry::Columns => {
                let asked = worked.recipe.iter().filter_map(|step| match step {
                    RowStep::Ask { columns, .. } => Some(columns.clone()),
                    _ => None,
                });
                let asked = asked.flatten().collect();
                with(raw, &whole(&now)?, asked)?.with_shape(shape)
            }
        };
    }
    Ok(Arc::new(raw))
}

/// All parts of a table as one, in their order, as if they had never been parted.
pub(super) fn whole(table: &Table) -> Result<Table, Fault> {
    let mut all: Option<DataFrame> = None;
    for (_, frame) in table.parts() {
        match &mut all {
            None => all = Some(frame.clone()),
            Some(all) => drop(all.vstack_mut(frame).map_err(unexpected)?),
        }
    }
    let all = all.expect("a table has parts");
    let order = order_column(&all);
    let all = all.sort([order], SortMultipleOptions::default().with_maintain_order(true)).map_err(unexpected)?;
    Ok(Table::of_parts(table.shape.clone(), vec![(Part::All, all)]))
}

/// A table with columns of another one, row by row as they stand in their source. Rows that are gone there have no value.
fn with(table: Table, other: &Table, columns: Vec<String>) -> Result<Table, Fault> {
    let at = positions(other.training())?.iter().enumerate();
    let at: HashMap<i64, u32> = at.filter_map(|(row, position)| Some((position?, row as u32))).collect();
    table.map(|_, mut frame| {
        let rows: Vec<Option<u32>> = positions(&frame)?.iter().map(|position| at.get(&position?).copied()).collect();
        let rows: IdxCa = rows.into_iter().collect();
        for name in &columns {
            let column = other.training().column(name).map_err(unexpected)?.take(&rows).map_err(unexpected)?;
            frame.with_column(column).map_err(unexpected)?;
        }
        Ok(frame)
    })
}
